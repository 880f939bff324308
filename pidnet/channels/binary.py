"""Units with two values, drawn with a probability that hangs on the input."""

from __future__ import annotations

from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from pidnet.channels.channel import DensityChannel, checked_matrix

SMALLEST = -690.0  # the logarithm of about 1e-300


class Bernoulli(DensityChannel):
    """T_k given x_j is 1 with probability p_jk, else 0, independent over the units k.

    Parameters
    ----------
    log_p : Tensor
        (sample, unit), log p in nats.
    log_not_p : Tensor, optional
        log(1 - p), where it is known better than from ``log_p``.

    Raises
    ------
    ValueError
        For a probability above 1.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.channels.Bernoulli(torch.tensor([[0.1], [0.9]]).log()).sample().shape
    torch.Size([2, 1])
    """

    def __init__(self, log_p: Tensor, log_not_p: Tensor | None = None) -> None:
        if (log_p > 1e-6).any():
            raise ValueError(
                f"log_p has the value {float(log_p.max())}; expected logarithms of probabilities"
            )
        log_p = log_p.detach().double().clamp(max=0)
        other = torch.log1p(-log_p.exp()) if log_not_p is None else log_not_p.detach().double()
        self.parameters = self.log_p = checked_matrix("log_p", log_p.clamp(min=SMALLEST))
        self.log_not_p = checked_matrix("log_not_p", other.clamp(min=SMALLEST))

    def _taken(self, rows: Tensor) -> Self:
        return type(self)(self.log_p[rows], self.log_not_p[rows])

    def _joined(self, others: list[Self]) -> Self:
        every = [self, *others]
        return type(self)(torch.cat([c.log_p for c in every]), torch.cat([c.log_not_p for c in every]))

    def _selected(self, units: Tensor) -> Self:
        return type(self)(self.log_p[:, units], self.log_not_p[:, units])

    def _drawn(self, generator: torch.Generator | None) -> Tensor:
        drawn = torch.rand(
            self.log_p.shape, generator=generator, dtype=self.log_p.dtype, device=self.log_p.device
        )
        return (drawn < self.log_p.exp()).to(self.log_p)

    def _log_density(self, t: Tensor) -> Tensor:
        return torch.addmm(self.log_not_p.sum(1), t, self._weights)

    @cached_property
    def _weights(self) -> Tensor:
        return (self.log_p - self.log_not_p).T.contiguous()

    def _ceiling(self) -> Tensor | None:
        """Independent units have the most entropy: I(X;T) <= sum_k [H(T_k) - H(T_k | X)]."""
        p, share = self.log_p.exp(), self.log_p.exp().mean(0)
        return (torch.xlogy(p, p / share) + torch.xlogy(1 - p, (1 - p) / (1 - share))).nan_to_num(0).sum(1)
