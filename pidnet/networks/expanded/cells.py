"""nn.LSTMCell, GRUCell and RNNCell as linear layers: one step of a direction at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidnet.networks.expanded._unset import unset
from pidnet.networks.expanded.recurrent import StepByStep, as_tuple

CELLS: dict[type, type] = {nn.LSTMCell: nn.LSTM, nn.GRUCell: nn.GRU, nn.RNNCell: nn.RNN}


class ExpandedCell(StepByStep):
    """A recurrent cell as linear layers, with the same call on batches."""

    def __init__(self, cell: nn.RNNCellBase) -> None:
        super().__init__(cell, CELLS[type(cell)], cell.input_size)
        self.cell: type[nn.RNNCellBase] = type(cell)
        for torchs, ours in _pairs(cell, self):
            ours.data.copy_(torchs.data)
        self.requires_grad_(cell.weight_ih.requires_grad)

    @property
    def hidden_size(self) -> int:
        return self.hidden.in_features

    def forward(
        self, x: Tensor, state: Tensor | tuple[Tensor, ...] | None = None
    ) -> Tensor | tuple[Tensor, ...]:
        """The next state."""
        zeros = x.new_zeros(len(x), self.hidden_size)
        before = as_tuple((zeros, zeros) if state is None else state)
        after = tuple(self.units(part) for part in self.step(self.input(x), before))
        return after if self.kind is nn.LSTM else after[0]

    def collapsed(self) -> nn.RNNCellBase:
        """torch's cell with these weights."""
        options = {"nonlinearity": "relu"} if self.act is torch.relu else {}
        sizes = self.input.in_features, self.hidden_size
        cell = unset(self.cell, self.input.weight, *sizes, bias=self.input.bias is not None, **options)
        for torchs, ours in _pairs(cell, self):
            torchs.data.copy_(ours.data)
        return cell.requires_grad_(self.input.weight.requires_grad)


def _pairs(cell: nn.RNNCellBase, expanded: StepByStep) -> list[tuple[Tensor, Tensor]]:
    """The parameters of torch's cell beside those of the expanded one."""
    layers = (("ih", expanded.input), ("hh", expanded.hidden))
    kinds = ("weight", "bias") if cell.bias else ("weight",)
    return [
        (getattr(cell, f"{kind}_{part}"), getattr(layer, kind)) for part, layer in layers for kind in kinds
    ]
