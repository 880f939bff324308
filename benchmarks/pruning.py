"""The pruning scoreboard: accuracy of every criterion under every repair, on paired seeds.

    python -m benchmarks.pruning                      # everything; resumes where it was stopped
    python -m benchmarks.pruning --nets mlp/mnist1d --criteria pid,obs,random

Each cell (net, seed, criterion, cut, repair) is one line in the cache file and is never computed twice. The
table and the JSON in benchmarks/results are written from whatever cells are there.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.pruning_nets import NETS, Net, dense
from benchmarks.pruning_table import write_results
from pidnet import zoo
from pidnet.data import Samples
from pidnet.energy import count, modelled_energy
from pidnet.energy.modelled import total
from pidnet.pruning import CRITERIA, Evidence, Ranking, apply_plan, plan_pruning

REPAIRS = ("none", "fold", "refit")
CUTS = (0.3, 0.5, 0.7, 0.9)
SEEDS = 5
CALIBRATION = 1000
SCRATCH = "from scratch"
# What the search over proposals adds to the closed form alone.
CLOSED_FORM = "pid closed form"


def main() -> None:
    options = arguments()
    options.cache.mkdir(parents=True, exist_ok=True)
    for name in options.nets:
        run_net(NETS[name], options)
    write_results(read_cells(options.cache), options.results)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)

    def names(text: str) -> list[str]:
        return text.split(",")

    parser.add_argument("--nets", type=names, default=list(NETS), help="comma-separated")
    parser.add_argument("--criteria", type=names, default=[*CRITERIA, CLOSED_FORM, SCRATCH])
    parser.add_argument("--cuts", type=lambda text: [float(cut) for cut in names(text)], default=CUTS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--data", default=os.environ.get("PIDNET_DATA"), help="folder of the .npz data sets")
    parser.add_argument("--cache", type=Path, default=Path("runs/pruning"), help="trained networks and cells")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    return parser.parse_args()


def run_net(net: Net, options: argparse.Namespace) -> None:
    """All missing cells of a network; a net whose data are not there is skipped with a note."""
    try:
        samples = net.samples(options.data)
    except FileNotFoundError as error:
        print(f"{net.name} is skipped: {error}", flush=True)
        return
    done = {key(cell) for cell in read_cells(options.cache)}
    for seed in range(options.seeds):
        model = dense(net, samples, seed, options.cache)
        for criterion in ("dense", *options.criteria):
            for cut in (0.0,) if criterion == "dense" else options.cuts:
                for cell in missing(net, seed, criterion, cut, done):
                    append(options.cache, run_cell(net, samples, model, cell))


def missing(net: Net, seed: int, criterion: str, cut: float, done: set[tuple]) -> list[dict]:
    """What has to be run for this criterion and cut: one item with the repairs that are not there yet."""
    repairs = ("none",) if criterion in ("dense", SCRATCH) else REPAIRS
    base = {"net": net.name, "seed": seed, "criterion": criterion, "cut": cut}
    left = [repair for repair in repairs if key(base | {"repair": repair}) not in done]
    return [base | {"repairs": left}] if left else []


def run_cell(net: Net, samples: Samples, model: nn.Module, cell: dict) -> list[dict]:
    """One row a repair, each with the accuracy on the test data; a criterion that does not apply says why."""
    base = {name: cell[name] for name in ("net", "seed", "criterion", "cut")}
    if cell["criterion"] == "dense":
        return [base | {"repair": "none"} | figures(model, samples)]
    if cell["criterion"] == SCRATCH:
        return [base | {"repair": "none"} | figures(from_scratch(net, samples, cell), samples)]
    calibration = draw(samples, cell["seed"])
    criterion = closed_form if cell["criterion"] == CLOSED_FORM else cell["criterion"]
    try:
        plan = plan_pruning(
            model, calibration, 1 - cell["cut"], criterion, layers=net.layers, seed=cell["seed"]
        )
    except ValueError as error:
        return [base | {"repair": repair, "error": str(error)} for repair in cell["repairs"]]
    return [
        base | {"repair": repair} | figures(apply_plan(model, plan, calibration, repair), samples)
        for repair in cell["repairs"]
    ]


def closed_form(evidence: Evidence, layer: str) -> Ranking:
    """The unique and synergistic information about the drawn class, ranked on the dense network."""
    return CRITERIA["pid"](evidence, layer)


def draw(samples: Samples, seed: int) -> tuple[Tensor, Tensor]:
    """The calibration data of a seed, from the training data."""
    chosen = torch.randperm(len(samples.x_train), generator=torch.Generator().manual_seed(seed))[:CALIBRATION]
    return samples.x_train[chosen], samples.y_train[chosen]


def from_scratch(net: Net, samples: Samples, cell: dict) -> nn.Module:
    """A network of the cut widths, trained as the dense one was."""
    torch.manual_seed(cell["seed"])
    model = net.build(tuple(round((1 - cell["cut"]) * width) for width in net.widths))
    return zoo.train(
        model, samples.x_train, samples.y_train, epochs=net.epochs, rate=net.rate, seed=cell["seed"]
    )


def figures(model: nn.Module, samples: Samples) -> dict:
    counts = count(model, samples.x_test[:1])
    return {
        "accuracy": round(100 * zoo.accuracy(model, samples.x_test, samples.y_test), 3),
        "macs": counts.macs,
        "joules": total(modelled_energy(counts)).sram,
    }


def key(cell: dict) -> tuple:
    return tuple(cell[name] for name in ("net", "seed", "criterion", "cut", "repair"))


def append(cache: Path, cells: list[dict]) -> None:
    """Add cells to the cache file in one write, so that a stopped run loses one at most."""
    with (cache / "cells.jsonl").open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(cell) + "\n" for cell in cells))


def read_cells(cache: Path) -> list[dict]:
    path = cache / "cells.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


if __name__ == "__main__":
    main()
