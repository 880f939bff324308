"""Recurrent layers whose hidden state passes through a channel at every step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

Cell = nn.LSTMCell | nn.GRUCell | nn.RNNCell


class Scan(nn.Module):
    """One direction of one recurrent layer: h_t = channel(cell(x_t, h_(t-1))).

    Parameters
    ----------
    cell : nn.LSTMCell, nn.GRUCell or nn.RNNCell
        The cell. The weights of a Bayesian cell are drawn once a sequence.
    channel : nn.Module
        What the hidden state passes through at every step.
    backward : bool
        Read the sequence from its end.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> scan = pn.layers.Scan(torch.nn.GRUCell(3, 5), pn.layers.Sign())
    >>> scan(torch.randn(2, 4, 3)).shape
    torch.Size([2, 4, 5])
    """

    def __init__(self, cell: Cell, channel: nn.Module, *, backward: bool = False) -> None:
        super().__init__()
        self.cell, self.channel, self.backward = cell, channel, backward

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Read a batch of sequences step by step, with the channel after each step.

        Parameters
        ----------
        x : Tensor
            Shape (sample, step, feature).
        mask : Tensor, optional
            bool (sample, step), false at padding, where the state stays.

        Returns
        -------
        Tensor
            Hidden state at every step, (sample, step, unit), in the order of the input.
        """
        steps = range(x.shape[1])
        state, hidden = None, x.new_zeros(len(x), self.cell.hidden_size)
        outputs = [hidden] * len(steps)
        with parametrize.cached():
            for step in reversed(steps) if self.backward else steps:
                there = None if mask is None else mask[:, step, None]
                state, hidden = self._step(x[:, step], state, hidden, there)
                outputs[step] = hidden
        return torch.stack(outputs, 1)

    def _step(self, x, state, hidden, there):
        after = self.cell(x, state)
        memory = after[1:] if isinstance(after, tuple) else ()
        new = (self.channel(after[0] if memory else after), *memory)
        if there is not None:
            old = state if memory and state else (hidden, *(torch.zeros_like(m) for m in memory))
            old = old if isinstance(old, tuple) else (old,)
            new = tuple(torch.where(there, n, o) for n, o in zip(new, old, strict=True))
        return (new if memory else new[0]), new[0]


class Recurrent(nn.Module):
    """Stacked scans, in one or both directions, like ``nn.LSTM(batch_first=True)``.

    The scans are called scans.0, scans.1, ..., layer by layer, the backward one after the forward one.

    Parameters
    ----------
    cell : callable
        Builds a cell from its numbers of inputs and units, e.g. ``nn.GRUCell``.
    channel : callable
        Builds the module that the hidden state passes through, e.g. ``Sign``.
    sizes : tuple of int
        Numbers of inputs and units.
    layers : int
        How many layers are stacked.
    bidirectional : bool
        Whether each layer also reads from the end.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> from torch import nn
    >>> net = pn.layers.Recurrent(nn.GRUCell, pn.layers.Sign, (3, 4))
    >>> outputs, last = net(torch.zeros(2, 5, 3))
    >>> outputs.shape, last.shape
    (torch.Size([2, 5, 4]), torch.Size([1, 2, 4]))
    """

    def __init__(
        self,
        cell: Callable[[int, int], Cell],
        channel: Callable[[], nn.Module],
        sizes: tuple[int, int],
        *,
        layers: int = 1,
        bidirectional: bool = False,
    ) -> None:
        super().__init__()
        inputs, hidden = sizes
        self.input_size, self.hidden_size, self.bidirectional = inputs, hidden, bidirectional
        width = hidden * (1 + bidirectional)
        self.scans = nn.ModuleList(
            Scan(cell(inputs if layer == 0 else width, hidden), channel(), backward=backward)
            for layer in range(layers)
            for backward in (False, True)[: 1 + bidirectional]
        )

    def forward(self, x: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read a batch of sequences through all layers and directions.

        Parameters
        ----------
        x : Tensor
            Shape (sample, step, feature).
        mask : Tensor, optional
            bool (sample, step), false at padding, where the state stays.

        Returns
        -------
        outputs : Tensor
            Top layer at every step, (sample, step, unit).
        last : Tensor
            Last hidden state of every scan, (scan, sample, unit).
        """
        last = []
        directions = 1 + self.bidirectional
        for layer in range(0, len(self.scans), directions):
            scans = self.scans[layer : layer + directions]
            outputs = [scan(x, mask) for scan in scans]
            last += [out[:, 0 if scan.backward else -1] for scan, out in zip(scans, outputs, strict=True)]
            x = torch.cat(outputs, -1)
        return x, torch.stack(last)
