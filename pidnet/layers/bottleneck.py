"""Noise that a network learns: a Gaussian code with mean and variance of the input, and information dropout."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.distributions import Normal

from pidnet import channels
from pidnet.arguments import check_arguments

LEAST_STD = 1e-4


class _GaussianCode(nn.Module):
    """What the layer outputs, or a one-to-one function of it, is Gaussian given the input: ``encode``."""

    def encode(self, h: Tensor) -> Normal:
        raise NotImplementedError

    def channel(self, h: Tensor) -> channels.Normal:
        """The channel of what ``encode`` gives, for ``pn.channel_information``.

        Parameters
        ----------
        h : Tensor
            (sample, unit), what the layer reads.

        Returns
        -------
        channels.Normal
            N(mean, std^2), in float64 and without gradient. A one-to-one function of the code carries the same
            information.

        Raises
        ------
        ValueError
            For values that are not finite.
        """
        code = self.encode(h)
        return channels.Normal(code.mean, code.stddev.detach().double().square())


class Bottleneck(_GaussianCode):
    """A stochastic code: z = mean(h) + std(h) e, with e ~ N(0, 1) for each sample and unit, also in eval mode.

    Mean and standard deviation are linear in h, the latter through a softplus. With ``classes`` there is a backward
    encoder b(z|y) beside it, a Gaussian for each class, which the conditional entropy bottleneck trains.

    Parameters
    ----------
    inputs : int
        Units of h.
    latent : int
        Units of the code.
    classes : int, optional
        Classes of the backward encoder; none by default.

    Raises
    ------
    ValueError
        For numbers below 1.

    Notes
    -----
    Sources: Alemi et al., Deep variational information bottleneck, 2017; Fischer, The conditional entropy
    bottleneck, 2020.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> layer = pn.layers.Bottleneck(8, latent=2, classes=3)
    >>> layer(torch.zeros(5, 8)).shape, layer.channel(torch.zeros(5, 8))
    (torch.Size([5, 2]), Normal channel: 5 inputs, 2 units)
    """

    def __init__(self, inputs: int, latent: int = 32, classes: int | None = None) -> None:
        super().__init__()
        check_arguments(Bottleneck.__init__, locals())
        for name, size in (("inputs", inputs), ("latent", latent), ("classes", classes)):
            if size is not None and size < 1:
                raise ValueError(f"{name}={size}; expected at least 1")
        self.latent, self.classes = latent, classes
        self.code = nn.Linear(inputs, 2 * latent)
        if classes is not None:
            self.class_mean = nn.Parameter(0.1 * torch.randn(classes, latent))
            self.class_spread = nn.Parameter(torch.zeros(classes, latent))

    def encode(self, h: Tensor) -> Normal:
        """The distribution e(z|h) of the code.

        Parameters
        ----------
        h : Tensor
            (sample, unit).

        Returns
        -------
        torch.distributions.Normal
            (sample, latent); ``rsample()`` draws from it.
        """
        mean, spread = self.code(h).chunk(2, -1)
        return _normal(mean, spread)

    def backward_encoder(self) -> Normal:
        """The distribution b(z|y) of the code given the class.

        Returns
        -------
        torch.distributions.Normal
            (class, latent).

        Raises
        ------
        ValueError
            For a bottleneck without ``classes``.
        """
        if self.classes is None:
            raise ValueError("this bottleneck has no backward encoder; make it with classes=")
        return _normal(self.class_mean, self.class_spread)

    def forward(self, h: Tensor) -> Tensor:
        """Draw a code for each sample.

        Parameters
        ----------
        h : Tensor
            (sample, unit).

        Returns
        -------
        Tensor
            (sample, latent).
        """
        return self.encode(h).rsample()


class InformationDropout(_GaussianCode):
    """Multiplicative noise that the network learns: t = h e with log e ~ N(0, v(h)), also in eval mode.

    Parameters
    ----------
    units : int
        Units of h, whose values are above 0: put the layer behind a softplus or a sigmoid.
    largest : float
        Upper end of the variance v of log e: a variance, the square of the largest standard deviation, 0.7 by default.

    Raises
    ------
    ValueError
        For a largest variance that is not positive.

    Notes
    -----
    log T given h is N(log h, v(h)), so the channel of log T is Gaussian and carries the same information. ``rate``
    is the KL divergence to a log-normal prior with a learned location and spread for each unit: an upper bound of
    I(X;T) when averaged, in nats.
    Source: Achille and Soatto, Information dropout, 2018, which writes alpha for the standard deviation; the alpha of
    variational dropout is a variance.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.layers.InformationDropout(3)(torch.ones(5, 3)).shape
    torch.Size([5, 3])
    """

    def __init__(self, units: int, largest: float = 0.49) -> None:
        super().__init__()
        check_arguments(InformationDropout.__init__, locals())
        if units < 1 or not 0 < largest < float("inf"):
            raise ValueError(
                f"units={units}, largest={largest}; expected a unit or more and a positive variance"
            )
        self.largest = largest
        self.noise = nn.Linear(units, units)
        self.prior_mean = nn.Parameter(torch.zeros(units))
        self.prior_spread = nn.Parameter(torch.zeros(units))

    def variance(self, h: Tensor) -> Tensor:
        """Variance of log e.

        Parameters
        ----------
        h : Tensor
            (sample, unit).

        Returns
        -------
        Tensor
            (sample, unit), above 0 and at most ``largest``.
        """
        return LEAST_STD**2 + (self.largest - LEAST_STD**2) * torch.sigmoid(self.noise(h))

    def encode(self, h: Tensor) -> Normal:
        """The distribution of log t, which carries the same information as t.

        Parameters
        ----------
        h : Tensor
            (sample, unit), above 0.

        Returns
        -------
        torch.distributions.Normal
            N(log h, v(h)), (sample, unit).

        Raises
        ------
        ValueError
            For values that are not above 0.
        """
        if not (h > 0).all():
            raise ValueError(
                f"a value is {float(h.min()):.3g}; information dropout needs values above 0: put a softplus before it"
            )
        return Normal(h.log(), self.variance(h).sqrt(), validate_args=False)

    def rate(self, h: Tensor) -> Tensor:
        """KL divergence of p(t|h) from the prior.

        Parameters
        ----------
        h : Tensor
            (sample, unit), above 0.

        Returns
        -------
        Tensor
            (sample,), nats.
        """
        prior = _normal(self.prior_mean, self.prior_spread)
        return torch.distributions.kl_divergence(self.encode(h), prior).sum(-1)

    def forward(self, h: Tensor) -> Tensor:
        """Multiply each value by log-normal noise, whose size the input decides.

        Parameters
        ----------
        h : Tensor
            (sample, unit).

        Returns
        -------
        Tensor
            Noisy values, of the same shape.
        """
        return self.encode(h).rsample().exp()


def _normal(mean: Tensor, spread: Tensor) -> Normal:
    return Normal(mean, nn.functional.softplus(spread) + LEAST_STD, validate_args=False)
