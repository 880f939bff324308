"""Layers that read units, as one linear map each, on the network that is being trained.

Planning looks at an expanded copy; a penalty needs what passes through the network itself, with its gradients. A consumer
is the same layer there: its weights as a matrix, and rows of what it reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from pidnet.networks.expanded import REVERSE, direction_names
from pidnet.networks.kinds import CONVOLUTIONS, PRODUCERS, Weighted, axes, sizes
from pidnet.networks.linear_map import POSITIONS, features, input_rows, trained_matrix

HIDDEN = ".hidden"


@dataclass(frozen=True, eq=False)
class Read:
    """What a consumer got in one call, with gradients. rows: how many its map was applied to."""

    values: Tensor
    rows: int


class Consumer(Protocol):
    """A linear map of units. module: whose call shows what is read."""

    @property
    def module(self) -> nn.Module: ...
    @property
    def weight(self) -> Tensor: ...
    @property
    def matrix(self) -> Tensor: ...
    @property
    def axis(self) -> int: ...
    @property
    def bias(self) -> bool: ...

    def owned(self, columns: np.ndarray) -> np.ndarray:
        """Input features that belong to units, (unit, feature), of their input columns (unit, column)."""
        ...

    def see(self, inputs: tuple, output: Any) -> Read:
        """What is read in a call of the module."""
        ...

    def rows(self, read: Read, most: int, generator: torch.Generator) -> Tensor:
        """About so many rows at most, drawn, (row, feature)."""
        ...


class LayerConsumer:
    """A fully connected layer, or a convolution by its patches."""

    def __init__(self, layer: Weighted) -> None:
        self.module, self.bias, self.axis = layer, layer.bias is not None, axes(layer)[1]

    @property
    def weight(self) -> Tensor:
        """The parameter; its inputs are on ``axis``."""
        return self.module.weight

    @property
    def matrix(self) -> Tensor:
        """The weights with their gradient, (output, feature)."""
        return trained_matrix(self.module)

    def owned(self, columns: np.ndarray) -> np.ndarray:
        """Of a convolution as many features to a column as its kernel has places."""
        return features(self.module, columns)

    def see(self, inputs: tuple, output: Any) -> Read:
        """The input of the layer."""
        return Read(inputs[0], output.numel() // sizes(self.module)[0])

    def rows(self, read: Read, most: int, generator: torch.Generator) -> Tensor:
        """Of a convolution all of the positions that planning looks at, of fewer samples."""
        values = read.values
        if not isinstance(self.module, CONVOLUTIONS):
            return _some(values.reshape(-1, values.shape[-1]), most, generator)
        positions = min(read.rows // len(values), POSITIONS)
        few = _some(values, max(1, most // positions), generator)
        return input_rows(self.module, few, POSITIONS).to(values.dtype)


class StateConsumer:
    """The gates of the last layer of a recurrent module, which read its state at every step.

    way: the suffix of the direction. The state after the last step is among the rows, the one before the first is not.
    """

    def __init__(self, module: nn.RNNBase, way: str) -> None:
        self.module, self.way, self.bias, self.axis = module, way, module.bias, 1

    @property
    def matrix(self) -> Tensor:
        """The parameter, which is a matrix."""
        return self.weight

    @property
    def weight(self) -> Tensor:
        """The parameter, all gates one under the other."""
        return getattr(self.module, f"weight_hh_l{self.module.num_layers - 1}{self.way}")

    def owned(self, columns: np.ndarray) -> np.ndarray:
        """One feature to a column."""
        return columns

    def see(self, inputs: tuple, output: Any) -> Read:
        """The states of this direction."""
        states = output[0].data if isinstance(output[0], PackedSequence) else output[0]
        units = self.module.hidden_size
        return Read(states[..., units:] if self.way else states[..., :units], states.shape[:-1].numel())

    def rows(self, read: Read, most: int, generator: torch.Generator) -> Tensor:
        """States at drawn steps of drawn samples."""
        return _some(read.values.reshape(-1, read.values.shape[-1]), most, generator)


def find_consumer(model: nn.Module, name: str) -> Consumer | None:
    """The layer that has this name in the expanded copy of a model; None where what it reads does not show as one
    linear map: inside attention of torch, below the last layer of a recurrent module, in convolutions of groups."""
    modules = dict(model.named_modules())
    layer, owner = modules.get(name), modules.get(name.rpartition(".")[0])
    if isinstance(layer, PRODUCERS) and not isinstance(owner, nn.MultiheadAttention):
        return None if isinstance(layer, CONVOLUTIONS) and layer.groups > 1 else LayerConsumer(layer)
    direction = name.removesuffix(HIDDEN)
    module = modules.get(direction.rpartition(".")[0])
    if isinstance(module, nn.RNNBase) and direction != name:
        last = direction_names(module)[-1]
        if direction.rpartition(".")[2] in last:
            return StateConsumer(module, REVERSE if direction.endswith(REVERSE) else "")
    return None


def _some(values: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """At most so many entries of the first axis, drawn."""
    if len(values) <= most:
        return values
    return values[torch.randperm(len(values), generator=generator)[:most].to(values.device)]
