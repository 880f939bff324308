"""Noise by multiplication. A unit that is exactly 0 stays 0: T has an atom there, beside its density."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from pidnet.channels.channel import DensityChannel, checked_matrix
from pidnet.channels.normal import Normal

# Sums of whole numbers of this size are exact in float64 for up to 4,096 units.
KEYS = 2**40


class Scaled(DensityChannel):
    """Gaussian dropout: T_k = z_k e with e ~ N(1, alpha), so that T_k given z_k is N(z_k, alpha z_k^2).

    Parameters
    ----------
    z : Tensor
        (sample, unit), the clean values.
    alpha : float
        Variance of the factor: rate / (1 - rate), not its root.

    Raises
    ------
    ValueError
        For values that are not finite, or an alpha that is not positive.

    Notes
    -----
    Other inputs can have made a t only where they are 0 at the same units: among them the density decides.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.channels.Scaled(torch.ones(5, 3), 0.25)
    Scaled channel: 5 inputs, 3 units
    """

    def __init__(self, z: Tensor, alpha: float) -> None:
        if not alpha > 0:
            raise ValueError(f"alpha={alpha}; expected a positive variance (at rate 0 there is no noise)")
        self.parameters = self.z = checked_matrix("z", z)
        self.alpha = alpha

    @property
    def zeros(self) -> Tensor:
        """Bool (sample, unit), where a unit is exactly 0."""
        return self.z == 0

    def _taken(self, rows: Tensor) -> Self:
        return type(self)(self.z[rows], self.alpha)

    def _joined(self, others: list[Self]) -> Self:
        return type(self)(torch.cat([self.z, *(other.z for other in others)]), self.alpha)

    def _selected(self, units: Tensor) -> Self:
        return type(self)(self.z[:, units], self.alpha)

    def _drawn(self, generator: torch.Generator | None) -> Tensor:
        noise = torch.randn(self.z.shape, generator=generator, dtype=self.z.dtype, device=self.z.device)
        return self.z * (1 + math.sqrt(self.alpha) * noise)

    def _log_density(self, t: Tensor) -> Tensor:
        weights, offsets, patterns = self._linear
        dense = torch.addmm(offsets, torch.cat([t * t, t], 1), weights)
        if not patterns.any():
            return dense
        same = _hashes((t == 0).to(t))[:, None] == patterns
        return dense.masked_fill_(~same, -math.inf)

    @cached_property
    def _linear(self) -> tuple[Tensor, Tensor, Tensor]:
        """Weights (feature, sample), offsets (sample,), and a number for the pattern of zeros of each sample."""
        zero = self.zeros
        z = self.z.masked_fill(zero, 1.0)
        precision = (1 / (self.alpha * z * z)).masked_fill(zero, 0.0)
        weights = torch.cat([-0.5 * precision, self.z * precision], 1).T.contiguous()
        on = (~zero).to(z)
        # The part of a density that is the same for all inputs with as many zeros is left out.
        offsets = -(on * z.abs().log()).sum(1) - 0.5 / self.alpha * on.sum(1)
        return weights, offsets, _hashes(zero.to(z))

    def _ceiling(self) -> Tensor | None:
        """That of the Gaussian channel, where no unit is ever 0."""
        return None if self.zeros.any() else Normal(self.z, self.alpha * self.z.square()).ceiling()


class Erasure(DensityChannel):
    """Binary dropout: T_k is 0 with probability rate, else h_k / (1 - rate).

    Parameters
    ----------
    h : Tensor
        (sample, unit), the clean values.
    rate : float
        Share of the values that become 0, above 0 and below 1.

    Raises
    ------
    ValueError
        For values that are not finite, or a rate outside of this range.

    Notes
    -----
    T is a set of values that were kept. A value of a continuous unit names its input, so that for continuous
    inputs I(X;T) is infinite; over the samples it is at most log n.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.channels.Erasure(torch.ones(5, 3), 0.5).continuous
    False
    """

    def __init__(self, h: Tensor, rate: float) -> None:
        if not 0 < rate < 1:
            raise ValueError(f"rate={rate}; expected a number above 0 and below 1")
        self.parameters = self.h = checked_matrix("h", h)
        self.rate = rate

    @property
    def continuous(self) -> bool:
        """Whether some unit has another value at more than half of the inputs where it is not 0."""
        kept = [column[column != 0] for column in self.h.T]
        return any(len(values) > 8 and 2 * len(values.unique()) > len(values) for values in kept)

    def _taken(self, rows: Tensor) -> Self:
        return type(self)(self.h[rows], self.rate)

    def _joined(self, others: list[Self]) -> Self:
        return type(self)(torch.cat([self.h, *(other.h for other in others)]), self.rate)

    def _selected(self, units: Tensor) -> Self:
        return type(self)(self.h[:, units], self.rate)

    def _drawn(self, generator: torch.Generator | None) -> Tensor:
        drawn = torch.rand(self.h.shape, generator=generator, dtype=self.h.dtype, device=self.h.device)
        return self.h * (drawn >= self.rate)

    def _log_density(self, t: Tensor) -> Tensor:
        kept = (t != 0).to(t)
        erased = torch.mm(1 - kept, (self.h != 0).to(t).T).mul_(math.log(self.rate))
        agrees = (kept * self._keys_of(t)).sum(1, keepdim=True) == kept @ self._keys
        return erased.masked_fill_(~agrees, -math.inf)

    def _keys_of(self, t: Tensor) -> Tensor:
        """The keys of values that are those of some input."""
        columns = zip(self._tables, t.T.contiguous(), strict=True)
        found = [keys[torch.searchsorted(values, column)] for (values, keys), column in columns]
        return torch.stack(found, 1)

    @cached_property
    def _tables(self) -> list[tuple[Tensor, Tensor]]:
        """The values of each unit, ascending, with 0, and a random key for each."""
        generator = torch.Generator().manual_seed(0)
        values = [torch.cat([column, column.new_zeros(1)]).unique() for column in self.h.T]
        return [(v, torch.randint(1, KEYS, (len(v),), generator=generator).to(v)) for v in values]

    @cached_property
    def _keys(self) -> Tensor:
        return self._keys_of(self.h).T.contiguous()


def _hashes(pattern: Tensor) -> Tensor:
    """A whole number for each row of zeros and ones; rows that differ get the same with probability 2^-40."""
    generator = torch.Generator().manual_seed(0)
    keys = torch.randint(1, KEYS, (pattern.shape[1],), generator=generator).to(pattern)
    return pattern @ keys
