"""Recurrent and attention modules and turned linear layers expanded into plain linear layers, so that one way of watching, cutting and
repairing serves them too, and collapsed into torch's modules afterwards."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from pidnet.networks.expanded.attention import ExpandedAttention, can_expand
from pidnet.networks.expanded.cells import CELLS, ExpandedCell
from pidnet.networks.expanded.recurrent import (
    GATES,
    REVERSE,
    ExpandedDirection,
    ExpandedRecurrent,
    StepByStep,
    direction_names,
    is_backward,
)
from pidnet.networks.expanded.turned import ExpandedConv1D, is_conv1d

__all__ = [
    "REVERSE",
    "ExpandedAttention",
    "ExpandedCell",
    "ExpandedDirection",
    "ExpandedRecurrent",
    "StepByStep",
    "collapse",
    "direction_names",
    "expand",
    "is_backward",
]


def expand(model: nn.Module) -> nn.Module:
    """A copy in eval mode with every nn.LSTM, GRU, RNN, their cells, MultiheadAttention and Conv1D expanded."""
    model = copy.deepcopy(model).eval()
    for name, module in list(model.named_modules()):
        if expanded := _expanded(module):
            model = _replace(model, name, expanded)
    return model.eval()


def _expanded(module: Any) -> nn.Module | None:
    """A module as linear layers, None where it has no such form."""
    if type(module) in GATES and not module.proj_size:
        return ExpandedRecurrent(module)
    if type(module) in CELLS:
        return ExpandedCell(module)
    if type(module) is nn.MultiheadAttention and can_expand(module):
        return ExpandedAttention.of(module)
    return ExpandedConv1D.of(module) if is_conv1d(module) else None


def collapse(model: nn.Module) -> nn.Module:
    """The model with torch's recurrent modules again, and torch's attention where it has all of its heads."""
    for name, module in list(model.named_modules()):
        if isinstance(module, ExpandedRecurrent | ExpandedCell | ExpandedConv1D) or (
            isinstance(module, ExpandedAttention) and module.complete
        ):
            model = _replace(model, name, module.collapsed())
    return model.eval()


def _replace(model: nn.Module, name: str, module: nn.Module) -> nn.Module:
    if not name:
        return module
    parent, _, child = name.rpartition(".")
    setattr(model.get_submodule(parent), child, module)
    return model
