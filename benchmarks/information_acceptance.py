"""What ``information`` and ``collapse_plane`` were to reach, and what they reached."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.collapse_statistics import column, rank_correlation

SIZES = ((4000, 2), (10_000, 2))  # of the cost: inputs and draws


def acceptance(found: dict[str, Any], collapse: list[dict[str, Any]]) -> list[dict[str, str]]:
    """One line a bar: what, the bar, the figure, whether it is met."""
    lines = [*_channels(found), *_costs(found), *_rest(found), *_figure(collapse)]
    return [
        {"what": what, "bar": bar, "measured": measured, "met": "yes" if met else "no"}
        for what, bar, measured, met in lines
    ]


def _channels(found: dict[str, Any]) -> list[tuple]:
    inside = {row["units"]: row["inside"] for row in found["coverage"]}
    near = [row["near where ok"] for row in found["coverage"] if row["near where ok"] is not None]
    narrow = [
        r["near where ok"] for r in found["coverage"] if r["near where ok"] is not None and r["ok"] > 0.5
    ]
    errors = {row["channel"]: abs(row["mean error"]) for row in found["exact"]}
    covered = [row["covered"] for row in found["exact"]]
    above = max(row["above log2 n and 3 errors"] for row in found["exact"])
    listed = ", ".join(f"d {units}: {share:.3f}" for units, share in inside.items())
    return [
        ("linear Gaussian channel: truth in the bracket", ">= .95", listed, min(inside.values()) >= 0.95),
        (
            "the value where the state is ok: within .05 and two errors, of the cases with more than half ok",
            "all",
            f"{min(narrow):.3f} (of all: {min(near):.3f})",
            min(narrow) == 1,
        ),
        (
            "discrete, dropout, binary, rectified: mean error over 40 seeds, bits",
            "<= .006",
            f"{max(errors.values()):.4f}",
            max(errors.values()) <= 0.006,
        ),
        (
            "intervals of 95 % at 2 draws",
            ".92 to .97",
            ", ".join(f"{share:.3f}" for share in covered),
            min(covered) >= 0.92 and max(covered) <= 0.97,
        ),
        ("value above log2 n by more than 3 errors", "never", f"{above:.3f}", above == 0),
    ]


def _costs(found: dict[str, Any]) -> list[tuple]:
    small, large = (next(r for r in found["cost"] if r["n"] == n and r["draws"] == d) for n, d in SIZES)
    own = next(row for row in found["cost"] if row["noise"] != "common")
    peak, chain = (
        max(row["peak GB"] for row in found["cost"]),
        max(abs(r["chain rule"]) for r in found["cost"]),
    )
    planes = {row["variant"]: (row["wall s"], row["CPU s"]) for row in found["planes"]}
    return [
        ("n 10,000, d 64, labels, 2 draws: CPU s", "<= 3", f"{large['CPU s']:.2f}", large["CPU s"] <= 3),
        ("the same, noise of each its own: CPU s", "<= 3", f"{own['CPU s']:.2f}", own["CPU s"] <= 3),
        ("peak memory of all cases up to d 256, GB", "<= .7", f"{peak:.2f}", peak <= 0.7),
        ("n 4,000, d 64, labels, 2 draws: CPU s", "<= .4", f"{small['CPU s']:.2f}", small["CPU s"] <= 0.4),
        ("I(X;T) = I(X;T given Y) + I(T;Y)", "1e-10", f"{chain:.0e}", chain <= 1e-10),
        (
            "plane of a conv net, 10,000 images: s (CPU s)",
            "<= 60",
            ", ".join(f"{name} {wall:.0f} ({cpu:.0f})" for name, (wall, cpu) in planes.items()),
            bool(planes) and max(wall for wall, _ in planes.values()) <= 60,
        ),
    ]


def _rest(found: dict[str, Any]) -> list[tuple]:
    rules, labels = found["rules"], found["labels"]
    moved = max(value for name, value in rules.items() if "scaled" in name or "order" in name)
    codes = [row for row in found["codes"] if "states" in row]
    sure = [row for row in codes if row["states"] == "ok"]
    bias, inside = (
        max(abs(row.get("mean error", row["worst error"])) for row in sure),
        min(row["inside"] for row in codes),
    )
    count = next(row["ms to count"] for row in found["codes"] if "ms to count" in row)
    errors = [abs(row["canonical"] - row["truth"]) for row in found["eight"]]
    slowest = max(row["canonical s"] for row in found["eight"])
    others = [abs(row["canonical"] - row["truth"]) for row in found["others"]]
    free = next(abs(row["canonical"]) for row in found["others"] if row["truth"] == 0)
    return [
        (
            "scaling or moving T with its noise, order of the inputs, bits",
            "1e-8",
            f"{moved:.0e}",
            moved <= 1e-8,
        ),
        (
            "labels without information: low <= 0 <= high",
            "always",
            f"{labels['inside']:.3f}",
            labels["inside"] == 1,
        ),
        (
            "codes with the state ok: mean (before: worst) error over draws, bits",
            "<= .05",
            f"{bias:.3f}",
            bias <= 0.05,
        ),
        ("codes, any state: truth in the bracket", ">= .95", f"{inside:.3f}", inside >= 0.95),
        ("10,000 x 256 codes counted, ms", "<= 10", f"{count:.1f}", count <= 10),
        (
            "samples only, the eight tasks: mean error, nats",
            "<= .05",
            f"{np.mean(errors):.3f}",
            np.mean(errors) <= 0.05,
        ),
        ("ten tasks of other families, nats", "said", f"{np.mean(others):.3f}", True),
        ("the slowest of the eight: CPU s", "<= 3", f"{slowest:.2f}", slowest <= 3),
        ("independent vectors, nats", "<= .01", f"{free:.4f}", free <= 0.01),
        (
            "perfect simplex: ETF error",
            "1e-6",
            f"{rules['perfect simplex']:.0e}",
            rules["perfect simplex"] <= 1e-6,
        ),
        (
            "NC1 in float32 and float64",
            "1e-3",
            f"{rules['NC1 in float32']:.0e}",
            rules["NC1 in float32"] <= 1e-3,
        ),
    ]


def _figure(rows: list[dict[str, Any]]) -> list[tuple]:
    fitted = [row for row in rows if row["cell"]["beta"] >= 10]
    minutes = sum(row["all_cpu_seconds"] for row in rows) / 120
    signs = [
        rank_correlation(column(fitted, "train", "given_label"), column(fitted, "train", name))
        for name in ("cdnv_sampled", "cdnv_mean")
    ]
    epochs, seeds = rows[0]["cell"]["epochs"], len({row["cell"]["seed"] for row in rows})
    return [
        (
            f"the figure of neural collapse, {len(rows)} networks of {epochs} epochs: minutes on two cores, from CPU s",
            "<= 10",
            f"{minutes:.1f}",
            minutes <= 10,
        ),
        (
            f"its signs at {seeds} seeds: I(X;Z given Y) with CDNV of the sampled and of the mean code",
            "- and +",
            f"{signs[0]:+.2f} and {signs[1]:+.2f}",
            signs[0] < 0 < signs[1],
        ),
    ]
