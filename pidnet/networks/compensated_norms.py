"""LayerNorm and RMSNorm without some of their channels, as if these were there and 0.

The mean and the square are still over the former number of channels: a channel that is 0 adds nothing to either, so that
leaving it out changes nothing for the others (Squeeze-Release, arXiv:2606.14346).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class _Compensated(nn.Module):
    """A norm over the last axis. whole: over how many channels, those that went included."""

    whole: int
    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def _scaled(self, centered: Tensor, square: Tensor, eps: float) -> Tensor:
        made = centered * torch.rsqrt(square + eps)
        made = made if self.weight is None else made * self.weight
        return made if self.bias is None else made + self.bias


class CompensatedLayerNorm(_Compensated, nn.LayerNorm):
    """LayerNorm of the channels that are left, with mean and variance over ``whole`` channels."""

    def forward(self, input: Tensor) -> Tensor:
        mean = input.sum(-1, keepdim=True) / self.whole
        centered = input - mean
        gone = self.whole - input.shape[-1]
        square = (centered.square().sum(-1, keepdim=True) + gone * mean.square()) / self.whole
        return self._scaled(centered, square, self.eps)


class CompensatedRMSNorm(_Compensated, nn.RMSNorm):
    """RMSNorm of the channels that are left, with the mean square over ``whole`` channels."""

    bias = None

    def forward(self, x: Tensor) -> Tensor:
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        return self._scaled(x, x.square().sum(-1, keepdim=True) / self.whole, eps)


COMPENSATED: dict[type[nn.Module], type[nn.Module]] = {
    nn.LayerNorm: CompensatedLayerNorm,
    nn.RMSNorm: CompensatedRMSNorm,
}
COMPENSATED |= {kind: kind for kind in tuple(COMPENSATED.values())}


def norms_channels(module: Any) -> bool:
    """Whether a module is a norm over the channels, on the last axis, that can be compensated."""
    return type(module) in COMPENSATED and len(module.normalized_shape) == 1


def compensate(norm: Any, gone: int) -> None:
    """Make a norm, in place, one without so many channels, whose weights have been cut already."""
    (width,) = norm.normalized_shape
    norm.whole = getattr(norm, "whole", width)
    norm.normalized_shape = (width - gone,)
    norm.__class__ = COMPENSATED[type(norm)]
