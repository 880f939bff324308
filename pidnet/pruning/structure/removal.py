"""Take units out of an expanded model: rows of the layers that make them, columns of those that read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from pidnet.networks.compensated_norms import compensate, norms_channels
from pidnet.networks.emptied import empty
from pidnet.networks.kinds import CONVOLUTIONS, Weighted, axes, sizes, weighted
from pidnet.pruning.structure.groups import UnitGroup, UnitsByLayer


def remove_units(model: nn.Module, groups: Mapping[str, UnitGroup], units: UnitsByLayer) -> None:
    """Remove units from the model in place, with everything that hangs on them."""
    for side, kind in enumerate(("producers", "consumers")):
        for name, channels in removed_channels(groups, units, kind).items():
            take_out(weighted(model, name), side, channels)
    for name, channels in removed_channels(groups, units, "followers").items():
        thin(model.get_submodule(name), channels)
    for name, indices in units.items():
        for owner, attributes in groups[name].counters.items():
            for attribute, amount in attributes.items():
                module = model.get_submodule(owner)
                setattr(module, attribute, getattr(module, attribute) - amount * len(indices))


def removed_channels(
    groups: Mapping[str, UnitGroup], units: UnitsByLayer, kind: str
) -> dict[str, np.ndarray]:
    """Layer -> the rows, columns or channels of these units, ascending. kind: producers, consumers or
    followers."""
    removed: dict[str, list[np.ndarray]] = {}
    for name, indices in units.items():
        for layer, channels in getattr(groups[name], kind).items():
            removed.setdefault(layer, []).append(channels[list(indices)].ravel())
    return {layer: np.unique(np.concatenate(parts)).astype(int) for layer, parts in removed.items()}


def renumbered(groups: Mapping[str, UnitGroup], units: UnitsByLayer) -> dict[str, UnitGroup]:
    """The groups of the model after ``remove_units``, by their new indices."""
    kinds = ("producers", "consumers", "followers")
    removed = {kind: removed_channels(groups, units, kind) for kind in kinds}
    found = {}
    for name, group in groups.items():
        kept = np.setdiff1d(np.arange(group.units), np.asarray(units.get(name, []), int))
        places = {
            kind: {
                layer: channels[kept] - np.searchsorted(removed[kind].get(layer, []), channels[kept])
                for layer, channels in getattr(group, kind).items()
            }
            for kind in kinds
        }
        found[name] = replace(group, units=len(kept), **places)
    return found


def take_out(layer: Weighted, side: int, channels: np.ndarray) -> None:
    """Drop outputs (side 0, with their biases) or inputs (side 1) of a layer."""
    _shorten(layer, "weight", axes(layer)[side], channels)
    if side == 0:
        _shorten(layer, "bias", 0, channels)
    kind = "channels" if isinstance(layer, CONVOLUTIONS) else "features"
    _lower(layer, f"{('out', 'in')[side]}_{kind}", len(channels))
    if 0 in sizes(layer):
        empty(layer)


def thin(layer: nn.Module, channels: np.ndarray) -> None:
    """Drop output channels, whole groups of them, of a layer that hands units on."""
    for name in ("bias", "running_mean", "running_var"):
        _shorten(layer, name, 0, channels)
    if not isinstance(layer, CONVOLUTIONS):
        _shorten(layer, "weight", 0, channels)
        if norms_channels(layer):
            compensate(layer, len(channels))
            return
        if isinstance(layer, nn.GroupNorm):
            _lower(layer, "num_groups", len(channels) * layer.num_groups // layer.num_channels)
        counts = ((nn.GroupNorm, "num_channels"), (nn.PReLU, "num_parameters"), (nn.Module, "num_features"))
        size = next(count for kind, count in counts if isinstance(layer, kind))
        _lower(layer, size, len(channels))
        if not getattr(layer, size):
            empty(layer)
        return
    of_group = layer.out_channels // layer.groups
    groups = np.unique(channels // of_group)
    rows = len(layer.weight) // layer.groups
    _shorten(layer, "weight", 0, (groups[:, None] * rows + np.arange(rows)).ravel())
    _lower(layer, "in_channels", len(groups) * layer.in_channels // layer.groups)
    _lower(layer, "out_channels", len(groups) * of_group)
    _lower(layer, "groups", len(groups))
    if 0 in sizes(layer):
        empty(layer)


def _lower(layer: nn.Module, name: str, by: int) -> None:
    setattr(layer, name, getattr(layer, name) - by)


def _shorten(layer: nn.Module, name: str, axis: int, channels: np.ndarray) -> None:
    """Drop channels of a layer's parameter or buffer, if it has one of that name."""
    values = getattr(layer, name, None)
    if isinstance(values, nn.Parameter):
        setattr(layer, name, nn.Parameter(_kept(values, axis, channels), values.requires_grad))
    elif values is not None:
        setattr(layer, name, _kept(values, axis, channels))


def _kept(values: torch.Tensor, axis: int, channels: np.ndarray) -> torch.Tensor:
    kept = np.setdiff1d(np.arange(values.shape[axis]), channels)
    return values.detach().index_select(axis, torch.as_tensor(kept, device=values.device)).clone()
