"""Channels whose information is known by integration or counting, and rules that hold exactly, for ``information``."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.integrate
import scipy.stats
import torch

import pidnet as pn
from pidnet.channels import Bernoulli, Normal, Rectified, Scaled

LN2 = math.log(2)


def _counted(likelihood: torch.Tensor) -> float:
    ratio = (likelihood / likelihood.mean(0)).nan_to_num(1)
    return float(torch.xlogy(likelihood, ratio).sum(1).mean()) / LN2


def _integral(density: Callable, low: float, high: float, points: np.ndarray) -> float:
    return scipy.integrate.quad(density, low, high, limit=800, points=list(points))[0]


def exact_channels() -> dict[str, tuple[Callable[[], object], float]]:
    """Channels with a truth by numeric integration or counting, bits."""
    norm = scipy.stats.norm
    points = np.array([-1.5, -0.5, 0.5, 1.5])

    def entropy(density, low, high, at):
        return _integral(lambda t: -density(t) * math.log(max(density(t), 1e-300)), low, high, at)

    found = {}
    for std in (0.2, 1.0):
        h = entropy(lambda t, s=std: norm.pdf(t, points, s).mean(), -20, 20, points)
        truth = (h - 0.5 * math.log(2 * math.pi * math.e * std**2)) / LN2
        mean = torch.tensor(points).repeat(250)[:, None]
        found[f"4 points, noise {std}"] = (lambda m=mean, s=std: Normal(m, s**2)), truth
    z, alpha = np.array([0.5, 1.0, 2.0, -1.0]), 0.5
    h = entropy(lambda t: norm.pdf(t, z, math.sqrt(alpha) * abs(z)).mean(), -15, 15, z)
    dense = (h - np.mean(0.5 * np.log(2 * math.pi * math.e * alpha * z**2))) / LN2
    values = torch.cat([torch.tensor(z).repeat(200), torch.zeros(200).double()])[:, None]
    atoms = 0.8 * dense - 0.2 * math.log2(0.2) - 0.8 * math.log2(0.8)
    found["Gaussian dropout"] = (lambda: Scaled(torch.tensor(z).repeat(250)[:, None], alpha)), dense
    found["Gaussian dropout with an atom"] = (lambda: Scaled(values, alpha)), atoms
    p = torch.rand(5, 3, generator=torch.Generator().manual_seed(0)).double()
    patterns = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * 3)
    truth = _counted(torch.stack([(p * t + (1 - p) * (1 - t)).prod(1) for t in patterns], 1))
    found["3 binary units"] = (lambda: Bernoulli(p.repeat(200, 1).log())), truth
    means, std = np.array([-1.0, -0.2, 0.4, 1.5]), 0.6
    zero = norm.cdf(-means / std)

    def density(t):
        q = norm.pdf(t, means, std)
        return np.mean(q * np.log(np.maximum(q, 1e-300) / q.mean()))

    truth = (_integral(density, 0, 8, means[2:]) + np.mean(zero * np.log(zero / zero.mean()))) / LN2
    found["rectified"] = (lambda: Rectified(torch.tensor(means).repeat(250)[:, None], std**2)), truth
    return found


def rules() -> dict[str, float]:
    """What must not change the numbers, and geometry that is known: the largest differences."""
    g = torch.Generator().manual_seed(0)
    mean, y = torch.randn(1000, 6, generator=g).double(), torch.randint(4, (1000,), generator=g)
    order, scale = torch.randperm(1000, generator=g), torch.rand(6, generator=g).double() + 0.5
    plain, scaled = (
        pn.channel_information(Normal(mean * by, by**2), y, draws=1) for by in (torch.ones(6).double(), scale)
    )
    moved = pn.channel_information(Normal(mean * scale + 3, scale**2), y, draws=1)
    ceilings = [float(Normal(part, 1.0).ceiling().mean()) for part in (mean, mean[order])]
    simplex = torch.eye(6).double() - 1 / 6
    h = torch.randn(600, 20, generator=g).double().exp() + 3 * torch.eye(20)[torch.arange(600) % 5]
    wide, narrow = (pn.neural_collapse(part, torch.arange(600) % 5) for part in (h, h.float()))
    return {
        "scaled with its noise": abs(plain["I(X;T)"].value - scaled["I(X;T)"].value),
        "scaled and moved": abs(plain["I(X;T)"].value - moved["I(X;T)"].value),
        "upper end, inputs in another order": abs(ceilings[0] - ceilings[1]),
        "perfect simplex": pn.neural_collapse(simplex.repeat(3, 1), torch.arange(18) % 6).etf,
        "NC1 in float32": abs(narrow.nc1 / wide.nc1 - 1),
    }
