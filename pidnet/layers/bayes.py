"""Mean-field Bayesian layers: each weight is Gaussian, w ~ N(mean, std^2), drawn anew at every pass.

Linear and convolutional layers draw their outputs for each sample by itself (local reparametrization):
given its input, a unit is N(mean * x + b, std^2 * x^2). The bias is not random.
Sources: Blundell et al., Weight uncertainty in neural networks, 2015; Kingma et al., Variational dropout and
the local reparameterization trick, 2015.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from pidnet.channels import Normal
from pidnet.layers.mean_field import MeanField, initial_log_std, moments


class _GaussianWeights:
    """A layer with Gaussian weights draws its outputs, independent given its input."""

    log_std: nn.Parameter

    def forward(self, input: Tensor) -> Tensor:
        """Draw outputs, with mean weight * x + b and variance std^2 * x^2.

        Parameters
        ----------
        input : Tensor
            Input of the layer, with the shape that torch's layer without noise takes.

        Returns
        -------
        Tensor
            One draw of the outputs for every sample.
        """
        mean, variance = self._moments(input)
        return mean + variance.sqrt() * torch.randn_like(mean)

    def channel(self, input: Tensor) -> Normal:
        """The law of the outputs given the input, over the draws of the weights: normal.

        Parameters
        ----------
        input : Tensor
            Input of the layer, without noise.

        Returns
        -------
        Normal
            N(weight * x + b, std^2 * x^2) of each unit, at each place of the input.

        Raises
        ------
        ValueError
            For values that are not finite.
        """
        return Normal(*self._moments(input))

    def _moments(self, x: Tensor) -> tuple[Tensor, Tensor]:
        layer = cast(Any, self)
        return moments(layer, x, layer.weight, self.log_std)


class BayesianLinear(_GaussianWeights, nn.Linear):
    """A linear layer with Gaussian weights; ``weight`` holds their means.

    Parameters
    ----------
    inputs, outputs : int
        Number of features that come in, and of units.
    bias : bool
        Whether a bias is added; it is not random.
    std : float
        Standard deviation of the weights to begin with; it is trained.

    Raises
    ------
    ValueError
        For a ``std`` that is not positive.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> layer = pn.layers.BayesianLinear(3, 2)
    >>> layer(torch.ones(5, 3)).shape
    torch.Size([5, 2])
    """

    def __init__(self, inputs: int, outputs: int, bias: bool = True, *, std: float = 0.05) -> None:
        super().__init__(inputs, outputs, bias)
        self.log_std = initial_log_std(self.weight, std)


class _GaussianKernels(_GaussianWeights):
    """Before torch's convolution in the order of bases, whose arguments it passes on."""

    def __init__(self, *args: Any, std: float = 0.05, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.log_std = initial_log_std(cast(Any, self).weight, std)


class BayesianConv1d(_GaussianKernels, nn.Conv1d):
    """A 1-D convolution with Gaussian weights; ``weight`` holds their means.

    Parameters
    ----------
    *args, **kwargs
        Arguments of ``nn.Conv1d``.
    std : float
        Standard deviation of the weights to begin with; it is trained.

    Raises
    ------
    ValueError
        For a ``std`` that is not positive.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.layers.BayesianConv1d(2, 4, 3)(torch.zeros(5, 2, 8)).shape
    torch.Size([5, 4, 6])
    """


class BayesianConv2d(_GaussianKernels, nn.Conv2d):
    """A 2-D convolution with Gaussian weights; ``weight`` holds their means.

    Parameters
    ----------
    *args, **kwargs
        Arguments of ``nn.Conv2d``.
    std : float
        Standard deviation of the weights to begin with; it is trained.

    Raises
    ------
    ValueError
        For a ``std`` that is not positive.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.layers.BayesianConv2d(2, 4, 3)(torch.zeros(5, 2, 8, 8)).shape
    torch.Size([5, 4, 6, 6])
    """


def kl_divergence(model: nn.Module, *, prior: float = 0.3) -> Tensor:
    """Divergence of all Gaussian weights of a model from their prior, in nats.

    Parameters
    ----------
    model : nn.Module
        Any model; layers without Gaussian weights count nothing.
    prior : float
        Standard deviation of the prior, whose mean is 0.

    Returns
    -------
    Tensor
        The sum, a scalar; 0 for a model without Gaussian weights.

    Notes
    -----
    KL(N(mean, std^2) || N(0, prior^2)) = log(prior / std) + (std^2 + mean^2) / (2 prior^2) - 1/2.

    Examples
    --------
    >>> import pidnet as pn
    >>> from torch import nn
    >>> float(pn.layers.kl_divergence(nn.Linear(2, 2)))
    0.0
    """
    total = torch.zeros(())
    for mean, log_std in _gaussian_weights(model):
        spread = ((2 * log_std).exp() + mean**2) / (2 * prior**2)
        total = total + (torch.log(torch.tensor(prior)) - log_std + spread - 0.5).sum()
    return total


def _gaussian_weights(model: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Means and logarithms of the standard deviations."""
    pairs = []
    for module in model.modules():
        if isinstance(module, BayesianLinear | BayesianConv1d | BayesianConv2d):
            pairs.append((module.weight, module.log_std))
        elif isinstance(module, nn.utils.parametrize.ParametrizationList):
            pairs += [(module.original, part.log_std) for part in module if isinstance(part, MeanField)]
    return pairs
