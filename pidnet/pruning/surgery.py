"""Carry out a plan: a new, really smaller model."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from pidnet.pruning.linear_view import features, watching
from pidnet.pruning.plan import PruningPlan
from pidnet.pruning.repair import Junction, fold, refit
from pidnet.pruning.structure import Prunable, cut, find_prunable, weighted

REPAIRS = {"none": (), "fold": (fold,), "refit": (fold, refit)}


def apply_plan(
    model: nn.Module, plan: PruningPlan, calibration: tuple[Tensor, Tensor], repair: str = "refit"
) -> nn.Module:
    """A smaller copy of ``model`` without the units that the plan leaves out; ``model`` is untouched.

    repair: "none"; "fold" adds what the kept units can say of the removed ones to the next layer's weights;
    "refit" then fits each layer to the dense network's pre-activations with everything upstream pruned.
    The result is in eval mode and has been checked: its parameters fell, its output has the dense shape, and
    cutting these units from a network that does not use them changes nothing.
    Raises ValueError for an unknown repair or a plan that does not fit the model.
    """
    if repair not in REPAIRS:
        raise ValueError(f"unknown repair {repair!r}; the known ones are {', '.join(REPAIRS)}")
    x, _ = calibration
    dense = copy.deepcopy(model).eval()
    prunable = find_prunable(dense, x)
    remove = units_to_remove(plan, prunable)
    _check_surgery(dense, prunable, remove, x[:2])
    small = copy.deepcopy(dense)
    cut(small, x, remove)
    _check_smaller(dense, small, remove)
    for name in tqdm(
        _running_order(dense, prunable, x), desc="repairing", delay=1, disable=None, leave=False
    ):
        junction = _junction(name, dense, small, prunable, remove)
        for step in REPAIRS[repair]:
            step(junction, x)
    return small


def units_to_remove(plan: PruningPlan, prunable: Mapping[str, Prunable]) -> dict[str, list[int]]:
    """Layer -> units that are not in the plan's ``keep``. Raises ValueError where the plan does not fit."""
    remove = {}
    for name, kept in plan.keep.items():
        if name not in prunable:
            raise ValueError(
                f"the plan cuts {name!r}, but the model can be cut in {', '.join(map(repr, prunable))}"
            )
        units = prunable[name].units
        if not kept or not set(kept) <= set(range(units)):
            raise ValueError(
                f"the plan keeps {kept} of layer {name!r}; expected some of the units 0 to {units - 1}"
            )
        remove[name] = sorted(set(range(units)) - set(kept))
    return remove


def _running_order(model: nn.Module, prunable: Mapping[str, Prunable], x: Tensor) -> list[str]:
    """The consumers of prunable units in the order in which they run."""
    names: list[str] = []
    consumers = {name for p in prunable.values() for name in p.consumers}
    with torch.no_grad(), watching(model, consumers, lambda name, *_: names.append(name)):
        model(x[:1])
    return list(dict.fromkeys(names))


def _junction(
    name: str,
    dense: nn.Module,
    small: nn.Module,
    prunable: Mapping[str, Prunable],
    remove: Mapping[str, list[int]],
) -> Junction:
    """A consumer with the input features and outputs that the cut has left it."""
    layer = weighted(dense, name)
    channels, outputs = layer.weight.shape[1], layer.weight.shape[0]
    lost = [p.consumers[name][remove.get(k, [])].ravel() for k, p in prunable.items() if name in p.consumers]
    gone = [remove.get(k, []) for k, p in prunable.items() if name in p.producers]
    kept_channels = np.setdiff1d(np.arange(channels), np.concatenate(lost))
    kept_outputs = np.setdiff1d(np.arange(outputs), np.concatenate([*gone, []]))
    return Junction(
        name, dense, small, torch.tensor(features(layer, kept_channels)), torch.tensor(kept_outputs)
    )


def _check_smaller(dense: nn.Module, small: nn.Module, remove: Mapping[str, list[int]]) -> None:
    sizes = [sum(p.numel() for p in model.parameters()) for model in (dense, small)]
    if any(remove.values()) and sizes[1] >= sizes[0]:
        raise RuntimeError(
            f"the cut left {sizes[1]} of {sizes[0]} parameters; the network was not made smaller"
        )


@torch.no_grad()
def _check_surgery(
    dense: nn.Module, prunable: Mapping[str, Prunable], remove: Mapping[str, list[int]], x: Tensor
) -> None:
    """Cut the units from a copy that does not use them, and see that its output stays the same."""
    silent = copy.deepcopy(dense)
    for name, units in remove.items():
        for consumer, columns in prunable[name].consumers.items():
            weighted(silent, consumer).weight[:, columns[units].ravel()] = 0
    before = silent(x)
    cut(silent, x, dict(remove))
    after = silent(x)
    scale = max(1.0, float(before.abs().max()))
    if after.shape != before.shape or float((after - before).abs().max()) > 1e-5 * scale:
        raise RuntimeError(
            f"cutting {', '.join(remove)} changes more than the units cut; the plan is not carried out"
        )
