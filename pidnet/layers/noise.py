"""Noise that stays on in eval mode: the network is a noisy channel, in use as in training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pidnet.arguments import check_arguments
from pidnet.channels import Erasure, Normal, Scaled


class GaussianNoise(nn.Module):
    """Additive Gaussian noise: t = h + std e, with e ~ N(0, 1) for each sample and unit.

    Parameters
    ----------
    std : float
        Standard deviation of the noise.

    Raises
    ------
    ValueError
        For a ``std`` that is not positive.

    Notes
    -----
    I(T;H) = 1/2 log2(1 + var(h) / std^2) bits for each unit when h is Gaussian.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.layers.GaussianNoise(0.5)(torch.zeros(4, 3)).shape
    torch.Size([4, 3])
    """

    def __init__(self, std: float = 0.1) -> None:
        super().__init__()
        check_arguments(GaussianNoise.__init__, locals())
        if not 0 < std < float("inf"):
            raise ValueError(f"std={std}; expected a positive number")
        self.std = std

    def forward(self, h: Tensor) -> Tensor:
        """Add normal noise of one size to every value.

        Parameters
        ----------
        h : Tensor
            Values of the units, any shape.

        Returns
        -------
        Tensor
            Noisy values, of the same shape.
        """
        return h + self.std * torch.randn_like(h)

    def channel(self, h: Tensor) -> Normal:
        """The law of the noisy values given the clean ones: normal, as wide everywhere.

        Parameters
        ----------
        h : Tensor
            Clean values, (sample, unit); further axes are flattened.

        Returns
        -------
        Normal
            N(h, std^2) of each unit.

        Raises
        ------
        ValueError
            For values that are not finite.
        """
        return Normal(h, self.std**2)


class BinaryDropout(nn.Module):
    """Dropout that stays on: t = h b / (1 - rate), with b ~ Bernoulli(1 - rate) for each sample and unit.

    Parameters
    ----------
    rate : float
        Share of the values that become 0, from 0 to below 1.

    Raises
    ------
    ValueError
        For a rate out of this range.

    Notes
    -----
    An erasure channel, which passes the share 1 - rate of the information of a unit that is never 0.
    Source: Srivastava et al., Dropout, 2014.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.layers.BinaryDropout(0.5)(torch.ones(100)).unique()
    tensor([0., 2.])
    """

    def __init__(self, rate: float = 0.1) -> None:
        super().__init__()
        check_arguments(BinaryDropout.__init__, locals())
        self.rate = _checked_rate(rate)

    def forward(self, h: Tensor) -> Tensor:
        """Erase values at random and scale the others up.

        Parameters
        ----------
        h : Tensor
            Values of the units, any shape.

        Returns
        -------
        Tensor
            Values, the kept ones scaled by 1 / (1 - rate), of the same shape.
        """
        kept = torch.rand_like(h) >= self.rate
        return torch.where(kept, h / (1 - self.rate), 0.0)

    def channel(self, h: Tensor) -> Erasure:
        """The law of the outputs given the clean values: each is erased or passes.

        Parameters
        ----------
        h : Tensor
            Clean values, (sample, unit); further axes are flattened.

        Returns
        -------
        Erasure
            The scale 1 / (1 - rate), which changes no information, is left out.

        Raises
        ------
        ValueError
            For values that are not finite, or a rate of 0, which has no noise.
        """
        return Erasure(h, self.rate)


class GaussianDropout(nn.Module):
    """Multiplicative Gaussian noise: t = h e, with e ~ N(1, rate / (1 - rate)) for each sample and unit.

    Parameters
    ----------
    rate : float
        Rate of the binary dropout with the same mean and variance, from 0 to below 1.

    Raises
    ------
    ValueError
        For a rate out of this range.

    Notes
    -----
    Source: Srivastava et al., Dropout, 2014, section 10.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.layers.GaussianDropout(0.0)(torch.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, rate: float = 0.1) -> None:
        super().__init__()
        check_arguments(GaussianDropout.__init__, locals())
        self.rate = _checked_rate(rate)

    def forward(self, h: Tensor) -> Tensor:
        """Multiply every value by a normal factor around 1.

        Parameters
        ----------
        h : Tensor
            Values of the units, any shape.

        Returns
        -------
        Tensor
            Noisy values, of the same shape.
        """
        return h * (1 + (self.rate / (1 - self.rate)) ** 0.5 * torch.randn_like(h))

    def channel(self, h: Tensor) -> Scaled:
        """The law of the outputs given the clean values: normal, as wide as the value is large.

        Parameters
        ----------
        h : Tensor
            Clean values, (sample, unit); further axes are flattened.

        Returns
        -------
        Scaled
            N(h, alpha h^2) with alpha = rate / (1 - rate), and an atom where h is 0.

        Raises
        ------
        ValueError
            For values that are not finite, or a rate of 0, which has no noise.
        """
        return Scaled(h, self.rate / (1 - self.rate))


def _checked_rate(rate: float) -> float:
    if not 0 <= rate < 1:
        raise ValueError(f"rate={rate}; expected a number from 0 to below 1")
    return rate
