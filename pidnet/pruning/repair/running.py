"""Remove units and let the rest do their work: the repairs by name, and the order in which layers run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import torch
from torch import nn
from tqdm import tqdm

from pidnet.networks.hooks import record_calls
from pidnet.networks.inputs import Inputs, take
from pidnet.networks.kinds import PRODUCERS
from pidnet.networks.running import run
from pidnet.pruning.repair.batchnorm import reestimate
from pidnet.pruning.repair.least_squares import RepairedLayer, fold, refit
from pidnet.pruning.repair.reconstruction import reconstruct
from pidnet.pruning.structure.groups import UnitGroup, UnitsByLayer
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
    find_repair(repair)(dense, small, units, x)
    if repair in ("refit", "reconstruct") if batchnorm is None else batchnorm:
        reestimate(dense, small, x)
    return small


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
    for name in _shown(dense.consumers(units), "folding"):
        fold(RepairedLayer.of(name, dense, small, units), x)


def refit_all(dense: CuttableNetwork, small: CuttableNetwork, units: UnitsByLayer, x: Inputs) -> None:
    """Fold, then refit every layer that has lost inputs and all that run after it, in the order in which they
    run."""
    fold_all(dense, small, units, x)
    for name in _shown(running_from(dense.model, dense.consumers(units), x), "refitting"):
        refit(RepairedLayer.of(name, dense, small, units), x)


def reconstruct_all(dense: CuttableNetwork, small: CuttableNetwork, units: UnitsByLayer, x: Inputs) -> None:
    """Like ``refit_all``; units are reconstructed when all that read them have been refitted."""
    fold_all(dense, small, units, x)
    order = running_from(dense.model, dense.consumers(units), x)
    for name in _shown(order, "reconstructing"):
        refit(RepairedLayer.of(name, dense, small, units), x)
        for group in _complete([dense.groups[layer] for layer in units], name, order):
            consumers = [RepairedLayer.of(consumer, dense, small, units) for consumer in group.consumers]
            reconstruct(group, consumers, x)


REPAIRS: dict[str, Repair] = {
    "none": no_repair,
    "fold": fold_all,
    "refit": refit_all,
    "reconstruct": reconstruct_all,
}


def running_from(model: nn.Module, consumers: Sequence[str], x: Inputs) -> list[str]:
    """The consumers and all layers after the first of them that one linear map describes, as they run. A layer
    that shares its weights with another one is left as it is."""
    holders = Counter(id(p) for module in model.modules() for p in module.parameters(recurse=False))
    names = [
        name
        for name, layer in model.named_modules()
        if name in consumers
        or (
            isinstance(layer, PRODUCERS)
            and getattr(layer, "groups", 1) == 1
            and holders[id(layer.weight)] == 1
        )
    ]
    order: list[str] = []
    with torch.no_grad(), record_calls(model, names, lambda name, *_: order.append(name)):
        run(model, take(x, slice(1)))
    order = list(dict.fromkeys(order))
    return order[min((order.index(name) for name in consumers), default=len(order)) :]


def _complete(groups: Sequence[UnitGroup], name: str, order: Sequence[str]) -> list[UnitGroup]:
    """The groups of which this layer is the last consumer to run."""
    return [group for group in groups if max(group.consumers, key=order.index) == name]


def _shown(names: Sequence[str], doing: str) -> tqdm:
    return tqdm(names, desc=doing, delay=1, disable=None, leave=False)
