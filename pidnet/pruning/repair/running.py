"""Remove units and let the rest do their work: the repairs by name, and the order in which layers run."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor

from pidnet.execution.memory import give_back
from pidnet.networks.inputs import Inputs, blended, parted
from pidnet.printing import Registry
from pidnet.progress import shown
from pidnet.pruning.repair.batchnorm import reestimate
from pidnet.pruning.repair.least_squares import fold, refit
from pidnet.pruning.repair.reconstruction import reconstruct
from pidnet.pruning.repair.walk import Walk
from pidnet.pruning.structure.groups import UnitsByLayer
from pidnet.pruning.structure.network import CuttableNetwork

Repair = Callable[[CuttableNetwork, CuttableNetwork, UnitsByLayer, Inputs], None]


def cut_and_repair(
    dense: CuttableNetwork,
    units: UnitsByLayer,
    x: Inputs,
    repair: str | Repair = "refit",
    *,
    batchnorm: bool | None = None,
) -> CuttableNetwork:
    """The network without these units, repaired on the samples, see ``apply_plan``."""
    units = {name: indices for name, indices in units.items() if len(indices)}
    small = dense.without(units)
    give_back()
    find_repair(repair)(dense, small, units, x)
    if repair in ("refit", "reconstruct") if batchnorm is None else batchnorm:
        reestimate(dense, small, x)
    return small


def bits_lost(dense: CuttableNetwork, units: UnitsByLayer, x: Inputs, judged: Inputs) -> Tensor:
    """What the network loses of its output on some samples without these units, refitted on x: bits, float64 (sample,)."""
    small = cut_and_repair(dense, units, x)
    return dense.divergences(small, judged)


def find_repair(repair: str | Repair) -> Repair:
    """The repair of that name, or the function itself. Raises ValueError for an unknown name."""
    if not isinstance(repair, str):
        return repair
    if repair not in REPAIRS:
        raise ValueError(f"unknown repair {repair!r}; the known ones are {', '.join(REPAIRS)}")
    return REPAIRS[repair]


def no_repair(dense: CuttableNetwork, small: CuttableNetwork, units: UnitsByLayer, x: Inputs) -> None:
    """Leave the weights as they are."""


def fold_all(dense: CuttableNetwork, small: CuttableNetwork, units: UnitsByLayer, x: Inputs) -> None:
    """Fold the removed units into every layer that has lost inputs."""
    walk = Walk.of(dense, small, units, x)
    for name in shown(walk.lost, "folding"):
        fold(walk.to(name))


def refit_all(dense: CuttableNetwork, small: CuttableNetwork, units: UnitsByLayer, x: Inputs) -> None:
    """Fold and refit every layer that has lost inputs, and refit all that run after the first of them, front to
    back. Where a layer runs again behind another one, what reaches it then is settled only by folding both first."""
    walk = Walk.of(dense, small, units, x)
    if walk.returns:
        fold_all(dense, small, units, x)
        walk = Walk.of(dense, small, units, x)
    for name in shown(walk.order, "refitting"):
        _fold_and_refit(walk, name)


def reconstruct_all(dense: CuttableNetwork, small: CuttableNetwork, units: UnitsByLayer, x: Inputs) -> None:
    """Like ``refit_all``; then all that may be fitted, and what makes the units, is fitted together. Every fifth sample
    judges, half of them blended: neither fit sees it. Where the second one brings nothing, the first one is made on all
    samples."""
    rest, held = parted(x)
    held = blended(held, torch.Generator().manual_seed(0))
    untouched = copy.deepcopy(small.model.state_dict())
    refit_all(dense, small, units, rest)
    walk = Walk.of(dense, small, units, rest)
    if not units or not reconstruct(walk, rest, lambda: dense.loss(small, held)):
        small.model.load_state_dict(untouched)
        refit_all(dense, small, units, x)


def _fold_and_refit(walk: Walk, name: str) -> None:
    layer = walk.to(name)
    if name in walk.lost:
        fold(layer)
    refit(layer)


REPAIRS: dict[str, Repair] = Registry(
    "repairs",
    {
        "none": no_repair,
        "fold": fold_all,
        "refit": refit_all,
        "reconstruct": reconstruct_all,
    },
)
