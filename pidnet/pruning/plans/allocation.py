"""How wide each layer stays by measured loss: curves per layer, combined by dynamic programming.

The losses of single layers add up faster than their sum, so the curves are measured again around the widths found, and
of all widths that were found those stay that lose least together (Frantar & Alistarh 2022, SPDY, arXiv:2201.13096, with
measured divergences in place of layer errors). What is measured is the folded network on every fifth sample, half of them
blended with others: a network that is sure of its calibration samples loses more on new ones. The other samples decide
which units go.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from pidnet.networks.inputs import Inputs, blended, parted, take
from pidnet.networks.replay import Replay
from pidnet.progress import shown
from pidnet.pruning.criteria.criterion import Criterion
from pidnet.pruning.criteria.ranking import Ranking
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.plans._folding import Folder
from pidnet.pruning.plans._partial_plan import PartialPlan, at_once, globally
from pidnet.pruning.plans.budget import Budget, divided
from pidnet.pruning.plans.curves import LossCurve
from pidnet.pruning.plans.search import TARGETS, find_plan
from pidnet.pruning.repair.branches import branches
from pidnet.pruning.structure.network import CuttableNetwork

# With more layers than this their widths follow measured curves.
FEW = 5
# Where a curve is measured: by how many shares of the layer more or less than its width. First of every layer alone, also without
# any unit where a branch can go wholly, then around the widths that were found.
ALONE = (-1.0, -0.875, -0.75, -0.625, -0.5, -0.25)
NEAR = (-0.125, 0.0, 0.125, 0.25)
# Curves are measured on as many samples as make a loss this certain, one standard error, or on all.
CERTAIN = 0.1
# How often widths that took longer than the budget are looked for again.
TRIALS = 3


@dataclass(frozen=True, eq=False)
class Judge:
    """Measures what folded cuts lose. folder: cuts, by the samples that decide. rankings: layer -> who goes first. held: samples that nothing was decided by, and what the dense network outputs for them. free: the layers that can lose all of their units."""

    folder: Folder
    rankings: Mapping[str, Ranking]
    held: Inputs
    scores: Tensor
    free: Collection[str] = ()
    _known: dict[tuple, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known[tuple(self.statistics.network.widths.items())] = torch.zeros(len(self.scores))

    @property
    def statistics(self) -> CalibrationStatistics:
        """What decides."""
        return self.folder.statistics

    @property
    def orders(self) -> dict[str, np.ndarray]:
        """Layer -> its units, the first to go first."""
        return {layer: ranking.order for layer, ranking in self.rankings.items()}

    def loss(self, widths: Mapping[str, int]) -> float:
        """Bits lost at these widths, a mean over the held-out samples."""
        return float(self._lost(widths).mean())

    def _lost(self, widths: Mapping[str, int]) -> Tensor:
        """The same by sample."""
        if (key := tuple(widths.items())) not in self._known:
            network = self._cut(widths)
            self._known[key] = self._bits(Replay(network.model, [self.held]), network)
        return self._known[key]

    def curves(
        self,
        widths: Mapping[str, int],
        round_to: int = 1,
        steps: Sequence[float] = ALONE,
        most: float = math.inf,
    ) -> list[LossCurve]:
        """The curve of each layer with all others at their widths; front to back, so that what stands before a layer
        runs once. steps: the shares of a layer more or less than its width to measure at. most: a curve ends where more
        bits than this are lost."""
        network, here = self.statistics.network, self.loss(widths)
        replay = Replay(self._cut(widths).model, [self.held])
        places = network.order([p for g in network.groups.values() for p in g.producers], self.held)
        firsts = {names: min(self._producers(names), key=places.index) for names in network.tied}
        found = {}
        for names in shown(
            sorted(network.tied, key=lambda names: places.index(firsts[names])), "measuring loss curves"
        ):
            replay.reach(firsts[names])
            bits = {widths[names[0]]: here}
            for width in self._tried(names[0], widths[names[0]], round_to, steps):
                cut = self._cut({**widths, **dict.fromkeys(names, width)})
                bits[width] = float(self._bits(replay, cut).mean())
                if bits[width] > most:  # narrower ones lose more
                    break
            found[names] = LossCurve(names, *zip(*sorted(bits.items()), strict=True))
        return [found[names] for names in network.tied]

    def rough(self, widths: Mapping[str, int]) -> Judge:
        """A judge on so many of the samples held out, in pairs of which one may be a blend, as tell the loss at these widths to
        ``CERTAIN`` of it."""
        bits = self._lost(widths)
        needed = float((bits.std() / bits.mean() / CERTAIN) ** 2)
        pairs = len(bits) // 2
        if not needed < 2 * pairs:
            return self
        chosen = np.linspace(0, pairs - 1, math.ceil(needed / 2) or 1).round().astype(int)
        some = [sample for pair in chosen.tolist() for sample in (2 * pair, 2 * pair + 1)]
        return replace(self, held=take(self.held, some), scores=self.scores[some], _known={})

    def _tried(self, name: str, width: int, round_to: int, steps: Sequence[float]) -> list[int]:
        """The widths to measure a layer at beside its own, the widest first."""
        full = self.statistics.network.groups[name].units
        step, least = min(round_to, full), 0 if name in self.free else 1
        wanted = (width + share * full for share in steps if share > -1 or not least)
        found = {min(full, max(least * step, round(one / step) * step)) for one in wanted} - {width}
        return sorted(found, reverse=True)

    def _producers(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            yield from self.statistics.network.groups[name].producers

    def _cut(self, widths: Mapping[str, int]) -> CuttableNetwork:
        widths = self.statistics.network.idle(widths)
        cut = {name: order[: len(order) - widths[name]].tolist() for name, order in self.orders.items()}
        return self.folder.folded(cut)

    @torch.no_grad()
    def _bits(self, replay: Replay, network: CuttableNetwork) -> Tensor:
        return network.reading.divergence(self.scores, network.said(replay.run(0, network.model)))


def decided(
    statistics: CalibrationStatistics, criterion: Criterion, budget: Budget, allocation: str, *, search: bool
) -> tuple[PartialPlan, dict[str, float], list[LossCurve]]:
    """What goes, the measured loss of each proposal where there are several, and the curves where widths follow them."""
    if allocation == "measured":
        return by_measured_loss(statistics, criterion, budget, search=search)
    if allocation == "global":
        return globally(statistics, criterion, budget), {}, []
    if criterion.searched and search:
        return *find_plan(statistics, budget), []
    return at_once(statistics, criterion, budget.uniform), {}, []


def by_measured_loss(
    statistics: CalibrationStatistics, criterion: Criterion, budget: Budget, *, search: bool
) -> tuple[PartialPlan, dict[str, float], list[LossCurve]]:
    """The plan, the losses of its targets at uniform widths and of its widths in bits, and the curve of each layer."""
    found = judges(statistics, criterion, search=search)
    target, losses = best_target(found, budget)
    judge = found[target]
    widths, curves = measured_widths(judge, budget)
    plan = at_once(judge.statistics, lambda _, layer: judge.rankings[layer], widths)
    if losses and not _in_bits(judge.statistics, target):
        plan = PartialPlan.costed(
            judge.statistics, {name: sorted(units) for name, units in plan.kept.items()}
        )
    losses = {f"target {name}": bits for name, bits in losses.items()}
    return plan, losses | {"folded": judge.loss(widths)}, curves


def _in_bits(statistics: CalibrationStatistics, target: str) -> bool:
    """Whether what is lost of a target is what is lost of the output."""
    heat, own = TARGETS[target], statistics.network.reading.heat
    return heat is not None and own(heat) == own(1.0)


def judges(statistics: CalibrationStatistics, criterion: Criterion, *, search: bool) -> dict[str, Judge]:
    """A judge for each target that the criterion can look at, or one under the criterion's own name."""
    (x, held), (y, _) = parted(statistics.x), parted(statistics.y)
    held = blended(held, torch.Generator().manual_seed(statistics.seed))
    free = branches(statistics.network, held)
    some = replace(statistics, x=x, y=y)
    ways = {criterion.name: criterion}
    if criterion.searched and search:
        targets = TARGETS
        if some.network.reading.kind == "gaussian":  # which has no temperature
            targets = {name: heat for name, heat in TARGETS.items() if name in ("scores", "next layer")}
        some.prefetch(None, *targets.values())
        ways = {name: criterion.with_options(temperature=heat) for name, heat in targets.items()}
    scores = some.network.outputs(held)
    return {
        name: Judge(Folder(some), {layer: rank(some, layer) for layer in some.layers}, held, scores, free)
        for name, rank in ways.items()
    }


