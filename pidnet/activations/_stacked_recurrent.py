"""The outputs of the stacked layers of a recurrent module at every step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from pidnet.activations.positions import Places
from pidnet.networks.expanded import direction_names, is_backward


def own_direction(name: str, module: nn.RNNBase, places: Places) -> Places:
    """The units of a stacked layer that read in the direction that the name tells."""
    backward = is_backward(name)
    units = places.values.chunk(1 + module.bidirectional, -1)[backward]
    return replace(places, values=units, backward=backward)


def recurrent_outputs(
    name: str, module: nn.RNNBase, inputs: tuple, output: Tensor | PackedSequence
) -> Iterator[tuple[str, Tensor, Tensor | None]]:
    """Name, values (sample, step, unit) in the module's own axis order, and bool (sample, step) for packed
    sequences, of each stacked layer, its directions side by side. torch gives only the top one; the lower ones are computed again by a
    shallower copy with the same weights."""
    x, state = (*inputs, None)[:2]
    for depth, (layer, *_) in enumerate(direction_names(module, name), start=1):
        if depth < module.num_layers:
            begin = _begin(state, depth * (1 + module.bidirectional))
            yield layer, *_padded(_shallower(module, depth)(x, begin)[0], module.batch_first)
        else:
            yield layer, *_padded(output, module.batch_first)


def _padded(output: Tensor | PackedSequence, batch_first: bool) -> tuple[Tensor, Tensor | None]:
    if isinstance(output, Tensor):
        return output, None
    values, lengths = pad_packed_sequence(output, batch_first=batch_first)
    return values, torch.arange(int(lengths.max())) < lengths[:, None]


def _begin(state: Any, rows: int) -> Any:
    """The rows of the initial state that belong to the lower layers."""
    if isinstance(state, tuple):
        return tuple(part[:rows] for part in state)
    return None if state is None else state[:rows]


def _shallower(module: nn.RNNBase, depth: int) -> nn.RNNBase:
    kind = next(kind for kind in (nn.LSTM, nn.GRU, nn.RNN) if isinstance(module, kind))
    own = {nn.LSTM: {"proj_size": module.proj_size}, nn.RNN: {"nonlinearity": _nonlinearity(module)}}
    copy = kind(  # on the meta device, so that no random numbers are drawn
        module.input_size,
        module.hidden_size,
        num_layers=depth,
        bias=module.bias,
        batch_first=module.batch_first,
        bidirectional=module.bidirectional,
        device="meta",
        **own.get(kind, {}),
    ).to_empty(device=module.all_weights[0][0].device)
    weights = module.state_dict()
    copy.load_state_dict({key: weights[key] for key in copy.state_dict()})
    return copy.eval()


def _nonlinearity(module: nn.RNNBase) -> str:
    return "relu" if module.mode == "RNN_RELU" else "tanh"
