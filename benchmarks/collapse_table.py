"""Tables and texts of ``collapse_plane``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.collapse_figure import TITLES, figure, units_figure
from benchmarks.collapse_statistics import Rows, column, rank_correlation, resampled, settings_mean, spread
from pidnet.files import write_text

FITTED = 10.0  # from this beta on the networks fit their training data


def write_results(arm: str, rows: Rows, folder: Path) -> None:
    """All rows as JSON, and the table and the figures of what stands there."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [rounded(_kept(row, rows)) for row in rows]
    write_text(folder / f"collapse_{arm}.json", "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n")
    made = {"dropout": dropout_text, "factorial": factorial_text}.get(arm, sweep_text)
    text = "\n".join([*head(arm, rows), *made(rows)]) + "\n"
    write_text(folder / f"collapse_{arm}.md", text)
    if made is sweep_text:
        figure(rows).savefig(folder / f"collapse_{arm}.png", dpi=90)
        if any("pairs" in row.get("units", {}) for row in rows):
            units_figure(mapped(rows)).savefig(folder / f"collapse_{arm}_units.png", dpi=90)
    print(text)


def mapped(rows: Rows) -> Rows:
    """The networks whose pairs of units are drawn: the first seed, at the most and the least beta that fit the data."""
    fitted = [row for row in rows if row["cell"]["seed"] == 0 and row["cell"].get("beta", 0) >= FITTED]
    fitted.sort(key=lambda row: -row["cell"]["beta"])
    return [fitted[0], fitted[-1]] if fitted else []


def _kept(row: dict[str, Any], rows: Rows) -> dict[str, Any]:
    """Without the single pairs of units of networks that are not drawn."""
    drawn = row["cell"]["arm"] != "factorial" and any(row is one for one in mapped(rows))
    units = {name: value for name, value in row.get("units", {}).items() if drawn or name != "pairs"}
    return {**row, "units": units} if units else row