def measured_widths(judge: Judge, budget: Budget) -> tuple[dict[str, int], list[LossCurve]]:
    """The widths that lose least on held-out samples, and the curve of each layer alone.

    Those of single layers end where one loses more than all together at uniform widths: it is better left wider.
    """
    widths, tried, alone = judge.statistics.network.widths, [budget.uniform], []
    rough = judge.rough(budget.uniform)
    for steps, most in ((ALONE, judge.loss(budget.uniform)), (NEAR, math.inf)):
        curves = rough.curves(widths, budget.round_to, steps, most)
        widths, alone = _within(budget, curves, tried[-1]), alone or curves
        if widths not in tried and budget.fits(widths):
            tried.append(widths)
    best = min(tried, key=judge.loss)
    if best != widths:  # those were timed last
        budget.fit(best)
    return judge.statistics.network.idle(best), alone


def _within(budget: Budget, curves: Sequence[LossCurve], at: Mapping[str, int]) -> dict[str, int]:
    """The widths of least loss within the budget; of one in time, by the clock, as far as a few trials bring it."""
    widths = divided(budget, curves, at)
    for _ in range(TRIALS):
        if not budget.fit(widths) or budget.fits(widths):
            break
        widths = divided(budget, curves, at)
    return widths


def best_target(found: Mapping[str, Judge], budget: Budget) -> tuple[str, dict[str, float]]:
    """The target whose units lose least at uniform widths, and the losses of all, bits."""
    losses = {name: judge.loss(budget.uniform) for name, judge in found.items()} if len(found) > 1 else {}
    return min(losses, key=lambda name: losses[name]) if losses else next(iter(found)), losses
