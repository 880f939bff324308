"""The rows of the benchmark ``public_nets``: in one table, or for several processes at once as a file each."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.made_with import commit, machine
from pidnet.files import write_text

RESULTS = Path(__file__).parent / "results"
TABLE = RESULTS / "public_nets.json"
REPAIRS = ("", "none", "fold", "refit", "reconstruct")
KEY = ("network", "criterion", "budget", "resource", "images", "repair", "test")
COLUMNS = (
    *(
        "network",
        "criterion",
        "budget",
        "images",
        "test",
        "repair",
        "accuracy",
        "fine-tuned",
        "cosine",
        "KL bits",
    ),
    *("MACs", "plan s", "plan GB", "apply s", "apply GB", "widths", "commit", "load", "machine"),
)
TIMED = (
    *(
        "network",
        "criterion",
        "budget",
        "images",
        "repair",
        "accuracy",
        "promised",
        "measured",
        "one sample",
        "noise",
    ),
    *("MACs kept", "dense ms", "batch", "widths", "commit", "load", "machine"),
)

Row = dict[str, Any]


class Log:
    """Where rows go: into the table, or into a folder, each as a file named by a digest of its key."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def done(self, anew: bool) -> set[tuple]:
        """The keys of the rows that need not be computed. anew: those of other commits in the table do."""
        known = [row for row in rows() if not anew or row["commit"] == commit()]
        return {key(row) for row in known + (rows_in(self.folder) if self.folder else [])}

    def note(self, row: Row) -> None:
        """Print a row and write it, in the place of one with its key."""
        row = row | {
            "commit": commit(),
            "load": round(os.getloadavg()[0], 1),
            "machine": f"{machine()}, torch {torch.__version__}, {torch.get_num_threads()} threads",
        }
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = hashlib.sha256(repr(key(row)).encode()).hexdigest()[:12]
            write_text(self.folder / f"{name}.json", json.dumps(row, indent=1) + "\n")
        else:
            write([row])
        print(row, flush=True)


def merge(folder: Path) -> None:
    """Take the rows of a folder into the table."""
    write(rows_in(folder))


def rows() -> list[Row]:
    """Those of the table."""
    return json.loads(TABLE.read_text())["rows"] if TABLE.exists() else []


def rows_in(folder: Path) -> list[Row]:
    """Those of a folder."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def write(new: list[Row]) -> None:
    """All rows so far, new ones in the place of those with their key."""
    every = list(({key(row): row for row in rows()} | {key(row): row for row in new}).values())
    every.sort(key=place)
    write_text(TABLE, json.dumps({"rows": every}, indent=1) + "\n")
    write_text(TABLE.with_suffix(".md"), page(every))


def place(row: Row) -> tuple:
    """Where a row goes in the table: the best repair last."""
    return row["network"], -row["budget"], row["criterion"], row["images"], REPAIRS.index(row["repair"])


def key(row: Row) -> tuple:
    return tuple(row.get(name) for name in KEY)


def page(every: list[Row]) -> str:
    """All rows as a table in Markdown."""
    lines = [
        "# Public networks, pruned",
        "",
        "Weights as published, no labels (but torch-pruning's Taylor). budget: the share of the MACs. images:",
        "calibration samples. test: samples to judge by, whose covariance scales the KL of an embedding, so that those of different tests do not compare. accuracy: on CIFAR-10 or MNIST test images; fine-tuned: after one pass over 5,000 training images",
        "with labels, the same for all, behind the last repair of a run. cosine: of an embedding with the dense one. KL bits: from the dense output, per test",
        "sample. Times in CPU seconds, of all threads, and beside a GPU where the row names one; GB: the most that the process held meanwhile, with all images. The standard error of an",
        "accuracy of CIFAR-10 is about .3 points on 10,000 images. Each row names the commit that it was measured at. The",
        "schedule of reconstruct was chosen at half of the MACs while 2,500 of these test images were looked at beside unseen",
        "training images; that losses are judged on blends too, at .7 while 1,000 were. The second round of reconstruct lowered the",
        "loss on held-out calibration images (.0678 to .0632 bits at .7) and was kept for that; its test accuracy had been seen.",
        "Uniform widths come in whole units: torch-pruning's at .7 of ResNet-20 are .653 of the MACs.",
        "resemblyzer, silero-vad, torchcrepe and easyocr are judged on samples that the benchmark makes, not on recordings or scans.",
        "",
        *table([row for row in every if "resource" not in row], COLUMNS),
        "",
        "## Latency",
        "",
        "Budgets that are shares of the time, `plan_pruning(latency=)`. promised: the share by the plan's table of layers; measured: that of",
        "the network that `apply_plan` gave, both in turn, with the same batch; one sample: with a batch of one. noise: the",
        "distance of the quartiles of the dense network's times, in shares of them.",
        "Where noise is far above .05 others used the core too: such a row judges the core as much as the promise.",
        "",
        *table([row for row in every if "resource" in row], TIMED),
    ]
    return "\n".join(lines) + "\n"


def table(rows: list[Row], columns: Sequence[str]) -> list[str]:
    cells = [[str(row.get(column, "")).strip("[]") for column in columns] for row in rows]
    return ["| " + " | ".join(line) + " |" for line in (columns, ["---"] * len(columns), *cells)]
