"""Units that are functions of the input with few values: no noise, but codes."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from pidnet.channels.channel import Channel, checked_matrix


class Discrete(Channel):
    """T is a function of the input and takes few values, as signs and rounded units do: I(X;T) = H(T).

    Parameters
    ----------
    values : Tensor
        (sample, unit), the value of each unit at each input.

    Raises
    ------
    ValueError
        For values that are not finite.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.channels.Discrete(torch.eye(4))
    Discrete channel: 4 inputs, 4 units
    """

    def __init__(self, values: Tensor) -> None:
        self.parameters = self.values = checked_matrix("values", values)

    def _taken(self, rows: Tensor) -> Self:
        return type(self)(self.values[rows])

    def _joined(self, others: list[Self]) -> Self:
        return type(self)(torch.cat([self.values, *(other.values for other in others)]))
