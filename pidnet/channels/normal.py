"""Gaussian noise: on a unit, and before a ReLU.

Row sums over units become one matrix product: log p(t | x_j) = features(t) . weights_j + offset_j.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Self

import torch
from torch import Tensor

from pidnet.channels.binary import Bernoulli
from pidnet.channels.channel import DensityChannel, checked_matrix

SAMPLES_PER_DIRECTION = 5


class Normal(DensityChannel):
    """T_k given x_j is N(mean_jk, variance_jk), independent over the units k.

    Parameters
    ----------
    mean : Tensor
        (sample, unit); further axes are flattened.
    variance : float or Tensor
        One number, one for each unit (unit,), or one for each sample and unit: the square of the standard
        deviation.

    Raises
    ------
    ValueError
        For a mean that is not finite, or a variance that is not positive or does not fit it.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.channels.Normal(torch.zeros(5, 3), 0.1)
    Normal channel: 5 inputs, 3 units
    """

    def __init__(self, mean: Tensor, variance: float | Tensor) -> None:
        self.parameters = self.mean = checked_matrix("mean", mean)
        self.variance = _checked_variance(self.mean, variance)

    @staticmethod
    def whitened(mean: Tensor, covariance: Tensor) -> Normal:
        """The channel of correlated noise, as one of independent units with the same information.

        Parameters
        ----------
        mean : Tensor
            (sample, unit).
        covariance : Tensor
            (unit, unit) of the noise, the same for all inputs. Directions without noise are left out.

        Returns
        -------
        Normal
            Of the coordinates covariance^(-1/2) T.

        Raises
        ------
        ValueError
            Where the mean varies in a direction without noise: the information is infinite there.
        """
        mean = checked_matrix("mean", mean)
        values, vectors = torch.linalg.eigh(covariance.to(mean))
        noisy = values > values.amax().clamp(min=1e-300) * 1e-10
        rest = (mean - mean.mean(0)) @ vectors[:, ~noisy]
        if rest.numel() and rest.abs().amax() > 1e-5 * mean.abs().amax().clamp(min=1e-300):
            raise ValueError(
                "the mean varies in a direction without noise, so that I(X;T) is infinite for continuous inputs; "
                "add noise there"
            )
        return Normal(mean @ (vectors[:, noisy] / values[noisy].sqrt()), 1.0)

    def rectified(self) -> Rectified:
        """The channel of relu(T).

        Returns
        -------
        Rectified
            Of the same inputs and units.
        """
        return Rectified(self.mean, self.variance)

    def signs(self) -> Bernoulli:
        """The channel of the signs of T, as ``layers.Sign`` gives them.

        Returns
        -------
        Bernoulli
            p(T >= 0) of the same inputs and units.
        """
        ratio = self.mean / self.variance.sqrt()
        return Bernoulli(torch.special.log_ndtr(ratio), torch.special.log_ndtr(-ratio))

    def _taken(self, rows: Tensor) -> Self:
        return type(self)(self.mean[rows], self.variance if self._common else self.variance[rows])

    def _joined(self, others: list[Self]) -> Self:
        every = [self, *others]
        mean = torch.cat([channel.mean for channel in every])
        if all(channel._common and torch.equal(channel.variance, self.variance) for channel in every):
            return type(self)(mean, self.variance)
        return type(self)(mean, torch.cat([channel.variance.expand_as(channel.mean) for channel in every]))

    def _selected(self, units: Tensor) -> Self:
        return type(self)(self.mean[:, units], self.variance[..., units])

    def _drawn(self, generator: torch.Generator | None) -> Tensor:
        noise = torch.randn(
            self.mean.shape, generator=generator, dtype=self.mean.dtype, device=self.mean.device
        )
        return self.mean + self.variance.sqrt() * noise

    def _log_density(self, t: Tensor) -> Tensor:
        weights, offsets = self._linear
        t = t - self._center
        features = t * self.variance.rsqrt() if self._common else torch.cat([t * t, t], 1)
        return torch.addmm(offsets, features, weights)

    @property
    def _common(self) -> bool:
        """Whether all inputs have the same noise."""
        return self.variance.ndim == 1

    @cached_property
    def _center(self) -> Tensor:
        return self.mean.mean(0)

    @cached_property
    def _linear(self) -> tuple[Tensor, Tensor]:
        """Weights (feature, sample) and offsets (sample,) of the log density."""
        mean, precision = self.mean - self._center, 1 / self.variance
        if self._common:
            scaled = mean * precision.sqrt()
            return scaled.T.contiguous(), -0.5 * scaled.square().sum(1)
        weights = torch.cat([-0.5 * precision, mean * precision], 1).T.contiguous()
        return weights, -0.5 * (mean.square() * precision + self.variance.log()).sum(1)

    def _ceiling(self) -> Tensor | None:
        """Gaussians have the most entropy: I(X;T) <= 1/2 [log det Cov T - E sum_k log variance_k]."""
        mean = self.mean - self._center
        variance = self.variance.expand_as(mean)
        root, fault = torch.linalg.cholesky_ex(
            mean.T @ mean / max(len(self) - 1, 1) + variance.mean(0).diag_embed()
        )
        white = torch.linalg.solve_triangular(root, mean.T, upper=False).T
        size = white.square().sum(1)
        if fault or len(self) < SAMPLES_PER_DIRECTION * max(float(size.mean()), 1):
            return None
        inverse = torch.cholesky_inverse(root).diagonal()
        surprise = 0.5 * (size + variance @ inverse)
        spread = (white.T @ white / len(self)).square().sum()
        shift = float(size.square().mean() - spread) / (4 * len(self))
        entropy = root.diagonal().log().sum() + shift
        return entropy + surprise - surprise.mean() - 0.5 * variance.log().sum(1)


class Rectified(Normal):
    """T_k = max(0, N(mean, variance)): an atom at 0 with mass Phi(-mean / std), and a density above it.

    Parameters
    ----------
    mean, variance : Tensor
        Of the values before the ReLU, as for ``Normal``.

    Notes
    -----
    Its information is at most that before the ReLU, so ``ceiling`` is that of ``Normal``.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> channel = pn.channels.Rectified(torch.zeros(3, 2), torch.ones(3, 2))
    >>> bool((channel.sample() >= 0).all())
    True
    """

    def _drawn(self, generator: torch.Generator | None) -> Tensor:
        return super()._drawn(generator).relu()

    def _log_density(self, t: Tensor) -> Tensor:
        weights, offsets = self._linear
        return torch.addmm(offsets, torch.cat([t * t, t, (t == 0).to(t)], 1), weights)

    @cached_property
    def _linear(self) -> tuple[Tensor, Tensor]:
        variance = self.variance.expand_as(self.mean)
        precision = 1 / variance
        active = -0.5 * (self.mean.square() * precision + variance.log())
        # A density has the factor 1 / sqrt(2 pi) that an atom has not.
        atom = torch.special.log_ndtr(-self.mean * precision.sqrt()) + 0.5 * math.log(2 * math.pi)
        weights = torch.cat([-0.5 * precision, self.mean * precision, atom - active], 1)
        return weights.T.contiguous(), active.sum(1)


def _checked_variance(mean: Tensor, variance: float | Tensor) -> Tensor:
    """One variance a unit, or one a sample and unit, as float64."""
    found = torch.as_tensor(variance, dtype=mean.dtype, device=mean.device).detach()
    if found.ndim > 2 and len(found) == len(mean):
        found = found.flatten(1)
    if found.ndim > 2 or (found.ndim and found.shape not in (mean.shape, mean.shape[1:])):
        raise ValueError(
            f"variance has shape {tuple(found.shape)} but mean {tuple(mean.shape)}; expected one number, one a "
            "unit, or one a sample and unit"
        )
    if not (found.isfinite().all() and (found > 0).all()):
        raise ValueError(
            f"variance has the value {float(found.min())}; expected finite numbers above 0 (a layer without noise "
            "has no density)"
        )
    return found.expand(mean.shape[1]) if found.ndim < 2 else found
