"""Mean-field Bayesian layers: each weight is Gaussian, w ~ N(mean, std^2), drawn anew at every pass.

Linear and convolutional layers draw their outputs for each sample by itself (local reparametrization):
given its input, a unit is N(mean * x + b, std^2 * x^2). The bias is not random.
Sources: Blundell et al., Weight uncertainty in neural networks, 2015; Kingma et al., Variational dropout and
the local reparameterization trick, 2015.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class BayesianLinear(nn.Linear):
    """A linear layer with Gaussian weights; ``weight`` holds their means."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True, *, std: float = 0.05) -> None:
        super().__init__(inputs, outputs, bias)
        self.log_std = _log_std(self.weight, std)

    def forward(self, input: Tensor) -> Tensor:
        mean = nn.functional.linear(input, self.weight, self.bias)
        return _draw(mean, nn.functional.linear(input**2, (2 * self.log_std).exp()))


class BayesianConv1d(nn.Conv1d):
    """A 1-D convolution with Gaussian weights; arguments of nn.Conv1d, and ``std`` to begin with."""

    def __init__(self, *args, std: float = 0.05, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.log_std = _log_std(self.weight, std)

    def forward(self, input: Tensor) -> Tensor:
        return _draw_convolution(self, self.log_std, input)


class BayesianConv2d(nn.Conv2d):
    """A 2-D convolution with Gaussian weights; arguments of nn.Conv2d, and ``std`` to begin with."""

    def __init__(self, *args, std: float = 0.05, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.log_std = _log_std(self.weight, std)

    def forward(self, input: Tensor) -> Tensor:
        return _draw_convolution(self, self.log_std, input)


def _draw_convolution(conv: nn.Conv1d | nn.Conv2d, log_std: Tensor, x: Tensor) -> Tensor:
    """Mean and variance of a random convolution are convolutions of x and x^2."""
    mean = conv._conv_forward(x, conv.weight, conv.bias)
    return _draw(mean, conv._conv_forward(x**2, (2 * log_std).exp(), None))


class MeanField(nn.Module):
    """Gaussian weights as a parametrization of any tensor, one draw for the whole batch.

    For recurrent cells, whose weights must stay the same over the steps of a sequence:
    ``register_parametrization(cell, "weight_hh", MeanField(cell.weight_hh))``.
    """

    def __init__(self, weight: Tensor, *, std: float = 0.05) -> None:
        super().__init__()
        self.log_std = _log_std(weight, std)

    def forward(self, mean: Tensor) -> Tensor:
        return mean + self.log_std.exp() * torch.randn_like(mean)


def kl_divergence(model: nn.Module, *, prior: float = 0.3) -> Tensor:
    """Sum over all Gaussian weights of KL(N(mean, std^2) || N(0, prior^2)), nats; 0 without such weights.

    = sum log(prior / std) + (std^2 + mean^2) / (2 prior^2) - 1/2.
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


def _log_std(weight: Tensor, std: float) -> nn.Parameter:
    if not std > 0:
        raise ValueError(f"std={std}; expected a positive number")
    return nn.Parameter(torch.full_like(weight.detach(), std).log())


def _draw(mean: Tensor, variance: Tensor) -> Tensor:
    # The floor keeps the gradient of the root finite where the input is all zero.
    return mean + variance.clamp(min=1e-12).sqrt() * torch.randn_like(mean)
