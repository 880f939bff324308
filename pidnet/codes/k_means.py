"""Cells of vector units (attention heads, groups of channels): k-means on all of their dimensions."""

from __future__ import annotations

import torch
from torch import Tensor


def k_means(values: Tensor, levels: int) -> Tensor:
    """Centers of the cells of vector units: (sample, unit, dim) -> (unit, levels, dim).

    Lloyd's algorithm, 25 sweeps, from the samples at equal ranks along the first principal axis: no chance
    in it. A cell that loses all its samples keeps its center.
    """
    vectors = values.transpose(0, 1)
    centers = torch.stack([_spread_samples(unit, levels) for unit in vectors])
    for _ in range(25):
        nearest = torch.cdist(vectors, centers).argmin(-1)
        member = torch.nn.functional.one_hot(nearest, levels).to(values)
        size = member.sum(1).unsqueeze(-1)
        centers = torch.where(size > 0, member.transpose(1, 2) @ vectors / size.clamp(min=1), centers)
    return centers


def _spread_samples(values: Tensor, levels: int) -> Tensor:
    """Samples (levels, dim) in the middle of equal shares along the first principal axis of (sample, dim)."""
    axis = torch.linalg.eigh((values - values.mean(0)).T @ (values - values.mean(0))).eigenvectors[:, -1]
    ranks = (torch.arange(levels) * 2 + 1) * len(values) // (2 * levels)
    return values[(values @ axis).argsort()[ranks]]


def nearest_center(values: Tensor, centers: Tensor) -> Tensor:
    """The cell that each vector falls into: (sample, unit, dim) and (unit, cell, dim) -> int (sample, unit)."""
    return torch.cdist(values.transpose(0, 1).contiguous(), centers).argmin(-1).T
