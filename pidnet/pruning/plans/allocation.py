"""How wide each layer stays by measured loss: curves per layer, combined by dynamic programming.

The losses of single layers add up faster than their sum, so the curves are measured again around the widths found, and
of all widths that were found those stay that lose least together (Frantar & Alistarh 2022, SPDY, arXiv:2201.13096, with
measured divergences in place of layer errors). What is measured is the folded network on every fifth sample, half of them
blended with others: a network that is sure of its calibration samples loses more on new ones. The other samples decide
which units go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from pidnet.pruning.criteria.criterion import Criterion
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.plans._partial_plan import PartialPlan, at_once
from pidnet.pruning.plans.budget import Budget
from pidnet.pruning.plans.curves import Judge, LossCurve
from pidnet.pruning.plans.search import TARGETS
from pidnet.pruning.repair.walk import blended, parted

# How often the curves are measured again.
ROUNDS = 1
BUCKETS = 2000
# Where they are measured again: by how many shares of the layer more or less than the present width.
NEAR = (-0.125, 0.0, 0.125, 0.25)


def by_measured_loss(
    statistics: CalibrationStatistics, criterion: Criterion, budget: Budget, *, search: bool
) -> tuple[PartialPlan, dict[str, float], list[LossCurve]]:
    """The plan, the losses of its targets at uniform widths and of its widths in bits, and the curve of each layer."""
    found = judges(statistics, criterion, search=search)
    target, losses = best_target(found, budget)
    judge = found[target]
    widths, curves = measured_widths(judge, budget)
    plan = at_once(judge.statistics, lambda _, layer: judge.rankings[layer], widths)
    if losses:
        plan = PartialPlan.costed(
            judge.statistics, {name: sorted(units) for name, units in plan.kept.items()}
        )
    losses = {f"target {name}": bits for name, bits in losses.items()}
    return plan, losses | {"folded": judge.loss(widths)}, curves


def judges(statistics: CalibrationStatistics, criterion: Criterion, *, search: bool) -> dict[str, Judge]:
    """A judge for each target that the criterion can look at, or one under the criterion's own name."""
    (x, held), (y, _) = parted(statistics.x), parted(statistics.y)
    held = blended(held, torch.Generator().manual_seed(statistics.seed))
    some = replace(statistics, x=x, y=y)
    ways = {criterion.name: criterion}
    if criterion.searched and search:
        targets = TARGETS
        if some.network.reading.kind == "gaussian":  # which has no temperature
            targets = {name: heat for name, heat in TARGETS.items() if name in ("scores", "next layer")}
        some.prefetch(None, *targets.values())
        ways = {name: criterion.with_options(temperature=heat) for name, heat in targets.items()}
    return {
        name: Judge.of(some, {layer: rank(some, layer) for layer in some.layers}, held)
        for name, rank in ways.items()
    }


def measured_widths(judge: Judge, budget: Budget) -> tuple[dict[str, int], list[LossCurve]]:
    """The widths that lose least on held-out samples, and the curve of each layer alone."""
    alone = judge.curves(judge.statistics.network.widths, budget.round_to)
    tried = [budget.uniform, divided(budget, alone, budget.uniform)]
    for _ in range(ROUNDS):
        around = judge.curves(tried[-1], budget.round_to, NEAR)
        widths = divided(budget, around, tried[-1])
        if widths in tried:
            break
        tried.append(widths)
    return min(tried, key=judge.loss), alone


def divided(budget: Budget, curves: Sequence[LossCurve], at: Mapping[str, int]) -> dict[str, int]:
    """The widths whose curves have the least sum, within the budget; ``at`` where the curves do not reach so low.

    What a width needs is taken as a straight line, or a parabola, with the others as they are in ``at``; where that is
    not the whole truth, because neighbors both shrink, the aim is lowered until the network really fits.
    """
    options = [np.array(_options(curve, budget.round_to)) for curve in curves]
    needs = [_needs(budget, curve, at) for curve in curves]
    whole = budget.needs(at) + sum(
        float(need(curve.widths[-1]) - need(at[curve.layers[0]]))
        for curve, need in zip(curves, needs, strict=True)
    )
    saved = [need(curve.widths[-1]) - need(w) for curve, need, w in zip(curves, needs, options, strict=True)]
    wanted = whole - budget.share * budget.dense
    while wanted <= sum(float(one.max()) for one in saved):
        chosen = _least(curves, options, saved, wanted)
        over = budget.needs(chosen) - budget.share * budget.dense
        if over <= 0:
            return chosen
        wanted += 1.05 * over
    return dict(at)


def _options(curve: LossCurve, step: int) -> list[int]:
    """The widths to choose from, ascending."""
    low, high = curve.widths[0], curve.widths[-1]
    return sorted({*range(low, high, min(step, high)), high})


def _needs(budget: Budget, curve: LossCurve, at: Mapping[str, int]) -> Callable:
    """What the network needs, as a function of the width of one layer: of first degree where no layer both makes and
    reads its units."""
    low, high, now = curve.widths[0], curve.widths[-1], at[curve.layers[0]]
    groups = [budget.statistics.network.groups[name] for name in curve.layers]
    bilinear = not any(set(group.producers) & set(group.consumers) for group in groups)
    ends = [low if now - low > high - now else high] if bilinear else [low, high]
    known = sorted({now, *ends})
    found = [budget.needs({**at, **dict.fromkeys(curve.layers, width)}) for width in known]
    return partial(np.polyval, np.polyfit(known, found, len(known) - 1))


def _least(
    curves: Sequence[LossCurve], options: Sequence[np.ndarray], saved: Sequence[np.ndarray], wanted: float
) -> dict[str, int]:
    """Choose a width of each curve so that at least ``wanted`` is saved and the sum of the bits is least."""
    size = max(wanted, 1e-9) / BUCKETS
    before_all = np.arange(BUCKETS + 1)[:, None]
    best = np.full(BUCKETS + 1, np.inf)
    best[0] = 0
    choices = []
    for curve, widths, one in zip(curves, options, saved, strict=True):
        # Rounded up by a hair: what is just enough must not fail for the last digit.
        before = np.maximum(before_all - np.floor(one / size + 1e-6).clip(0, BUCKETS).astype(int), 0)
        total = best[before] + curve.at(widths)
        choices.append((total.argmin(1), before))
        best = total.min(1)
    chosen, bucket = {}, BUCKETS
    for curve, widths, (choice, before) in reversed(list(zip(curves, options, choices, strict=True))):
        pick = choice[bucket]
        chosen |= dict.fromkeys(curve.layers, int(widths[pick]))
        bucket = before[bucket, pick]
    return chosen


def best_target(found: Mapping[str, Judge], budget: Budget) -> tuple[str, dict[str, float]]:
    """The target whose units lose least at uniform widths, and the losses of all, bits."""
    losses = {name: judge.loss(budget.uniform) for name, judge in found.items()} if len(found) > 1 else {}
    return min(losses, key=lambda name: losses[name]) if losses else next(iter(found)), losses
