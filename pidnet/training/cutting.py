"""A cut with what it takes, for trainings that count their energy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from pidnet.energy import counted_work
from pidnet.networks.inputs import Inputs
from pidnet.pruning import PruningPlan, apply_plan, gather, plan_pruning
from pidnet.pruning.criteria.criterion import Rank
from pidnet.pruning.repair.running import Repair
from pidnet.pruning.structure.network import CuttableNetwork

# Criteria that sweep a table of inputs and outputs over every unit, in NumPy.
SWEEPING = ("pid", "obs")


@dataclass(frozen=True, eq=False)
class Cut:
    """plan, and the smaller, repaired model. macs: of both."""

    plan: PruningPlan
    model: nn.Module
    macs: int


def cut_counted(
    model: nn.Module,
    data: tuple[Inputs, Tensor],
    keep: float,
    criterion: str | Rank = "pid",
    repair: str | Repair = "refit",
    *,
    layers: Sequence[str] | None = None,
    seed: int = 0,
) -> Cut:
    """Plan in closed form, without a search, and carry the plan out."""
    with counted_work() as work, warnings.catch_warnings():
        # Training goes on after the cut and mends what it loses.
        warnings.filterwarnings("ignore", "the plan was chosen at")
        plan = plan_pruning(model, data, keep, criterion, layers=layers, search=False, seed=seed)
        small = apply_plan(model, plan, data, repair)
    network = gather(model, data, layers).network
    return Cut(plan, small, work.macs + (sweeping_macs(network) if plan.criterion in SWEEPING else 0))


def sweeping_macs(network: CuttableNetwork) -> int:
    """Every input feature of a layer that reads units is swept in and out of a table of its features and outputs:
    2 f (f + o)^2."""
    consumers = [network.weighted(name) for group in network.groups.values() for name in group.consumers]
    sizes = [(len(layer.weight), layer.weight[0].numel()) for layer in consumers]
    return sum(2 * features * (features + outputs) ** 2 for outputs, features in sizes)
