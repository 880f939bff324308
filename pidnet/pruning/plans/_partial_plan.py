"""A plan in the making: units go layer by layer, and each is remembered by its index in the dense network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pidnet.pruning.criteria.criterion import Rank
from pidnet.pruning.criteria.pid import removal_costs
from pidnet.pruning.criteria.ranking import Ranking
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.criteria.substitutes import substitutes
from pidnet.pruning.plans.budget import Budget
from pidnet.pruning.plans.plan import RemovedUnit
from pidnet.pruning.repair.running import cut_and_repair
from pidnet.pruning.structure.groups import UnitsByLayer

# How often a global budget estimates all costs anew.
ROUNDS = 3


@dataclass(eq=False)
class PartialPlan:
    """statistics: of the network as far as it has been cut. units: layer -> kept units by their index in the dense
    network. removed: layer -> units that went, in order, without who takes over."""

    statistics: CalibrationStatistics
    units: dict[str, np.ndarray] = field(default_factory=dict)
    removed: dict[str, list[RemovedUnit]] = field(default_factory=dict)

    @staticmethod
    def of(statistics: CalibrationStatistics) -> PartialPlan:
        """Everything is kept."""
        units = {name: np.arange(width) for name, width in statistics.network.widths.items()}
        return PartialPlan(statistics, units, {name: [] for name in units})

    @staticmethod
    def costed(statistics: CalibrationStatistics, kept: Mapping[str, Sequence[int]]) -> PartialPlan:
        """What is kept, with the costs of the removals on the dense network, in bits whatever proposed it."""
        plan = PartialPlan.of(statistics)
        for layer, units in kept.items():
            others = statistics.network.groups[layer].others(units)
            plan.remove_cheapest(layer, removal_costs(statistics, layer, others), len(units))
        return plan

    @property
    def kept(self) -> dict[str, list[int]]:
        """Layer -> kept units as lists."""
        return {name: units.tolist() for name, units in self.units.items()}

    def remove_cheapest(self, layer: str, ranking: Ranking, width: int) -> list[int]:
        """Note that a layer's first units go until ``width`` are left; returns their present indices."""
        present = self.units[layer]
        first = ranking.order[: len(present) - width].tolist()
        self.removed[layer] += [
            RemovedUnit(
                int(present[unit]),
                float(ranking.cost[unit]),
                ranking.scale,
                (),
                None if ranking.redundancy is None else float(ranking.redundancy[unit]),
            )
            for unit in first
        ]
        self.units[layer] = np.delete(present, first)
        return sorted(first)

    def keep_only(self, layer: str, units: np.ndarray) -> list[int]:
        """Keep only these units of a layer, by their present indices; returns the others."""
        others = np.setdiff1d(np.arange(len(self.units[layer])), units)
        self.units[layer] = self.units[layer][units]
        return others.tolist()

    def with_substitutes(self, statistics: CalibrationStatistics) -> dict[str, list[RemovedUnit]]:
        """Layer -> the units that went, in order, with the kept units that replace them in the next layer of the dense network."""
        found = {}
        for layer, removed in self.removed.items():
            takers = substitutes(statistics, layer, [one.unit for one in removed], self.units[layer])
            found[layer] = [replace(one, substitutes=t) for one, t in zip(removed, takers, strict=True)]
        return found

    def cut(self, units: UnitsByLayer) -> None:
        """Remove units from the network at hand and fold them into the kept ones."""
        if any(units.values()):
            network = cut_and_repair(self.statistics.network, units, self.statistics.x, "fold")
            self.statistics = self.statistics.of(network)


def at_once(statistics: CalibrationStatistics, rank: Rank, widths: Mapping[str, int]) -> PartialPlan:
    """Given widths, every layer ranked on the dense network."""
    plan = PartialPlan.of(statistics)
    for layer, width in widths.items():
        plan.remove_cheapest(layer, rank(statistics, layer), width)
    return plan


def globally(statistics: CalibrationStatistics, rank: Rank, budget: Budget) -> PartialPlan:
    """Widths that spend bits where they save most, in ``ROUNDS`` rounds with everything estimated anew.

    Raises ValueError for a criterion whose costs are not bits: they cannot be compared between layers.
    """
    plan = PartialPlan.of(statistics)
    for number in range(1, ROUNDS + 1):
        rankings = {layer: rank(plan.statistics, layer) for layer in plan.units}
        if wrong := next((r.scale for r in rankings.values() if r.scale != "bits"), None):
            raise ValueError(f"a global budget compares layers in bits, but this criterion ranks by {wrong}")
        costs = {layer: ranking.cost[ranking.order].tolist() for layer, ranking in rankings.items()}
        present = plan.statistics.network.widths
        widths = budget.spend(present, costs, budget.share ** (number / ROUNDS))
        plan.cut({layer: plan.remove_cheapest(layer, rankings[layer], widths[layer]) for layer in widths})
    return plan
