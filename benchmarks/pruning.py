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
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.made_with import commit, machine
from benchmarks.pruning_nets import NETS, WITH_DECAY, Net, dense
from benchmarks.pruning_table import write_results
from pidnet import training
from pidnet.datasets.named import Samples
from pidnet.energy import count, modelled_energy
from pidnet.energy.modelled import total
from pidnet.pruning import CRITERIA, CalibrationStatistics
from pidnet.pruning.plans.budget import Budget
from pidnet.pruning.plans.planning import gather
from pidnet.pruning.plans.search import PROPOSALS, find_plan
from pidnet.pruning.repair.running import cut_and_repair

REPAIRS = ("none", "fold", "refit")
# A repair that takes seconds, for the strongest criteria and for none.
RECONSTRUCT = "reconstruct"
RECONSTRUCTED = ("pid", "obs", "random")
CUTS = (0.3, 0.5, 0.7, 0.9)
SEEDS = 5
SCRATCH = "from scratch"
# The closed form alone, and the baseline with the search of pid: what each part of pid adds.
CLOSED_FORM = "pid closed form"
OBS_SEARCHED = "obs searched"
SEARCHED = {
    "pid": PROPOSALS,
    OBS_SEARCHED: tuple(proposal for proposal in PROPOSALS if proposal.target == "next layer"),
}
Keep = dict[str, list[int]]


def main() -> None:
    options = arguments()
    options.cache.mkdir(parents=True, exist_ok=True)
    for name in options.nets:
        run_net((NETS | WITH_DECAY)[name], options)
    write_results(read_cells(options.cache), options.results)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)

    def names(text: str) -> list[str]:
        return text.split(",")

    criteria = ["pid", "obs", OBS_SEARCHED, CLOSED_FORM, *CRITERIA, SCRATCH]
    parser.add_argument(
        "--nets", type=names, default=list(NETS), help=f"comma-separated; also {', '.join(WITH_DECAY)}"
    )
    parser.add_argument("--criteria", type=names, default=list(dict.fromkeys(criteria)))
    parser.add_argument("--cuts", type=lambda text: [float(cut) for cut in names(text)], default=CUTS)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--seed", type=int, help="only this one")
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
    made = {"commit": commit(), "machine": f"{machine()}, torch {torch.__version__}"}
    for seed in range(options.seeds) if options.seed is None else (options.seed,):
        model = dense(net, samples, seed, options.cache)
        bench = Bench(net, samples, gather(model, draw(net, samples, seed), net.layers, seed))
        for criterion in ("dense", *options.criteria):
            cuts = (0.0,) if criterion == "dense" else options.cuts
            todo = {
                cut: [r for r in repairs(criterion) if (net.name, seed, criterion, cut, r) not in done]
                for cut in cuts
            }
            for rows in bench.run(criterion, {cut: left for cut, left in todo.items() if left}):
                base = {"net": net.name, "seed": seed, "criterion": criterion}
                append(options.cache, [base | row | made for row in rows])
        print(f"{net.name}, seed {seed}: done", flush=True)


class Bench:
    """One trained network with its calibration data. What a criterion looks at is gathered once for all of
    them; plans are carried out by the parts of ``apply_plan``, without its checks."""

    def __init__(self, net: Net, samples: Samples, statistics: CalibrationStatistics) -> None:
        self.net, self.samples, self.statistics = net, samples, statistics

    def run(self, criterion: str, todo: dict[float, list[str]]) -> Iterator[list[dict]]:
        """For each cut one row a repair, with the accuracy on the test data; a criterion that does not apply
        says why."""
        if criterion == "dense":
            yield from (
                [{"cut": cut, "repair": "none"} | self.figures(self.statistics.network.model)] for cut in todo
            )
        elif criterion == SCRATCH:
            for cut in todo:
                model = from_scratch(self.net, self.samples, cut, self.statistics.seed)
                yield [{"cut": cut, "repair": "none"} | self.figures(model)]
        elif todo:
            try:
                decide = self.decision(criterion)
            except ValueError as error:
                for cut, left in todo.items():
                    yield [{"cut": cut, "repair": repair, "error": str(error)} for repair in left]
                return
            for cut, left in todo.items():
                keep = decide(Budget.of(self.statistics, {"keep": 1 - cut}, 1))
                yield [
                    {"cut": cut, "repair": repair} | self.figures(self.pruned(keep, repair))
                    for repair in left
                ]

    def decision(self, criterion: str) -> Callable[[Budget], Keep]:
        """Budget -> the units that stay; a ranking is made once for all budgets."""
        if criterion in SEARCHED:
            return lambda budget: find_plan(self.statistics, budget, SEARCHED[criterion])[0].kept
        rank = CRITERIA["pid" if criterion == CLOSED_FORM else criterion]
        orders = {layer: rank(self.statistics, layer).order for layer in self.statistics.layers}
        return lambda budget: {
            layer: sorted(orders[layer][len(orders[layer]) - width :].tolist())
            for layer, width in budget.uniform.items()
        }

    def pruned(self, keep: Keep, repair: str) -> nn.Module:
        network = self.statistics.network
        removed = {name: group.others(keep[name]) for name, group in network.groups.items()}
        return cut_and_repair(network, removed, self.statistics.x, repair).model

    def figures(self, model: nn.Module) -> dict:
        counts = count(model, self.samples.x_test[:1])
        return {
            "accuracy": round(100 * training.accuracy(model, self.samples.x_test, self.samples.y_test), 3),
            "macs": counts.macs,
            "joules": total(modelled_energy(counts)).sram,
        }


def draw(net: Net, samples: Samples, seed: int) -> tuple[Tensor, Tensor]:
    """The calibration data of a seed, from the training data."""
    chosen = torch.randperm(len(samples.x_train), generator=torch.Generator().manual_seed(seed))
    return samples.x_train[chosen[: net.calibration]], samples.y_train[chosen[: net.calibration]]


def from_scratch(net: Net, samples: Samples, cut: float, seed: int) -> nn.Module:
    """A network of the cut widths, trained as the dense one was."""
    torch.manual_seed(seed)
    model = net.build(tuple(round((1 - cut) * width) for width in net.widths))
    return net.train(model, samples, seed)


def repairs(criterion: str) -> tuple[str, ...]:
    """Under which repairs a criterion runs; what is not pruned has none."""
    if criterion in ("dense", SCRATCH):
        return REPAIRS[:1]
    return (*REPAIRS, RECONSTRUCT) if criterion in RECONSTRUCTED else REPAIRS


def key(cell: dict) -> tuple:
    return tuple(cell[name] for name in ("net", "seed", "criterion", "cut", "repair"))


def append(cache: Path, cells: list[dict]) -> None:
    """Add the cells of a cut to the cache file in one write, so that a stopped run loses one cut at most."""
    with (cache / "cells.jsonl").open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(cell) + "\n" for cell in cells))


def read_cells(cache: Path) -> list[dict]:
    path = cache / "cells.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


if __name__ == "__main__":
    main()
