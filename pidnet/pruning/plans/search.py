"""Propose by decomposition, decide by measurement: several plans, and the one that loses the fewest bits.

The closed form of ``criteria.pid`` is exact only for small cuts, and which target it should look at depends
on the network: the class drawn from the output says little where the network is sure of every sample. So the
units are chosen for several targets (the class drawn from the output, from a softer one, the scores
themselves, the next layer's pre-activations), on the dense network and from the back, where each layer is
chosen for what the ones behind it, already cut and folded, still read. Every plan is carried out and
repaired, and its loss is the divergence of its output from the dense one, in measured bits on the calibration
data. The plan with the least loss then takes single layers over from the next best ones, where that lowers
the loss by more than the samples leave in doubt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from pidnet.progress import shown
from pidnet.pruning.criteria.pid import choose
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.plans._partial_plan import PartialPlan
from pidnet.pruning.plans.budget import Budget
from pidnet.pruning.repair.running import bits_lost

# Temperature of the softmax that makes the target from the scores; none: the next layer's pre-activations.
TARGETS: dict[str, float | None] = {"class": 1.0, "soft class": 3.0, "scores": 100.0, "next layer": None}
# How many of the best proposals offer their layers, and how often the layers are gone through.
LEADERS = 5
ROUNDS = 2
RECOMBINED = "recombined"
Kept = dict[str, list[int]]


@dataclass(frozen=True)
class Proposal:
    """One way to choose: for which target, from the back or all layers at once, and how: units are eliminated
    from the whole layer and then exchanged, or built up from nothing and exchanged, or just eliminated."""

    target: str
    from_the_back: bool
    how: str = "exchanged"

    def __str__(self) -> str:
        return f"{self.target}, {'from the back' if self.from_the_back else 'at once'}, {self.how}"

    def partial_plan(self, statistics: CalibrationStatistics, budget: Budget) -> PartialPlan:
        """Uniform widths, the last layer first."""
        plan = PartialPlan.of(statistics)
        if not self.from_the_back:
            statistics.prefetch(None, TARGETS[self.target])
        how = {"forward": self.how == "built up", "exchange": self.how != "eliminated"}
        for layers in reversed(statistics.network.tied):
            kept = {
                layer: choose(plan.statistics, layer, budget.uniform[layer], TARGETS[self.target], **how)
                for layer in layers
            }
            removed = {layer: plan.keep_only(layer, units) for layer, units in kept.items()}
            if self.from_the_back:
                plan.cut(removed)
        return plan


WAYS = ((True, "exchanged"), (True, "built up"), (False, "exchanged"), (False, "eliminated"))
PROPOSALS = tuple(Proposal(target, *way) for target in TARGETS for way in WAYS)


@dataclass(frozen=True, eq=False)
class MeasuredPlan:
    """Which units are kept, and what that loses after the refit: KL(dense || pruned), bits (sample,)."""

    kept: Kept
    bits: Tensor

    @property
    def loss(self) -> float:
        """Mean over the samples."""
        return float(self.bits.mean())

    def beats(self, other: MeasuredPlan) -> bool:
        """Whether it loses less, by more than one standard error of the difference over the samples."""
        gain = other.bits - self.bits
        return float(gain.mean()) > float(gain.std(correction=0)) / len(gain) ** 0.5


def find_plan(
    statistics: CalibrationStatistics, budget: Budget, proposals: Sequence[Proposal] = PROPOSALS
) -> tuple[PartialPlan, dict[str, float]]:
    """The best plan found, and the mean loss of every proposal and of their recombination, bits."""
    measured: dict[str, MeasuredPlan] = {}
    for proposal in shown(proposals, "measuring proposals"):
        kept = proposal.partial_plan(statistics, budget).kept
        same = (plan for plan in measured.values() if plan.kept == kept)
        measured[str(proposal)] = next(same, None) or measured_plan(statistics, kept)
    measured[RECOMBINED] = _recombine(statistics, list(measured.values()))
    best = PartialPlan.costed(statistics, measured[RECOMBINED].kept)
    return best, {name: plan.loss for name, plan in measured.items()}


def measured_plan(statistics: CalibrationStatistics, kept: Kept) -> MeasuredPlan:
    """Apply a plan with the repair "refit", and measure on the calibration data what it loses."""
    dense = statistics.network
    removed = {name: dense.groups[name].others(units) for name, units in kept.items()}
    return MeasuredPlan(kept, bits_lost(dense, removed, statistics.x, statistics.x))


def _recombine(statistics: CalibrationStatistics, plans: Sequence[MeasuredPlan]) -> MeasuredPlan:
    """The best of the plans, with the layers of the other leaders where that beats it; the last layer first."""
    leaders = sorted(plans, key=lambda plan: plan.loss)[:LEADERS]
    best, tried = leaders[0], [plan.kept for plan in plans]
    tied = statistics.network.tied
    steps = [layers for _ in range(ROUNDS) for layers in reversed(tied)] if len(tied) > 1 else []
    for layers in shown(steps, "recombining layers"):
        found = best
        for leader in leaders:
            offer = best.kept | {layer: leader.kept[layer] for layer in layers}
            if offer not in tried:
                tried.append(offer)
                found = min(found, measured_plan(statistics, offer), key=lambda plan: plan.loss)
        best = found if found.beats(best) else best
    return best
