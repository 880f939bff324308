"""Take units out of an expanded model: rows of the layers that make them, columns of those that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from pidnet.networks.kinds import CONVOLUTIONS
from pidnet.pruning.structure.groups import Prunable

Removal = Mapping[str, Sequence[int]]


def cut(model: nn.Module, prunable: Mapping[str, Prunable], remove: Removal) -> None:
    """Remove units from the model in place, with everything that hangs on them."""
    for axis, places in enumerate((lost(prunable, remove, "producers"), lost(prunable, remove, "consumers"))):
        for name, channels in places.items():
            _take_out(model.get_submodule(name), axis, channels)
    for name, channels in lost(prunable, remove, "followers").items():
        _thin(model.get_submodule(name), channels)
    for name, units in remove.items():
        for owner, attributes in prunable[name].counters.items():
            for attribute, amount in attributes.items():
                module = model.get_submodule(owner)
                setattr(module, attribute, getattr(module, attribute) - amount * len(units))


def lost(prunable: Mapping[str, Prunable], remove: Removal, kind: str) -> dict[str, np.ndarray]:
    """Layer -> the rows, columns or channels that go, ascending. kind: producers, consumers or followers."""
    gone: dict[str, list[np.ndarray]] = {}
    for name, units in remove.items():
        for layer, channels in getattr(prunable[name], kind).items():
            gone.setdefault(layer, []).append(channels[list(units)].ravel())
    return {layer: np.unique(np.concatenate(parts)).astype(int) for layer, parts in gone.items()}


def _take_out(layer: nn.Module, axis: int, channels: np.ndarray) -> None:
    """Drop rows (axis 0, with their biases) or columns (axis 1) of a layer's weights."""
    _shorten(layer, "weight", axis, channels)
    if axis == 0:
        _shorten(layer, "bias", 0, channels)
    kind = "channels" if isinstance(layer, CONVOLUTIONS) else "features"
    size = f"{('out', 'in')[axis]}_{kind}"
    setattr(layer, size, getattr(layer, size) - len(channels))


def _thin(layer: nn.Module, channels: np.ndarray) -> None:
    """Drop channels of a BatchNorm or a depthwise convolution."""
    for name in ("weight", "bias", "running_mean", "running_var"):
        _shorten(layer, name, 0, channels)
    convolution = isinstance(layer, CONVOLUTIONS)
    for size in ("in_channels", "out_channels", "groups") if convolution else ("num_features",):
        setattr(layer, size, getattr(layer, size) - len(channels))


def _shorten(layer: nn.Module, name: str, axis: int, channels: np.ndarray) -> None:
    """Drop channels of a layer's parameter or buffer, if it has one of that name."""
    values = getattr(layer, name, None)
    if isinstance(values, nn.Parameter):
        setattr(layer, name, nn.Parameter(_kept(values, axis, channels), values.requires_grad))
    elif values is not None:
        setattr(layer, name, _kept(values, axis, channels))


def _kept(values: torch.Tensor, axis: int, channels: np.ndarray) -> torch.Tensor:
    stays = np.setdiff1d(np.arange(values.shape[axis]), channels)
    return values.detach().index_select(axis, torch.as_tensor(stays, device=values.device)).clone()


def remaining(prunable: Mapping[str, Prunable], remove: Removal) -> dict[str, Prunable]:
    """The prunable units of the model after ``cut``, by their new indices."""
    gone = {kind: lost(prunable, remove, kind) for kind in ("producers", "consumers", "followers")}
    left = {}
    for name, p in prunable.items():
        stays = np.setdiff1d(np.arange(p.units), np.asarray(remove.get(name, []), int))
        places = {
            kind: {
                layer: channels[stays] - np.searchsorted(gone[kind].get(layer, []), channels[stays])
                for layer, channels in getattr(p, kind).items()
            }
            for kind in gone
        }
        left[name] = replace(p, units=len(stays), **places)
    return left
