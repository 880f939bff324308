"""Gaussian weights for any tensor of any module."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from pidnet.channels import Normal


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

    def channel(self, h: Tensor, *, layer: nn.Module) -> Normal:
        """What the layer whose weight this is outputs given its clean values, over the draws of its weights.

        Parameters
        ----------
        h : Tensor
            Input of the layer, without noise.
        layer : nn.Linear, nn.Conv1d or nn.Conv2d
            The layer whose weight this is.

        Returns
        -------
        Normal
            N(mean * h + b, std^2 * h^2) of each unit, at each place of the input. It is that of one sample: samples of
            one batch share a draw.

        Raises
        ------
        ValueError
            For a layer of another kind, or whose weight this is not; and for values that are not finite.
        """
        if mean_field_of(layer) is not self:
            raise ValueError(
                f"the weight of {type(layer).__name__} is not this one, or not that of a linear layer or convolution"
            )
        weight = cast(Any, layer).parametrizations.weight.original
        return Normal(*moments(layer, h, weight, self.log_std))


def has_mean_field(layer: nn.Module) -> bool:
    """Whether some tensor of the layer itself is random."""
    parametrized = getattr(layer, "parametrizations", {})
    return any(isinstance(part, MeanField) for parts in dict(parametrized).values() for part in parts)


def mean_field_of(layer: nn.Module) -> MeanField | None:
    """What makes the weight of a linear layer or convolution random, if that is all that changes it."""
    if not (isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d) and is_parametrized(layer, "weight")):
        return None
    first, *others = cast(Any, layer).parametrizations["weight"]
    return (
        first if isinstance(first, MeanField) and not others and not is_parametrized(layer, "bias") else None
    )


def moments(layer: Any, h: Tensor, weight: Tensor, log_std: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of what a layer with Gaussian weights outputs, by its own operation on h and h^2."""
    run: Any = layer._conv_forward if isinstance(layer, nn.Conv1d | nn.Conv2d) else nn.functional.linear
    # The floor keeps the gradient of the root finite where the input is all zero.
    return run(h, weight, layer.bias), run(h**2, (2 * log_std).exp(), None).clamp(min=1e-12)


def initial_log_std(weight: Tensor, std: float) -> nn.Parameter:
    """The logarithm of one standard deviation for every weight, to be trained."""
    if not std > 0:
        raise ValueError(f"std={std}; expected a positive number")
    return nn.Parameter(torch.full_like(weight.detach(), std).log())
