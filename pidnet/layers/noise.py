"""Noise that stays on in eval mode: the network is a noisy channel, in use as in training."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GaussianNoise(nn.Module):
    """t = h + std e, e ~ N(0, 1) for each sample and unit. I(T;H) = 1/2 log2(1 + var(h) / std^2) bits a
    unit when h is Gaussian."""

    def __init__(self, std: float = 0.1) -> None:
        super().__init__()
        if not std > 0:
            raise ValueError(f"std={std}; expected a positive number")
        self.std = std

    def forward(self, h: Tensor) -> Tensor:
        return h + self.std * torch.randn_like(h)


class BinaryDropout(nn.Module):
    """t = h b / (1 - rate), b ~ Bernoulli(1 - rate) for each sample and unit: an erasure channel, which
    passes the share 1 - rate of the information of a unit that is never 0.

    Source: Srivastava et al., Dropout, 2014.
    """

    def __init__(self, rate: float = 0.1) -> None:
        super().__init__()
        self.rate = _checked_rate(rate)

    def forward(self, h: Tensor) -> Tensor:
        kept = torch.rand_like(h) >= self.rate
        return torch.where(kept, h / (1 - self.rate), 0.0)


class GaussianDropout(nn.Module):
    """t = h e, e ~ N(1, rate / (1 - rate)) for each sample and unit: the mean and variance of binary
    dropout. Source: Srivastava et al., Dropout, 2014, section 10."""

    def __init__(self, rate: float = 0.1) -> None:
        super().__init__()
        self.rate = _checked_rate(rate)

    def forward(self, h: Tensor) -> Tensor:
        return h * (1 + (self.rate / (1 - self.rate)) ** 0.5 * torch.randn_like(h))


def _checked_rate(rate: float) -> float:
    if not 0 <= rate < 1:
        raise ValueError(f"rate={rate}; expected a number from 0 to below 1")
    return rate
