"""Propose by decomposition, decide by measurement: several plans, and the one that loses the fewest bits.

The closed form of ``local_channel`` is exact only for small cuts, and which target it should look at depends
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

import numpy as np
from torch import Tensor
from tqdm import tqdm

from pidnet.networks.divergence import divergences
from pidnet.pruning.applying import cut_copy, repair_all
from pidnet.pruning.criteria.evidence import Evidence
from pidnet.pruning.criteria.pid import choose, priced
from pidnet.pruning.plans.budget import Budget
from pidnet.pruning.plans.partial_plan import Draft

# Temperature of the softmax that makes the target from the scores; none: the next layer's pre-activations.
TARGETS: dict[str, float | None] = {"class": 1.0, "soft class": 3.0, "scores": 100.0, "next layer": None}
# How many of the best proposals offer their layers, and how often the layers are gone through.
LEADERS = 5
ROUNDS = 2
RECOMBINED = "recombined"
Keep = dict[str, list[int]]


@dataclass(frozen=True)
class Proposal:
    """One way to choose: for which target, from the back or all layers at once, and how: units are eliminated
    from the whole layer and then exchanged, or built up from nothing and exchanged, or just eliminated."""

    target: str
    from_the_back: bool
    how: str = "exchanged"

    def __str__(self) -> str:
        return f"{self.target}, {'from the back' if self.from_the_back else 'at once'}, {self.how}"

    def draft(self, evidence: Evidence, budget: Budget) -> Draft:
        """Uniform widths, the last layer first."""
        draft = Draft.of(evidence)
        if not self.from_the_back:
            evidence.look(
                {reader: None for layer in evidence.prunable for reader in evidence.outgoing(layer)},
                TARGETS[self.target],
            )
        for layers in reversed(budget.groups):
            kept = {layer: self._choose(draft.evidence, layer, budget.uniform[layer]) for layer in layers}
            remove = {layer: draft.retain(layer, units) for layer, units in kept.items()}
            if self.from_the_back:
                draft.cut(remove)
        return draft

    def _choose(self, evidence: Evidence, layer: str, width: int) -> np.ndarray:
        return choose(
            evidence,
            layer,
            width,
            TARGETS[self.target],
            forward=self.how == "built up",
            exchange=self.how != "eliminated",
        )


WAYS = ((True, "exchanged"), (True, "built up"), (False, "exchanged"), (False, "eliminated"))
PROPOSALS = tuple(Proposal(target, *way) for target in TARGETS for way in WAYS)


@dataclass(frozen=True, eq=False)
class Trial:
    """Which units stay, and what that loses after the refit: KL(dense || pruned), bits (sample,)."""

    keep: Keep
    bits: Tensor

    @property
    def loss(self) -> float:
        """Mean over the samples."""
        return float(self.bits.mean())

    def beats(self, other: Trial) -> bool:
        """Whether it loses less, by more than one standard error of the difference over the samples."""
        gain = other.bits - self.bits
        return float(gain.mean()) > float(gain.std(correction=0)) / len(gain) ** 0.5


def find_plan(
    evidence: Evidence, budget: Budget, proposals: Sequence[Proposal] = PROPOSALS
) -> tuple[Draft, dict[str, float]]:
    """The best plan found, and the mean loss of every proposal and of their recombination, bits."""
    trials: dict[str, Trial] = {}
    for proposal in tqdm(proposals, desc="measuring proposals", delay=1, disable=None, leave=False):
        keep = proposal.draft(evidence, budget).keep
        same = (trial for trial in trials.values() if trial.keep == keep)
        trials[str(proposal)] = next(same, None) or measure(evidence, keep)
    trials[RECOMBINED] = _recombine(evidence, budget.groups, list(trials.values()))
    return _priced(evidence, trials[RECOMBINED].keep), {name: trial.loss for name, trial in trials.items()}


def measure(evidence: Evidence, keep: Keep) -> Trial:
    """Carry a plan out on the calibration data."""
    remove = {name: _others(evidence, name, units) for name, units in keep.items()}
    small = cut_copy(evidence.model, evidence.prunable, remove)
    repair_all(evidence.model, small, evidence.prunable, remove, evidence.x, "refit")
    return Trial(keep, divergences(evidence.model, small, evidence.x))


def _recombine(evidence: Evidence, groups: Sequence[tuple[str, ...]], trials: Sequence[Trial]) -> Trial:
    """The best of the trials, with the layers of the other leaders where that beats it; the last layer first."""
    leaders = sorted(trials, key=lambda trial: trial.loss)[:LEADERS]
    best, tried = leaders[0], [trial.keep for trial in trials]
    steps = [layers for _ in range(ROUNDS) for layers in reversed(groups)] if len(groups) > 1 else []
    for layers in tqdm(steps, desc="recombining layers", delay=1, disable=None, leave=False):
        found = best
        for leader in leaders:
            offer = best.keep | {layer: leader.keep[layer] for layer in layers}
            if offer not in tried:
                tried.append(offer)
                found = min(found, measure(evidence, offer), key=lambda trial: trial.loss)
        best = found if found.beats(best) else best
    return best


def _priced(evidence: Evidence, keep: Keep) -> Draft:
    """A draft of what stays, with the costs of the removals on the dense network, in bits whatever proposed it."""
    draft = Draft.of(evidence)
    for layer, units in keep.items():
        draft.strike(layer, priced(evidence, layer, _others(evidence, layer, units)), len(units))
    return draft


def _others(evidence: Evidence, layer: str, units: Sequence[int]) -> list[int]:
    return sorted(set(range(evidence.prunable[layer].units)) - set(units))
