"""Recurrent classifiers of sequences: LSTM, GRU and RNN, of several layers and both directions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from pidnet.layers import Recurrent
from pidnet.zoo.variants import Variant, as_variant


class RecurrentClassifier(nn.Module):
    """Reads a sequence and classifies from the hidden state at its last step (of both directions).

    Input: float (sample, step, feature), or int codes (sample, step) below the number of features, where 0
    pads the end of a sequence; codes are read one-hot. Layers: rnn, head.
    """

    def __init__(self, rnn: nn.RNNBase | Recurrent, outputs: int) -> None:
        super().__init__()
        self.rnn = rnn
        self.head = nn.Linear(rnn.hidden_size * (1 + rnn.bidirectional), outputs)

    def forward(self, x: Tensor) -> Tensor:
        if x.is_floating_point():
            _, state = self.rnn(x)
        else:
            _, state = self._read_codes(nn.functional.one_hot(x, self.rnn.input_size).float(), x != 0)
        hidden = state[0] if isinstance(state, tuple) else state
        return self.head(torch.cat(list(hidden[-(1 + self.rnn.bidirectional) :]), 1))

    def _read_codes(self, onehot: Tensor, mask: Tensor) -> tuple[Any, Any]:
        if isinstance(self.rnn, Recurrent):
            return self.rnn(onehot, mask)
        lengths = mask.sum(1).clamp(min=1).cpu()
        return self.rnn(pack_padded_sequence(onehot, lengths, batch_first=True, enforce_sorted=False))


class Builder(Protocol):
    """A function that makes a recurrent classifier."""

    def __call__(
        self,
        inputs: int,
        hidden: int,
        outputs: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        variant: Variant = "plain",
    ) -> nn.Module: ...


def _builder(name: str, kind: Callable[..., nn.RNNBase], words: str) -> Builder:
    """The function of the zoo for one kind of recurrent module."""

    def build(
        inputs: int,
        hidden: int,
        outputs: int,
        *,
        layers: int = 1,
        bidirectional: bool = False,
        variant: Variant = "plain",
    ) -> nn.Module:
        rnn = kind(inputs, hidden, layers, bidirectional=bidirectional, batch_first=True)
        return as_variant(RecurrentClassifier(rnn, outputs), variant)

    build.__name__ = build.__qualname__ = name
    build.__doc__ = DOCUMENTATION.format(words=words, name=name)
    return build


DOCUMENTATION = """A classifier of sequences with {words}.

    Parameters
    ----------
    inputs : int
        Features of a step, or number of codes.
    hidden : int
        Units of each layer and direction.
    outputs : int
        Number of classes.
    layers : int
        How many layers are stacked.
    bidirectional : bool
        Whether each layer also reads from the end.
    variant : str
        "plain", "binarized", "int8", "int4", "bayesian" or "stochastic".

    Returns
    -------
    nn.Module
        The network, untrained, in training mode.

    Notes
    -----
    Input: float (sample, step, feature), or int codes (sample, step) read one-hot, where 0 pads the end.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.zoo.{name}(3, 4, 10)(torch.zeros(2, 5, 3)).shape
    torch.Size([2, 10])
    """

lstm = _builder("lstm", nn.LSTM, "an LSTM")
gru = _builder("gru", nn.GRU, "a GRU")
rnn = _builder("rnn", nn.RNN, "a tanh RNN")
