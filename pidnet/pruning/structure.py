"""Which units of a network can be cut, and what hangs on them.

torch-pruning traces how the channels of a network depend on each other; the index sets, the decisions and the
checks are ours.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
PRODUCERS = (nn.Linear, *CONVOLUTIONS)
Weighted = nn.Linear | nn.Conv1d | nn.Conv2d


@dataclass(frozen=True, eq=False)
class Prunable:
    """The units of one layer, or of layers that are coupled because their outputs are added.

    name: the first of the ``producers``, the layers that lose rows. units: how many there are.
    consumers: layer name -> int (unit, column), the input channels that belong to each unit.
    """

    name: str
    units: int
    producers: tuple[str, ...]
    consumers: dict[str, np.ndarray]


def find_prunable(model: nn.Module, example: Tensor) -> dict[str, Prunable]:
    """All units that can be cut without changing the shape of the output, by layer, in the order of the
    modules. Raises ValueError when there are none."""
    graph = _dependencies(model, example)
    found: dict[str, Prunable] = {}
    coupled: set[str] = set()
    for name, module in model.named_modules():
        if isinstance(module, PRODUCERS) and name not in coupled:
            prunable = _describe(graph, model, name)
            coupled |= set(prunable.producers)
            if prunable.consumers:
                found[name] = prunable
    if not found:
        raise ValueError(f"{type(model).__name__} has no hidden layer whose units can be cut")
    return found


def cut(model: nn.Module, example: Tensor, remove: dict[str, list[int]]) -> None:
    """Remove units from the model in place, with everything that hangs on them."""
    graph = _dependencies(model, example)
    for name, units in remove.items():
        if units:
            _group(graph, model.get_submodule(name), units).prune()


def weighted(model: nn.Module, name: str) -> Weighted:
    """The layer of that name, known to have a weight matrix. Raises TypeError for any other module."""
    layer = model.get_submodule(name)
    if not isinstance(layer, PRODUCERS):
        raise TypeError(f"layer {name!r} is a {type(layer).__name__}; expected a Linear or a convolution")
    return layer


def _dependencies(model: nn.Module, example: Tensor):
    """torch-pruning's graph. It follows gradients, so every parameter needs one while it traces."""
    import torch_pruning

    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    model.requires_grad_(True)
    with warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        graph = torch_pruning.DependencyGraph().build_dependency(model, example[:1])
    for parameter in frozen:
        parameter.requires_grad_(False)
    return graph


def _group(graph, module: nn.Module, units: list[int]):
    """torch-pruning's group for the outputs of a module."""
    return graph.get_pruning_group(module, graph.get_pruner_of_module(module).prune_out_channels, units)


def _describe(graph, model: nn.Module, name: str) -> Prunable:
    """The producers and consumers of a layer's units."""
    module = weighted(model, name)
    units = module.weight.shape[0]
    names = {module: name for name, module in model.named_modules()}
    producers, consumers = [], {}
    for item in _group(graph, module, list(range(units))):
        target = item.dep.target.module
        if not isinstance(target, PRODUCERS):
            continue
        if graph.is_out_channel_pruning_fn(item.dep.handler):
            producers.append(names[target])
        else:
            consumers[names[target]] = _columns(item, units)
    return Prunable(name, units, tuple(dict.fromkeys(producers)), consumers)


def _columns(item, units: int) -> np.ndarray:
    """Input columns of a consumer by the unit they belong to, int (unit, column)."""
    order = np.argsort(item.root_idxs, kind="stable")
    return np.asarray(item.idxs)[order].reshape(units, -1)
