"""Arms of the training benchmark: lottery tickets of whole units, with what chance and a fresh network reach."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from benchmarks.training_nets import Bench
from benchmarks.training_table import by_arm, markdown, of_group, paired, spread
from pidnet.pruning import PruningPlan, plan_overlap, random_plan, rewind
from pidnet.pruning.plans.composing import composed
from pidnet.training.cutting import Cut, cut_counted

Arm = Callable[[Bench], dict]
KEEP = 0.1
EARLY = 1 / 12  # of the epochs: where a ticket may be rewound to
# Early birds (You et al. 2020): a plan that has overlapped by this much with each of so many before it.
AGREED, LOOKED_BACK = 0.9, 3


def planned(bench: Bench, epoch: int | None = None, keep: float = KEEP) -> Cut:
    """The plan of the dense network after an epoch, its cut and repaired network, and what both took."""
    return cut_counted(bench.dense(0.0, epoch), bench.calibration(500), keep, layers=bench.net.layers)


def early(bench: Bench) -> int:
    return max(1, round(EARLY * bench.net.epochs))


def ticket(bench: Bench, epoch: int, *, at_random: bool = False) -> dict:
    """The units of the final plan, or as many others, with the weights of an epoch, trained as the dense network."""
    cut = planned(bench)
    plan = random_plan(cut.plan, bench.seed) if at_random else cut.plan
    small = rewind(bench.dense(0.0, epoch), plan, bench.data)
    return bench.figures(
        bench.train(small), 1 + cut.macs / bench.dense_macs * (not at_random) + bench.energy(small)
    )


def rewound_early(bench: Bench, *, at_random: bool) -> dict:
    return ticket(bench, early(bench), at_random=at_random)


def planned_early(bench: Bench, epoch: int, *, repaired: bool) -> dict:
    """The plan of an early epoch, with the weights of then, repaired or not."""
    cut = planned(bench, epoch)
    small = cut.model if repaired else rewind(bench.dense(0.0, epoch), cut.plan, bench.data)
    spent = epoch / bench.net.epochs + cut.macs / bench.dense_macs
    return bench.figures(bench.train(small), spent + bench.energy(small))


def iterative(bench: Bench, rounds: int) -> dict:
    """Train, plan, rewind to an early epoch, and again, each round keeping the same share (Frankle & Carbin 2019)."""
    at, energy, whole = early(bench), 1.0, None
    trained = bench.dense(0.0)
    for _ in range(rounds):
        cut = cut_counted(
            trained, bench.calibration(500), KEEP ** (1 / rounds), layers=bench.net.layers, seed=bench.seed
        )
        whole = composed(whole, cut.plan) if whole else cut.plan
        trained = bench.train(rewind(bench.dense(0.0, at), whole, bench.data))
        energy += cut.macs / bench.dense_macs + bench.energy(trained)
    return bench.figures(trained, energy)


def early_bird(bench: Bench) -> dict:
    """Look for a plan that no longer changes: its epoch or None, and the accuracy of the ticket drawn there."""
    cuts = [planned(bench, epoch) for epoch in range(bench.net.epochs + 1)]
    plans = [cut.plan for cut in cuts]
    back = [
        min((mean_overlap(plans[e], other) for other in plans[max(0, e - LOOKED_BACK) : e]), default=0.0)
        for e in range(len(plans))
    ]
    found = next((e for e in range(LOOKED_BACK, len(plans)) if back[e] >= AGREED), None)
    row = {
        "found": found,
        "overlap with the final plan": [round(mean_overlap(plan, plans[-1]), 3) for plan in plans],
        "least overlap with the three before": [round(one, 3) for one in back],
    }
    if found is None:
        return row
    small = rewind(bench.dense(0.0, found), plans[found], bench.data)
    spent = found / bench.net.epochs + sum(cut.macs for cut in cuts[: found + 1]) / bench.dense_macs
    return bench.figures(bench.train(small), spent + bench.energy(small), **row)


def mean_overlap(plan: PruningPlan, other: PruningPlan) -> float:
    return float(np.mean([one.overlap for one in plan_overlap(plan, other).values()]))


def course(bench: Bench) -> dict:
    """What a cut is worth by the epoch at which it is made: accuracy, and loss in nats on training samples that neither
    plan nor repair has seen."""
    x, y = bench.calibration(1000)
    held = x[500:], y[500:]
    epochs = sorted({round(bench.net.epochs * k / 12) for k in range(1, 13)})
    row: dict = {"epochs": epochs, "accuracy by epoch": [], "loss by epoch": [], "dense loss by epoch": []}
    for epoch in epochs:
        cut = planned(bench, epoch)
        row["accuracy by epoch"].append(bench.test(cut.model))
        for name, model in (("loss by epoch", cut.model), ("dense loss by epoch", bench.dense(0.0, epoch))):
            with torch.no_grad():
                row[name].append(round(float(torch.nn.functional.cross_entropy(model(held[0]), held[1])), 4))
    return row


ARMS: dict[str, Arm] = {
    "final plan, weights of the start": partial(ticket, epoch=0),
    "random units, weights of the start": partial(ticket, epoch=0, at_random=True),
    "final plan, rewound to 1/12 of the epochs": partial(rewound_early, at_random=False),
    "random units, rewound to 1/12 of the epochs": partial(rewound_early, at_random=True),
    "iterative pruning with rewinding, two rounds": partial(iterative, rounds=2),
    "plan at the start, weights of the start": partial(planned_early, epoch=0, repaired=False),
    "plan at the start, repaired": partial(planned_early, epoch=0, repaired=True),
    "early bird": early_bird,
    "course of the cut network": course,
}


def tables(cells: list[dict]) -> list[str]:
    """Tickets beside dense, fresh and one-shot; when a plan is known; what a cut is worth by epoch."""
    mine = of_group(cells, "tickets")
    nets = dict.fromkeys(cell["net"] for cell in mine)
    return [part for net in nets for part in (_tickets(cells, net), _birds(mine, net), _course(mine, net))]


def _tickets(cells: list[dict], net: str) -> str:
    beside = ("dense, decay 0", "one-shot, decay 0, keep 0.1", "fresh", "narrowing, cut at 0.5, decay 0 then")
    here = [
        cell
        for cell in cells
        if cell["net"] == net
        and "accuracy" in cell
        and "keep 0.3" not in cell["arm"]
        and (cell["group"] == "tickets" or cell["arm"].startswith(beside))
    ]
    accuracy, energy = by_arm(here, "accuracy"), by_arm(here, "energy")
    chance = accuracy.get("random units, weights of the start", {})
    rows = [
        (
            arm,
            spread(seeds.values()),
            str(len(seeds)),
            f"{np.mean(list(energy[arm].values())):.3f}",
            paired(seeds, chance),
        )
        for arm, seeds in sorted(accuracy.items(), key=lambda item: -np.mean(list(item[1].values())))
    ]
    heads = ["a tenth of the units", "accuracy", "seeds", "energy", "- random units"]
    return f"## {net}: tickets\n\n{markdown(heads, rows)}"


def _birds(cells: list[dict], net: str) -> str:
    found = [cell for cell in cells if cell["net"] == net and cell["arm"] == "early bird"]
    if not found:
        return ""
    overlap = np.array([cell["overlap with the final plan"] for cell in found])
    last = overlap.shape[1] - 1
    shown = sorted({round(last * k / 8) for k in range(9)})
    rows = [
        [str(epoch) for epoch in shown],
        [spread(overlap[:, epoch], 2) for epoch in shown],
    ]
    epochs = ", ".join("never" if cell["found"] is None else str(cell["found"]) for cell in found)
    return (
        f"Overlap of the plan of an epoch with the final one (chance {KEEP:g}), {len(found)} seeds. A plan that agreed "
        f"by {AGREED:g} with the {LOOKED_BACK} before it was found at epoch: {epochs}.\n\n"
        + markdown(["epoch", *rows[0]], [["overlap", *rows[1]]])
    )


def _course(cells: list[dict], net: str) -> str:
    found = [cell for cell in cells if cell["net"] == net and cell["arm"] == "course of the cut network"]
    if not found:
        return ""
    lines = [
        [name, *(spread([cell[key][k] for cell in found], digits) for k in range(len(found[0]["epochs"])))]
        for name, key, digits in (
            ("accuracy of the cut network", "accuracy by epoch", 1),
            ("its loss on unseen training samples, nats", "loss by epoch", 2),
            ("loss of the dense network there", "dense loss by epoch", 2),
        )
    ]
    return (
        f"What a tenth of the units is worth right after cut and refit, by epoch, {len(found)} seeds.\n\n"
        + markdown(["epoch", *map(str, found[0]["epochs"])], lines)
    )
