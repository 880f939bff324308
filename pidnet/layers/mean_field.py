"""Gaussian weights for any tensor of any module."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MeanField(nn.Module):
    """Gaussian weights as a parametrization of any tensor, one draw for the whole batch.

    For recurrent cells, whose weights must stay the same over the steps of a sequence.

    Parameters
    ----------
    weight : Tensor
        The tensor that becomes random; it holds the means.
    std : float
        Standard deviation of the weights to begin with; it is trained.

    Raises
    ------
    ValueError
        For a ``std`` that is not positive.

    Examples
    --------
    >>> import pidnet as pn
    >>> from torch import nn
    >>> from torch.nn.utils.parametrize import register_parametrization
    >>> cell = nn.GRUCell(3, 4)
    >>> _ = register_parametrization(cell, "weight_hh", pn.layers.MeanField(cell.weight_hh))
    """

    def __init__(self, weight: Tensor, *, std: float = 0.05) -> None:
        super().__init__()
        self.log_std = initial_log_std(weight, std)

    def forward(self, mean: Tensor) -> Tensor:
        """Draw the weights.

        Parameters
        ----------
        mean : Tensor
            The means.

        Returns
        -------
        Tensor
            mean + std e with e ~ N(0, 1), of the shape of ``mean``.
        """
        return mean + self.log_std.exp() * torch.randn_like(mean)


def initial_log_std(weight: Tensor, std: float) -> nn.Parameter:
    """The logarithm of one standard deviation for every weight, to be trained."""
    if not std > 0:
        raise ValueError(f"std={std}; expected a positive number")
    return nn.Parameter(torch.full_like(weight.detach(), std).log())
