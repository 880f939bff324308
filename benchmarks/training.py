"""Training for less: the accuracy of small networks against the energy of their whole training.

    python -m benchmarks.training                              # everything; resumes where it was stopped
    python -m benchmarks.training --nets mlp/mnist1d --seeds 3 --only narrowing fresh

Every arm is a function of a ``Bench`` (network, data, seed) that gives a row of figures. Each cell (group, arm, net,
seed) is one line in the cache file and is never computed twice; tables and JSON in benchmarks/results are written
from whatever cells are there. The order of the arms is their order of importance.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from types import ModuleType

import torch

from benchmarks import (
    training_initialization,
    training_narrowing,
    training_penalties,
    training_redundancy,
    training_stopping,
    training_tickets,
)
from benchmarks.made_with import commit, machine
from benchmarks.training_nets import NETS, Bench
from benchmarks.training_table import write_results

# A group is a module with ARMS, name -> (Bench) -> row of figures, and ``tables``, all cells -> parts of the text; with
# NETS or ``takes(arm, net)`` where arms are for some networks only.
GROUPS: dict[str, ModuleType] = {
    "cutting": training_narrowing,
    "penalties": training_penalties,
    "stopping": training_stopping,
    "redundancy": training_redundancy,
    "tickets": training_tickets,
    "initialization": training_initialization,
}
Cell = dict


def main() -> None:
    options = arguments()
    torch.set_num_threads(1)
    options.cache.mkdir(parents=True, exist_ok=True)
    by, where = commit(), f"{machine()}, torch {torch.__version__}"
    done = {key(cell) for cell in read_cells(options.cache)}
    todo = [place for place in places(options) if place not in done]
    benches: dict[tuple[str, int], Bench] = {}
    for number, (group, arm, net, seed) in enumerate(todo, 1):
        bench = benches.setdefault((net, seed), make_bench(net, seed, options.data))
        started = time.process_time()
        row = GROUPS[group].ARMS[arm](bench)
        cell = {"group": group, "arm": arm, "net": net, "seed": seed, **row}
        cell |= {"cpu_seconds": round(time.process_time() - started, 2), "machine": where}
        cell["commit"] = by
        append(options.cache, cell)
        print(f"{number} of {len(todo)}: {json.dumps(cell)[:200]}", flush=True)
    write_results(read_cells(options.cache), GROUPS, options.results)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)

    def names(text: str) -> list[str]:
        return text.split(",")

    parser.add_argument("--nets", type=names, default=list(NETS), help="comma-separated")
    parser.add_argument("--only", nargs="+", default=[""], help="groups, or beginnings of the names of arms")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--data", default=os.environ.get("PIDNET_DATA"), help="folder of the .npz data sets")
    parser.add_argument("--cache", type=Path, default=Path("runs/training"))
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args()


def places(options: argparse.Namespace) -> list[tuple]:
    """The cells that are asked for, the most important first: (group, arm, net, seed)."""
    return [
        (group, arm, net, seed)
        for group, module in GROUPS.items()
        for arm in module.ARMS
        if any(group == name or arm.startswith(name) for name in options.only)
        for net in options.nets
        if net in getattr(module, "NETS", options.nets) and getattr(module, "takes", takes)(arm, net)
        for seed in range(options.seeds)
    ]


def takes(arm: str, net: str) -> bool:
    """An arm is for every network where its module says nothing else."""
    return True


def make_bench(net: str, seed: int, data: str | None) -> Bench:
    kind, batch = NETS[net]
    return Bench(kind, batch, kind.samples(data), seed)


def key(cell: Cell) -> tuple:
    return tuple(cell[name] for name in ("group", "arm", "net", "seed"))


def append(cache: Path, cell: Cell) -> None:
    with (cache / "cells.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(cell) + "\n")


def read_cells(cache: Path) -> list[Cell]:
    path = cache / "cells.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


if __name__ == "__main__":
    main()
