"""Recurrent modules as linear layers, and the names of their layers and directions.

``rnn.l0`` is the first layer of a recurrent module, ``rnn.l0_reverse`` the same layer read backwards; each
has the linear layers ``input`` and ``hidden`` with all gates one under the other.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from pidnet.networks.expanded._unset import unset

GATES: dict[type, int] = {nn.LSTM: 4, nn.GRU: 3, nn.RNN: 1}
REVERSE = "_reverse"


def direction_names(module: nn.RNNBase | ExpandedRecurrent, name: str = "") -> list[list[str]]:
    """The names of a recurrent module's layers, each in one or both directions: l0 and l0_reverse, l1, ...

    name: of the module in its network, which they begin with.
    """
    directions = ("", REVERSE) if module.bidirectional else ("",)
    within = f"{name}." if name else ""
    return [[f"{within}l{layer}{way}" for way in directions] for layer in range(module.num_layers)]


def is_backward(name: str) -> bool:
    """Whether a name from ``direction_names`` is that of a layer that reads the sequence from its end."""
    return name.endswith(REVERSE)


class StepByStep(nn.Module):
    """The linear layers of one recurrent layer in one direction. kind: nn.LSTM, GRU or RNN."""

    def __init__(self, module: nn.RNNBase | nn.RNNCellBase, kind: type, inputs: int) -> None:
        super().__init__()
        relu = getattr(module, "nonlinearity", "tanh") == "relu"
        self.kind, self.act = kind, torch.relu if relu else torch.tanh
        units, weight = module.hidden_size, next(module.parameters())
        self.input = unset(nn.Linear, weight, inputs, GATES[kind] * units, bias=module.bias)
        self.hidden = unset(nn.Linear, weight, units, GATES[kind] * units, bias=module.bias)
        # What leaves a step passes through here, where its units can be watched.
        self.units = nn.Identity()

    def step(self, entering: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """torch's equations of the three kinds (torch.nn.LSTM, GRU, RNN)."""
        recurrent = self.hidden(state[0])
        if self.kind is nn.RNN:
            return (self.act(entering + recurrent),)
        if self.kind is nn.GRU:
            (r, z, n), (hr, hz, hn) = entering.chunk(3, -1), recurrent.chunk(3, -1)
            update = torch.sigmoid(z + hz)
            return ((1 - update) * torch.tanh(n + torch.sigmoid(r + hr) * hn) + update * state[0],)
        i, f, g, o = (entering + recurrent).chunk(4, -1)
        cell = torch.sigmoid(f) * state[1] + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(cell), cell


class ExpandedDirection(StepByStep):
    """One layer of a recurrent module in one direction, on whole sequences."""

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...], valid: Tensor, reverse: bool
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """x: (sample, step, feature); valid: bool (sample, step). Returns (sample, step, unit), last state."""
        entering = self.input(x)
        steps = range(x.shape[1])[::-1] if reverse else range(x.shape[1])
        out: dict[int, Tensor] = {}
        for step in steps:
            new = tuple(self.units(part) for part in self.step(entering[:, step], state))
            here = valid[:, step, None]
            state = tuple(torch.where(here, a, b) for a, b in zip(new, state, strict=True))
            out[step] = state[0] * here
        return torch.stack([out[step] for step in range(x.shape[1])], 1), state


class ExpandedRecurrent(nn.Module):
    """nn.LSTM, GRU or RNN as linear layers, with the same call."""

    def __init__(self, module: nn.RNNBase) -> None:
        super().__init__()
        self.kind: type[nn.RNNBase] = type(module)
        self.tanh = self.kind is not nn.RNN or module.nonlinearity == "tanh"
        # By torch's names, since models ask their recurrent module for these.
        self.num_layers, self.bidirectional = module.num_layers, module.bidirectional
        self.bias, self.batch_first, self.dropout = module.bias, module.batch_first, module.dropout
        inputs = module.input_size
        for names in direction_names(module):
            for name in names:
                direction = ExpandedDirection(module, self.kind, inputs)
                _copy(module, direction, name, expand=True)
                self.add_module(name, direction)
            inputs = module.hidden_size * len(names)
        self.requires_grad_(next(module.parameters()).requires_grad)

    @property
    def input_size(self) -> int:
        return self.direction("l0").input.in_features

    @property
    def hidden_size(self) -> int:
        return self.direction("l0").hidden.in_features

    def direction(self, name: str) -> ExpandedDirection:
        """The layer and direction of that name, such as ``l1_reverse``."""
        module = self.get_submodule(name)
        if not isinstance(module, ExpandedDirection):
            raise TypeError(f"{name!r} is a {type(module).__name__}; expected one layer in one direction")
        return module

    def forward(
        self, x: Tensor | PackedSequence, state: Tensor | tuple[Tensor, ...] | None = None
    ) -> tuple[Tensor | PackedSequence, Tensor | tuple[Tensor, ...]]:
        packed = isinstance(x, PackedSequence)
        if isinstance(x, PackedSequence):
            x, lengths = pad_packed_sequence(x, batch_first=True)
        elif x.ndim != 3:
            raise ValueError(f"a recurrent layer got shape {tuple(x.shape)}; expected a batch of sequences")
        else:
            x = x if self.batch_first else x.transpose(0, 1)
            lengths = torch.full((len(x),), x.shape[1])
        valid = torch.arange(x.shape[1], device=x.device) < lengths.to(x.device)[:, None]
        x, last = self._layers(x, valid, None if state is None else as_tuple(state))
        if packed:
            x = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        elif not self.batch_first:
            x = x.transpose(0, 1)
        return x, last if self.kind is nn.LSTM else last[0]

    def _layers(
        self, x: Tensor, valid: Tensor, state: tuple[Tensor, ...] | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """All layers in turn: outputs and last states, each (layer and direction, sample, unit)."""
        finals = []
        for names in direction_names(self):
            outs = []
            for name in names:
                direction = self.direction(name)
                zeros = x.new_zeros(len(x), direction.hidden.in_features)
                parts = 2 if self.kind is nn.LSTM else 1
                start = (zeros,) * parts if state is None else tuple(s[len(finals)] for s in state)
                out, final = direction(x, start, valid, is_backward(name))
                outs.append(out)
                finals.append(final)
            x = torch.cat(outs, -1)
        return x, tuple(torch.stack(parts) for parts in zip(*finals, strict=True))

    def collapsed(self) -> nn.RNNBase:
        """The torch module with these weights. All layers and directions have the same number of units."""
        names = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional")
        options: dict[str, Any] = {name: getattr(self, name) for name in names}
        weight = self.direction("l0").input.weight
        module = unset(self.kind, weight, **options, **({} if self.tanh else {"nonlinearity": "relu"}))
        for name in chain.from_iterable(direction_names(self)):
            _copy(module, self.direction(name), name, expand=False)
        return module.requires_grad_(weight.requires_grad)


def as_tuple(state: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """A state with its parts: two of an LSTM, one of the others."""
    return state if isinstance(state, tuple) else (state,)


@torch.no_grad()
def _copy(module: nn.RNNBase, direction: ExpandedDirection, name: str, *, expand: bool) -> None:
    """Copy the weights of one layer and direction between torch's module and the expanded one."""
    for part, linear in (("ih", direction.input), ("hh", direction.hidden)):
        pairs = [(getattr(module, f"weight_{part}_{name}"), linear.weight)]
        if linear.bias is not None:
            pairs.append((getattr(module, f"bias_{part}_{name}"), linear.bias))
        for torchs, ours in pairs:
            (ours if expand else torchs).copy_(torchs if expand else ours)
