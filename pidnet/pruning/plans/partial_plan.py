"""A plan in the making: units go layer by layer, and each is remembered by its index in the dense network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from pidnet.pruning.applying import cut_copy
from pidnet.pruning.criteria.evidence import Evidence
from pidnet.pruning.criteria.ranking import Ranking
from pidnet.pruning.plans.budget import Budget
from pidnet.pruning.repair.least_squares import fold, junction
from pidnet.pruning.structure.removal import remaining

Criterion = Callable[[Evidence, str], Ranking]
ROUNDS = 3


@dataclass(frozen=True)
class Gone:
    """A unit of the dense network that goes, with what the ranking said of it."""

    unit: int
    cost: float
    scale: str
    redundancy: float | None


@dataclass(eq=False)
class Draft:
    """evidence: of the network as far as it has been cut. alive: layer -> units of the dense network that are
    still there. gone: layer -> units that went, in order."""

    evidence: Evidence
    alive: dict[str, np.ndarray] = field(default_factory=dict)
    gone: dict[str, list[Gone]] = field(default_factory=dict)

    @staticmethod
    def of(evidence: Evidence) -> Draft:
        units = {name: np.arange(p.units) for name, p in evidence.prunable.items()}
        return Draft(evidence, units, {name: [] for name in units})

    @property
    def keep(self) -> dict[str, list[int]]:
        return {name: units.tolist() for name, units in self.alive.items()}

    def strike(self, layer: str, ranking: Ranking, width: int) -> list[int]:
        """Note that a layer's first units go until ``width`` are left; returns their present indices."""
        number = len(self.alive[layer]) - width
        first = ranking.order[:number]
        self.gone[layer] += [
            Gone(int(self.alive[layer][unit]), float(cost), ranking.scale, share)
            for unit, cost, share in zip(first, ranking.cost, ranking.redundancies, strict=False)
        ]
        self.alive[layer] = np.delete(self.alive[layer], first)
        return sorted(first.tolist())

    def retain(self, layer: str, kept: np.ndarray) -> list[int]:
        """Let only these units of a layer, by their present indices, stay; returns the others."""
        gone = np.setdiff1d(np.arange(len(self.alive[layer])), kept)
        self.alive[layer] = self.alive[layer][kept]
        return gone.tolist()

    def cut(self, remove: Mapping[str, list[int]]) -> None:
        """Cut units from the network at hand and fold them into the ones that stay."""
        remove = {name: units for name, units in remove.items() if units}
        if not remove:
            return
        before, prunable = self.evidence.model, self.evidence.prunable
        small = cut_copy(before, prunable, remove)
        for consumer in dict.fromkeys(c for name in remove for c in prunable[name].consumers):
            fold(junction(consumer, before, small, prunable, remove), self.evidence.x)
        self.evidence = replace(self.evidence, model=small, prunable=remaining(prunable, remove))


def at_once(evidence: Evidence, rank: Criterion, budget: Budget) -> Draft:
    """Uniform widths, every layer ranked on the dense network."""
    draft = Draft.of(evidence)
    for layer, width in budget.uniform.items():
        draft.strike(layer, rank(evidence, layer), width)
    return draft


def globally(evidence: Evidence, rank: Criterion, budget: Budget) -> Draft:
    """Widths that spend bits where they save most, in ``ROUNDS`` rounds with everything estimated anew.

    Raises ValueError for a criterion whose costs are not bits: they cannot be compared between layers.
    """
    draft = Draft.of(evidence)
    for number in range(1, ROUNDS + 1):
        rankings = {layer: rank(draft.evidence, layer) for layer in draft.alive}
        if wrong := next((r.scale for r in rankings.values() if r.scale != "bits"), None):
            raise ValueError(f"a global budget compares layers in bits, but this criterion ranks by {wrong}")
        present = {layer: len(units) for layer, units in draft.alive.items()}
        costs = {layer: ranking.cost.tolist() for layer, ranking in rankings.items()}
        widths = budget.spend(present, costs, budget.share ** (number / ROUNDS))
        remove = {layer: draft.strike(layer, rankings[layer], widths[layer]) for layer in widths}
        draft.cut(remove)
    return draft