def rounded(value: Any) -> Any:
    """Five digits of every number."""
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [rounded(part) for part in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value


def head(arm: str, rows: Rows) -> list[str]:
    seconds = sum(row["all_cpu_seconds"] for row in rows)
    commits = ", ".join(sorted({row["commit"] for row in rows}))
    machines = "; ".join(
        sorted({row.get("machine", "2-core x86_64 CPU, Linux, shared with other work") for row in rows})
    )
    return [
        f"# Compression and clustering: {TITLES[arm]}",
        "",
        f"`benchmarks/collapse_plane.py --arm {arm}`: {len(rows)} networks at commit {commits}, {seconds:,.0f} CPU seconds of one thread in all "
        f"({machines}). Settings of the first: {json.dumps(rows[0]['cell'])}. Information in bits.",
        "",
    ]


def mean_table(rows: Rows, by: Callable[[dict[str, Any]], Any], columns: dict[str, Any]) -> list[str]:
    """Markdown: a line for each group of networks, mean over them, +- standard deviation."""
    groups: dict[Any, Rows] = {}
    for row in rows:
        groups.setdefault(by(row["cell"]), []).append(row)
    lines = [f"| | runs | {' | '.join(columns)} |", "| --- |" + " --- |" * (len(columns) + 1)]
    for group, members in groups.items():
        values = [" / ".join(spread(column(members, *at)) for at in places) for places in columns.values()]
        lines.append(f"| {group} | {len(members)} | {' | '.join(values)} |")
    return lines


ACCURACY = {
    "accuracy train / test / test, mean code": [
        ("train", "accuracy"),
        ("test", "accuracy"),
        ("test", "accuracy_mean"),
    ],
}
GEOMETRY = {
    "CDNV sampled, train / test": [("train", "cdnv_sampled"), ("test", "cdnv_sampled")],
    "CDNV mean code, train / test": [("train", "cdnv_mean"), ("test", "cdnv_mean")],
    "NC1 sampled / mean code": [("train", "nc1_sampled"), ("train", "nc1_mean")],
    "NC2 angle sampled / mean code": [("train", "max_angle_sampled"), ("train", "max_angle_mean")],
}


READING = [
    "CDNV of the sampled code is a noise-to-signal ratio: it rises with the noise of the encoder, whatever the means do.",
    "beta drives information, clusters and accuracy at once, so that a sweep over it cannot tell which of them goes with",
    "accuracy. Where the train accuracy is far from 1 collapse has no meaning. Brackets are made from 4,000 inputs, 1,000",
    "of them in the outer mean, so the lower end has an error of some .02 bits that the closed form has not; own weight",
    "near 1 means saturated. Pairs of units of the sampled code on 2,000 test samples: i_broja, four levels, bits.",
]


def sweep_table(rows: Rows) -> list[str]:
    columns = {
        **ACCURACY,
        "test cross-entropy": [("test", "cross_entropy")],
        "I(X;Z given Y): trained b / closed-form b / bracket": [
            ("train", "bound"),
            ("train", "closed_form_bound"),
            ("train", "given_label_low"),
            ("train", "given_label_high"),
        ],
        "I(X;Z) bracket": [("train", "input_low"), ("train", "input_high")],
        "I(Z;Y) bracket train": [("train", "label_low"), ("train", "label_high")],
        **GEOMETRY,
        "own weight": [("train", "own_weight")],
    }
    if all("units" in row for row in rows):
        columns["pairs of units: redundancy / synergy"] = [("units", "redundancy"), ("units", "synergy")]
    return mean_table(rows, lambda cell: f"beta {cell['beta']:g}", columns)


def sweep_text(rows: Rows) -> list[str]:
    fitted = [row for row in rows if row["cell"]["beta"] >= FITTED]
    return [
        *sweep_table(rows),
        "",
        *READING,
        "",
        *correlations({f"all {len(rows)}": rows, f"beta >= {FITTED:g}, {len(fitted)}": fitted}),
        "",
        *course_text(rows),
    ]


PAIRS = [
    ("given_label", "cdnv_sampled"),
    ("given_label", "cdnv_mean"),
    ("bound", "cdnv_sampled"),
    ("bound", "cdnv_mean"),
    ("given_label", "nc1_sampled"),
    ("given_label", "nc1_mean"),
    ("given_label", "max_angle_sampled"),
    ("given_label", "max_angle_mean"),
]
NAMES = {
    "given_label": "I(X;Z given Y)",
    "bound": "its bound by the trained b",
    "input": "I(X;T)",
    "cdnv_sampled": "CDNV sampled",
    "cdnv_mean": "CDNV mean code",
    "nc1_sampled": "NC1 sampled",
    "nc1_mean": "NC1 mean code",
    "max_angle_sampled": "NC2 angle sampled",
    "max_angle_mean": "NC2 angle mean code",
    "effective_rank": "effective rank of the mean code",
    "redundancy": "redundancy of pairs, bits",
    "redundancy_share": "redundancy as a share",
    "synergy": "synergy of pairs, bits",
}


def correlations(groups: dict[str, Rows], pairs: Iterable[tuple[str, str]] = PAIRS) -> list[str]:
    """Rank correlations over networks, on training and test data, and given the test accuracy of the sampled code."""
    lines = [
        "Rank correlation (Spearman) over networks: train / test / train given test accuracy",
        "",
        f"| pair | {' | '.join(groups)} |",
        "| --- |" + " --- |" * len(groups),
    ]
    for a, b in pairs:
        cells = []
        for rows in groups.values():
            accuracy = column(rows, "test", "accuracy")
            plain = [rank_correlation(column(rows, s, a), column(rows, s, b)) for s in ("train", "test")]
            given = rank_correlation(column(rows, "train", a), column(rows, "train", b), [accuracy])
            cells.append(" / ".join(f"{value:+.2f}" for value in [*plain, given]))
        lines.append(f"| {NAMES[a]}, {NAMES[b]} | {' | '.join(cells)} |")
    for name in (
        "given_label" if "given_label" in rows[0]["train"] else "input",
        "cdnv_sampled",
        "cdnv_mean",
    ):
        cells = []
        for rows in groups.values():
            yardsticks = [column(rows, "test", "accuracy"), column(rows, "test", "accuracy_mean")]
            cells.append(
                " / ".join(f"{rank_correlation(column(rows, 'train', name), y):+.2f}" for y in yardsticks)
            )
        lines.append(f"| {NAMES[name]}, test accuracy: sampled / mean code | {' | '.join(cells)} |")
    return lines


def course_text(rows: Rows) -> list[str]:
    """I(X;Z|Y) and CDNV over the epochs, means over seeds."""
    epochs = [look["epoch"] for look in rows[0].get("course", ())]
    if not epochs:
        return []
    lines = [
        "Over training (rows of 250 inputs): I(X;Z given Y), CDNV sampled, CDNV mean code",
        "",
        f"| beta | {' | '.join(f'epoch {epoch}' for epoch in epochs)} |",
        "| --- |" + " --- |" * len(epochs),
    ]
    for beta in dict.fromkeys(row["cell"]["beta"] for row in rows):
        members = [row["course"] for row in rows if row["cell"]["beta"] == beta]
        cells = []
        for k in range(len(epochs)):
            names = ("given_label", "cdnv_sampled", "cdnv_mean")
            cells.append(
                ", ".join(f"{np.mean([course[k][name] for course in members]):.3g}" for name in names)
            )
        lines.append(f"| {beta:g} | {' | '.join(cells)} |")
    return lines


def dropout_text(rows: Rows) -> list[str]:
    columns = {
        "accuracy test, noisy / clean": [("test", "accuracy"), ("test", "accuracy_mean")],
        "I(X;T) bracket": [("train", "input_low"), ("train", "input_high")],
        "H(pattern of zeros)": [("train", "pattern")],
        "I(X;T given Y)": [("train", "given_label_low"), ("train", "given_label_high")],
        "CDNV noisy / clean": [("train", "cdnv_sampled"), ("train", "cdnv_mean")],
        "NC1 noisy / clean": [("train", "nc1_sampled"), ("train", "nc1_mean")],
    }

    def name(cell: dict[str, Any]) -> str:
        penalty = f", CDNV penalty {cell['penalty']:g}" if cell["penalty"] else ""
        return f"{cell['activation']}, rate {cell['rate']:g}{penalty}"

    tanh = [row for row in rows if row["cell"]["activation"] == "tanh" and not row["cell"]["penalty"]]
    upto = [row for row in tanh if row["cell"]["rate"] < 0.8]
    pairs = [("input", "cdnv_sampled"), ("input", "cdnv_mean"), ("given_label", "cdnv_sampled")]
    groups = {f"tanh, all rates, {len(tanh)}": tanh, f"tanh, rates to .7, {len(upto)}": upto}
    return [*mean_table(rows, name, columns), "", *correlations(groups, pairs)]


CANDIDATES = [
    ("train", "cdnv_sampled"),
    ("train", "cdnv_mean"),
    ("train", "nc1_sampled"),
    ("train", "nc1_mean"),
    ("train", "given_label"),
    ("train", "effective_rank"),
    ("units", "redundancy"),
    ("units", "redundancy_share"),
    ("units", "synergy"),
]
FACTORS = ("width", "samples", "noise", "decay")


def factorial_text(rows: Rows) -> list[str]:
    def name(cell: dict[str, Any]) -> str:
        return ", ".join(f"{factor} {cell[factor]:g}" for factor in FACTORS)

    columns = {
        **ACCURACY,
        "I(X;Z given Y)": [("train", "given_label_low"), ("train", "given_label_high")],
        "CDNV sampled / mean code": [("train", "cdnv_sampled"), ("train", "cdnv_mean")],
        "NC1 sampled / mean code": [("train", "nc1_sampled"), ("train", "nc1_mean")],
        "effective rank": [("train", "effective_rank")],
        "redundancy / synergy": [("units", "redundancy"), ("units", "synergy")],
    }
    factors = [np.array([row["cell"][factor] for row in rows]) for factor in FACTORS]
    train = column(rows, "train", "accuracy")
    lines = [
        *mean_table(rows, name, columns),
        "",
        "All have as many steps (240). Geometry, information and train accuracy are about the training labels, of which",
        "noise 0.2 makes a fifth random; the test labels are clean.",
        "",
        "Rank correlation with test accuracy over networks: plain, given the train accuracy, given all four factors,",
        "and between the means of the 16 settings. In brackets the standard deviation over resampled networks.",
        "",
        "| of the training data | code sampled | given train accuracy | given the factors | means of settings | mean code |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for split, candidate in CANDIDATES:
        value, score = column(rows, split, candidate), column(rows, "test", "accuracy")
        means = [settings_mean(rows, part, name) for part in (value, score)]
        cells = [
            resampled(value, score),
            resampled(value, score, [train]),
            resampled(value, score, factors),
            f"{rank_correlation(*means):+.2f}",
            resampled(value, column(rows, "test", "accuracy_mean")),
        ]
        lines.append(f"| {NAMES[candidate]} | {' | '.join(cells)} |")
    return lines
