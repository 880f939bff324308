"""Propose by decomposition, decide by measurement: several plans, and the one that loses the fewest bits.

The closed form of ``local_channel`` is exact only for small cuts, and which target it should look at depends
on the network: the class drawn from the output says little where the network is sure of every sample. So the
units are chosen for several targets (the class drawn from the output, from a softer one, the scores
themselves, the next layer's pre-activations), on the dense network and from the back, where each layer is
chosen for what the ones behind it, already cut and folded, still read. Every plan is carried out and
repaired, and the one whose output has the least divergence from the dense one, in measured bits on the
calibration data, is the plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from pidnet.pruning.budget import Budget
from pidnet.pruning.draft import Draft
from pidnet.pruning.evidence import Evidence
from pidnet.pruning.local_channel import choose, priced
from pidnet.pruning.normalization import divergence
from pidnet.pruning.surgery import cut_copy, repair_all

# Temperature of the softmax that makes the target from the scores; none: the next layer's pre-activations.
TARGETS: dict[str, float | None] = {"class": 1.0, "soft class": 3.0, "scores": 100.0, "next layer": None}


@dataclass(frozen=True)
class Proposal:
    """One way to choose: for which target, from the back or all layers at once, eliminating units from the
    whole layer or building the kept set up from nothing."""

    target: str
    from_the_back: bool
    forward: bool = False

    def __str__(self) -> str:
        place = "from the back" if self.from_the_back else "at once"
        return f"{self.target}, {place}, {'built up' if self.forward else 'eliminated'}"

    def draft(self, evidence: Evidence, budget: Budget) -> Draft:
        """Uniform widths, the last layer first."""
        draft = Draft.of(evidence)
        for layers in reversed(budget.groups):
            kept = {
                layer: choose(
                    draft.evidence, layer, budget.uniform[layer], TARGETS[self.target], forward=self.forward
                )
                for layer in layers
            }
            remove = {layer: draft.retain(layer, units) for layer, units in kept.items()}
            if self.from_the_back:
                draft.cut(remove)
        return draft


PROPOSALS = tuple(
    Proposal(target, from_the_back, forward)
    for target in TARGETS
    for from_the_back, forward in ((True, False), (True, True), (False, False))
)


def search(
    evidence: Evidence, budget: Budget, proposals: Sequence[Proposal] = PROPOSALS
) -> tuple[Draft, dict[str, float]]:
    """The draft with the least divergence after the refit, and the divergence of every proposal, bits."""
    drafts, bits = {}, {}
    for proposal in tqdm(proposals, desc="measuring proposals", delay=1, disable=None, leave=False):
        drafts[str(proposal)] = draft = proposal.draft(evidence, budget)
        bits[str(proposal)] = loss(evidence, draft)
    return _priced(evidence, drafts[min(bits, key=bits.__getitem__)]), bits


def _priced(evidence: Evidence, draft: Draft) -> Draft:
    """The same cut with the costs of its removals on the dense network, in bits whatever proposed it."""
    fresh = Draft.of(evidence)
    for layer, units in draft.alive.items():
        gone = sorted(set(range(evidence.prunable[layer].units)) - set(units.tolist()))
        fresh.strike(layer, priced(evidence, layer, gone), len(units))
    return fresh


def loss(evidence: Evidence, draft: Draft) -> float:
    """Mean KL(dense || pruned and refitted) on the calibration data, bits a sample."""
    remove = {
        name: sorted(set(range(p.units)) - set(draft.keep[name])) for name, p in evidence.prunable.items()
    }
    small = cut_copy(evidence.model, evidence.prunable, remove)
    repair_all(evidence.model, small, evidence.prunable, remove, evidence.x, "refit")
    return divergence(evidence.model, small, evidence.x)
