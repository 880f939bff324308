"""A lower end of I(X;T) that holds for any guess of p(t|x): how well a Gaussian finds the input back from t."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from pidnet.channels import Upstream

ROWS = 1024
TEMPERATURES = (0.25, 0.5, 0.7, 1.0, 1.4)


class Bound(NamedTuple):
    """A bound in nats, with the standard error that the samples give it."""

    value: float
    error: float

    @staticmethod
    def of(terms: Tensor, groups: Tensor | None = None) -> Bound:
        """Of the population, from one term a sample; without an error for a single one.

        groups: samples of the same number have noise in common, and count as one for the error.
        """
        mean = terms.mean()
        if groups is None:
            groups = torch.arange(len(terms), device=terms.device)
        _, place = groups.unique(return_inverse=True)
        sums = torch.zeros(int(place.max()) + 1).to(terms).index_add_(0, place, terms - mean)
        free = len(sums) / max(len(sums) - 1, 1)
        return Bound(float(mean), math.sqrt(free * float(sums.square().sum())) / len(terms))


@torch.no_grad()
def critic_bounds(channel: Upstream, y: Tensor, generator: torch.Generator) -> tuple[Bound, Bound]:
    """Lower ends of I(X;T) and I(X;T|Y), in nats.

    The critic is N(mean of the input over the other draws, one covariance for all), at the temperature that is best
    on one half of the rows; the other half is scored. Source: Barber and Agakov, The IM algorithm, 2003.
    """
    n = len(channel)
    drawn = channel.paths.sample(generator).unflatten(0, (channel.draws, n))
    t, others = drawn[0], drawn[1:]
    white_t, white_mean = _whitened(t, others)
    rows = torch.randperm(n, generator=generator, device=t.device)[:ROWS]
    scores = -0.5 * torch.cdist(white_t[rows], white_mean).square()
    inside = scores.masked_fill(y[rows, None] != y, -math.inf)
    size = torch.bincount(y)[y[rows]].to(t)
    whole = _best(scores, rows, torch.full_like(size, math.log(n)), channel.groups)
    return whole, _best(inside, rows, size.log(), channel.groups)


def _whitened(t: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """t and the means of the inputs, where the noise about them is white."""
    mean = others.mean(0)
    rest = (others - mean).flatten(0, 1)
    draws = len(others)
    cov = rest.T @ rest / max((draws - 1) * len(t), 1) * (1 + 1 / draws)
    ridge = cov.diagonal().mean().clamp(min=1e-300) * 1e-6
    root = torch.linalg.cholesky(cov + ridge * torch.eye(len(cov), dtype=cov.dtype, device=cov.device))
    first, second = (torch.linalg.solve_triangular(root, a.T, upper=False).T for a in (t, mean))
    return first, second


def _best(scores: Tensor, rows: Tensor, most: Tensor, groups: Tensor | None) -> Bound:
    """log n + log posterior of the own input, scored where the temperature was not chosen."""
    k, half = torch.arange(len(rows), device=rows.device), len(rows) // 2
    found = [most + torch.log_softmax(scores * heat, 1)[k, rows] for heat in TEMPERATURES]
    best = max(found, key=lambda point: float(point[:half].mean()))[half:]
    return Bound.of(best, None if groups is None else groups[rows[half:]])
