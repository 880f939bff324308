"""Tables and text of ``information``."""

from __future__ import annotations

import numpy as np


def table(rows: list[dict]) -> str:
    """A Markdown table."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    text = f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n"
    for row in rows:
        text += f"| {' | '.join(_cell(row.get(head)) for head in heads)} |\n"
    return text


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0e}" if 0 < abs(value) < 5e-4 else f"{value:.3f}"
    return str(value)


def mean_errors(rows: list[dict]) -> dict[str, str]:
    """Mean absolute error of each estimator over the tasks that it takes."""
    methods = [name for name in rows[0] if name not in ("task", "truth") and not name.endswith(" s")]
    means = {}
    for method in methods:
        errors = [abs(row[method] - row["truth"]) for row in rows if row.get(method) is not None]
        if errors:
            means[method] = f"{np.mean(errors):.3f} ({len(errors)})"
    return means


def markdown(
    result: dict, accepted: list[dict], *, samples: int, repetitions: int, many: int, seeds: int
) -> str:
    """The page of results; samples, repetitions, many and seeds: what the tables were made with."""
    lines = "\n".join(f"- {name}: {how}" for name, how in result["made"].items())
    text = f"""# Information: brackets and estimates against known truth

One thread. Made at:
{lines}

## What was asked for, and what came out

{table(accepted)}
## Samples only, nats

{samples:,} samples, one seed; "s" are CPU seconds. The eight tasks of Czyz et al. (2023). The rule of "canonical" was
chosen while looking at these eight and at the three Gaussian ones of the second table.

{table(result["eight"])}
Mean absolute error (tasks): {result["mean errors, eight"]}

Other families:

{table(result["others"])}
Mean absolute error (tasks): {result["mean errors, others"]}

## Known channels, bits

Linear Gaussian channel of 20 Gaussian inputs, 2,000 samples, 1 draw, {repetitions} repetitions: how often the truth is
inside the bracket, its mean width, how often the state is ok, and then how often the value is within .05 and two errors.

{table(result["coverage"])}
Truth by integration or counting, 2 draws: mean error over {seeds} and over {many} seeds, and how often 1.96
errors hold it.

{table(result["exact"])}
Cost with labels; the chain rule is I(X;T) - I(X;T|Y) - I(T;Y).

{table(result["cost"])}
10 labels without information, 1,000 samples of 10 units, 100 repetitions: 0 is inside the bracket in
{result["labels"]["inside"]:.0%}; the in-sample value is {result["labels"]["in-sample value"]:.2f} bits.

## Codes, bits

Signs of random directions of 4 Gaussian inputs, {repetitions} repetitions.

{table(result["codes"])}
"""
    for row in result["planes"]:
        text += f"\n## Plane, conv {row['variant']}, 8,000 + 2,000 images of Fashion-MNIST: {row['CPU s']:.1f} CPU s, "
        text += f"{row['wall s']:.1f} s\n\n```\n" + "\n".join(row["plane"]) + "\n```\n"
    return text
