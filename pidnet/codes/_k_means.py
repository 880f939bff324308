"""Cells of vector units (attention heads, groups of channels): k-means on all of their dimensions."""

from __future__ import annotations

import torch
from torch import Tensor


def k_means(values: Tensor, levels: int) -> Tensor:
    """Cells of vector units around the centers of k-means.

    Parameters
    ----------
    values : Tensor
        Activations of vector units, float (sample, unit, dim).
    levels : int
        How many cells each unit gets.

    Returns
    -------
    Tensor
        The center of each cell, (unit, levels, dim).

    Notes
    -----
    Lloyd's algorithm, 25 sweeps, from the samples at equal ranks along the first principal axis: no chance in
    it. A cell that loses all its samples keeps its center.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> heads = torch.tensor([[[0.0, 0.0]], [[0.0, 1.0]], [[9.0, 9.0]], [[9.0, 8.0]]])
    >>> pn.quantizers.k_means(heads, 2)[0].sort(0).values
    tensor([[0.0000, 0.5000],
            [9.0000, 8.5000]])
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
    ranks = (torch.arange(levels, device=values.device) * 2 + 1) * len(values) // (2 * levels)
    return values[(values @ axis).argsort()[ranks]]


def nearest_center(values: Tensor, centers: Tensor) -> Tensor:
    """The cell that each vector falls into: (sample, unit, dim) and (unit, cell, dim) -> int (sample, unit)."""
    return torch.cdist(values.transpose(0, 1).contiguous(), centers).argmin(-1).T
