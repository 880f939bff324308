"""Propose by decomposition, decide by measurement: several plans, and the one that loses the fewest bits.

The closed form of ``local_channel`` is exact only for small cuts, and which target it should look at depends
on the network: the class drawn from the output says little where the network is sure of every sample. So the
units are ranked for several targets (the class drawn from the output, from a softer one, the scores
themselves, the next layer's pre-activations), on the dense network and from the back; every plan is carried
out and repaired, and the one whose output has the least divergence from the dense one, in measured bits on the
calibration data, is the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from pidnet.pruning.budget import Budget
from pidnet.pruning.draft import Criterion, Draft, Gone, at_once, from_the_back
from pidnet.pruning.evidence import Evidence
from pidnet.pruning.local_channel import obs, pid, priced
from pidnet.pruning.normalization import divergence
from pidnet.pruning.surgery import cut_copy, repair_all

Proposal = tuple[str, Callable[[Evidence, Criterion, Budget], Draft], Criterion]

SOFT = partial(pid, temperature=3.0)
SCORES = partial(pid, temperature=100.0)
PROPOSALS: tuple[Proposal, ...] = (
    ("class, at once", at_once, pid),
    ("class, from the back", from_the_back, pid),
    ("soft class, from the back", from_the_back, SOFT),
    ("scores, from the back", from_the_back, SCORES),
    ("next layer, from the back", from_the_back, obs),
    ("soft class, two rounds", partial(from_the_back, rounds=2), SOFT),
    ("scores, two rounds", partial(from_the_back, rounds=2), SCORES),
)


def search(
    evidence: Evidence, budget: Budget, proposals: Sequence[Proposal] = PROPOSALS
) -> tuple[Draft, dict[str, float]]:
    """The draft with the least divergence after the refit, and the divergence of every proposal, bits."""
    drafts = {name: make(evidence, rank, budget) for name, make, rank in proposals}
    bits = {name: loss(evidence, draft) for name, draft in drafts.items()}
    return _priced(evidence, drafts[min(bits, key=bits.__getitem__)]), bits


def _priced(evidence: Evidence, draft: Draft) -> Draft:
    """The draft with the costs of its removals on the dense network, in bits whatever proposed them."""
    gone = {}
    for layer, units in draft.gone.items():
        ranking = priced(evidence, layer, [unit.index for unit in units])
        gone[layer] = [
            Gone(index, cost, ranking.unit, redundancy)
            for index, cost, redundancy in zip(
                ranking.order.tolist(), ranking.cost.tolist(), ranking.redundancies, strict=True
            )
        ]
    return replace(draft, gone=gone)


def loss(evidence: Evidence, draft: Draft) -> float:
    """Mean KL(dense || pruned and refitted) on the calibration data, bits a sample."""
    remove = {
        name: sorted(set(range(p.units)) - set(draft.keep[name])) for name, p in evidence.prunable.items()
    }
    small = cut_copy(evidence.model, evidence.prunable, remove)
    repair_all(evidence.model, small, evidence.prunable, remove, evidence.x, "refit")
    return divergence(evidence.model, small, evidence.x)
