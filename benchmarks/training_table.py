"""Cells of the training benchmark as JSON, tables and a figure."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import numpy as np

from benchmarks.training_nets import SETTINGS
from pidnet.files import write_text

MACHINE = "2-core x86_64 CPU, Linux, torch 2.13.0+cpu"  # of the cells that do not say
PACKAGES = ("numpy", "scipy")


def write_results(cells: list[dict], groups: dict[str, ModuleType], folder: Path) -> None:
    """training.json with every cell, training.md with the tables of each group."""
    folder.mkdir(parents=True, exist_ok=True)
    order = [(name, arm) for name, group in groups.items() for arm in group.ARMS]
    cells = sorted(cells, key=lambda cell: order.index((cell["group"], cell["arm"])))
    commits = sorted({cell["commit"] for cell in cells})
    made = {
        "machines": Counter(cell.get("machine", MACHINE) for cell in cells),
        "commits": commits,
        "packages": {name: version(name) for name in PACKAGES},
        "cpu_seconds": round(sum(cell["cpu_seconds"] for cell in cells)),
    }
    kept = [{name: value for name, value in cell.items() if name != "commit"} for cell in cells]
    lines = ",\n".join(map(json.dumps, kept))
    write_text(folder / "training.json", f'{{"made": {json.dumps(made)},\n"cells": [\n{lines}\n]}}\n')
    parts = ["# Training for less\n", introduction(made)]
    for name, group in groups.items():
        if of_group(cells, name):
            parts += group.tables(cells)
            if hasattr(group, "draw"):
                group.draw(cells, folder / f"training_{name}.png")
    text = "\n".join(parts).rstrip() + "\n"
    write_text(folder / "training.md", text)
    print(text)


def introduction(made: dict) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in made["packages"].items())
    machines = "; ".join(f"{count:,} cells on {name}" for name, count in made["machines"].items())
    return (
        "Test accuracy in %, mean ± standard deviation over seeds, with the number of seeds. AdamW with a one-cycle rate; "
        f"{SETTINGS}. The energy is multiply-accumulates (MACs) of the whole training, plans and repairs included, "
        "over those of the dense network's; it is counted, not measured. No strength was chosen on a validation "
        "split but those of penalties, whose table has a column for that: every arm that ran is in the table, so the "
        "best row of many is a little lucky. "
        f"Made by `python -m benchmarks.training` at commits {', '.join(made['commits'])}, {made['cpu_seconds']:,} CPU "
        f"seconds of one thread on machines shared with other work: {machines}; {packages}. A difference to another "
        "arm of the same seed may be one between machines.\n"
    )


def of_group(cells: Iterable[dict], group: str) -> list[dict]:
    return [cell for cell in cells if cell["group"] == group]


def by_arm(cells: Iterable[dict], figure: str) -> dict[str, dict[int, float]]:
    """Arm -> seed -> a figure, in the order of the cells."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for cell in cells:
        if figure in cell:
            found[cell["arm"]][cell["seed"]] = cell[figure]
    return found


def spread(values: Iterable[float], digits: int = 1) -> str:
    """Mean ± standard deviation."""
    array = np.array(list(values), float)
    if not len(array):
        return "-"
    scatter = f" ± {array.std(ddof=1):.{digits}f}" if len(array) > 1 else ""
    return f"{array.mean():.{digits}f}{scatter}"


def paired(mine: dict[int, float], other: dict[int, float]) -> str:
    """Mean ± standard deviation of the differences on the seeds that both have."""
    both = sorted(mine.keys() & other.keys())
    differences = [mine[seed] - other[seed] for seed in both]
    return spread(differences).replace("-0.0", "0.0") if both else "-"


def markdown(heads: list[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [f"| {' | '.join(heads)} |", "| --- |" + " --- |" * (len(heads) - 1)]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
