"""Does compression mean clustering? Neural collapse against mutual information of stochastic codes.

    python -m benchmarks.collapse_plane                    # the figure: 8 betas x 3 seeds on Fashion-MNIST
    python -m benchmarks.collapse_plane --arm conv         # a convolutional encoder on mnist1d
    python -m benchmarks.collapse_plane --arm densenet     # DenseNet-121 on CIFAR-10, on a GPU only
    python -m benchmarks.collapse_plane --arm dropout      # Gaussian dropout: rates x seeds, noisy and clean
    python -m benchmarks.collapse_plane --arm factorial    # width, data, label noise, weight decay at one beta

Each network is one line in the cache file and is never trained twice: stopped, the command goes on where it was.
Writes results/collapse_<arm>.md, .json and .png from whatever is there; ``--table`` writes the others from the .json
alone. The data folder is named by PIDNET_DATA.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import as_completed
from pathlib import Path
from typing import Any

import torch

from benchmarks.collapse_nets import MEASURES, cells
from benchmarks.collapse_table import write_results
from benchmarks.made_with import commit, machine, workers

RESULTS = Path(__file__).parent / "results"
ALL_BETAS = (1000.0, 300.0, 100.0, 30.0, 10.0, 5.0, 3.0, 2.0)
BETAS = {
    "mlp": ALL_BETAS,
    "conv": (1000.0, 100.0, 30.0, 10.0, 5.0, 3.0),
    "lenet": (1000.0, 100.0, 10.0),
    "densenet": (1000.0, 100.0, 10.0),
}
EPOCHS = {"mlp": 60, "conv": 40, "lenet": 10, "densenet": 30}


def main() -> None:
    options = arguments()
    if options.table:
        stored = json.loads((options.results / f"collapse_{options.arm}.json").read_text(encoding="utf-8"))
        write_results(options.arm, stored, options.results)
        return
    chosen = {
        "betas": options.betas or BETAS.get(options.arm),
        "epochs": options.epochs or EPOCHS.get(options.arm),
    }
    wanted = list(cells(options.arm, options.seeds, chosen))
    path = options.cache / f"collapse_{options.arm}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    done = {key(row["cell"]): row for row in lines(path)}
    missing = [cell for cell in wanted if key(cell) not in done]
    print(f"{len(wanted)} networks, {len(wanted) - len(missing)} of them from {path}", flush=True)
    start = time.perf_counter()
    with workers(options.workers) as pool:
        running = [pool.submit(measure, cell) for cell in missing]
        for count, future in enumerate(as_completed(running), start=1):
            row = json.loads(json.dumps(future.result()))
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            done[key(row["cell"])] = row
            print(f"{count}/{len(missing)} {time.perf_counter() - start:.0f} s: {shown(row)}", flush=True)
    write_results(options.arm, [done[key(cell)] for cell in wanted if key(cell) in done], options.results)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--arm", choices=list(MEASURES), default="mlp")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--betas", type=float, nargs="+", help="of the sweeps; 8, 6 or 3 by default")
    parser.add_argument("--epochs", type=int, help="of the sweeps; 60, 40, 10 or 30 by default")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="networks at a time")
    parser.add_argument(
        "--table", action="store_true", help="train nothing: write again what is in the results"
    )
    parser.add_argument("--cache", type=Path, default=Path("collapse_plane_cache"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args()


def measure(cell: dict[str, Any]) -> dict[str, Any]:
    """One network, with what it was and the CPU seconds of all of it."""
    start = time.process_time()
    row = MEASURES[cell["arm"]](cell)
    spent = {
        "all_cpu_seconds": time.process_time() - start,
        "machine": f"{machine()}, torch {torch.__version__}",
    }
    return {"cell": cell, **row, **spent, "commit": commit()}


def key(cell: dict[str, Any]) -> str:
    """What tells networks apart."""
    return json.dumps(cell, sort_keys=True)


def lines(path: Path) -> list[dict[str, Any]]:
    """Rows of the cache; a line that was cut off when the command was stopped is left out."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            print("a line of the cache is not whole: that network is trained again")
    return rows


def shown(row: dict[str, Any]) -> str:
    """A line of progress."""
    skip = ("arm", "course", "encoder", "latent", "units")
    what = ", ".join(f"{name} {value}" for name, value in row["cell"].items() if name not in skip)
    train, test = row["train"], row["test"]
    return (
        f"{what}: accuracy {test['accuracy']:.3f}, I(X;Z|Y) {train['given_label']:.2f}, "
        f"CDNV {train['cdnv_sampled']:.2f} sampled {train['cdnv_mean']:.3f} mean ({row['cpu_seconds']:.0f} CPU s)"
    )


if __name__ == "__main__":
    main()
