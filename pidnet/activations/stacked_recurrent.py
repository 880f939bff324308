"""What the stacked layers of a recurrent module put out at every step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence


def recurrent_layers(name: str, module: nn.RNNBase) -> list[str]:
    """Names of the stacked layers of a recurrent module: its own, or rnn.l0, rnn.l1, ... when several."""
    return [name] if module.num_layers == 1 else [f"{name}.l{k}" for k in range(module.num_layers)]


def recurrent_outputs(
    name: str, module: nn.RNNBase, inputs: tuple, output: Tensor | PackedSequence
) -> Iterator[tuple[str, Tensor, Tensor | None]]:
    """Name, values (sample, step, unit) in the module's own axis order, and bool (sample, step) for packed
    sequences, of each stacked layer. torch gives only the top one; the lower ones are computed again by a
    shallower copy with the same weights."""
    x, state = (*inputs, None)[:2]
    for depth, layer in enumerate(recurrent_layers(name, module), start=1):
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
