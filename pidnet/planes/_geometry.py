"""Class means and what lies around them, from batches that are read twice: the means first, then the rest.

Everything is float64. C classes that occur, n samples, d units; Sw and Sb are the covariances within and between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Batch = tuple[Tensor, Tensor]
Scores = Callable[[Tensor], Tensor]
Head = nn.Module | Scores | Tensor | tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Centers:
    """labels (C,) ascending; sizes (C,); means (C, d); eps: precision of the features as they came."""

    labels: Tensor
    sizes: Tensor
    means: Tensor
    eps: float


@dataclass(frozen=True)
class Spread:
    """variances (C,): mean squared distance to the own mean; inside: tr(Sw Sb^+); shares of samples, nan without a head."""

    variances: Tensor
    inside: float
    nearest_center: float
    accuracy: float
    agreement: float


def class_centers(batches: Iterable[Batch]) -> Centers:
    """First reading: label, size and mean of each class."""
    sizes: dict[int, int] = {}
    sums: dict[int, Tensor] = {}
    eps = 0.0
    for h, y in batches:
        labels, place, counts = y.unique(return_inverse=True, return_counts=True)
        total = h.new_zeros(len(labels), h.shape[1], dtype=torch.float64).index_add_(0, place, h.double())
        eps = max(eps, torch.finfo(h.dtype).eps)
        for label, count, row in zip(labels.tolist(), counts.tolist(), total, strict=True):
            sizes[label] = sizes.get(label, 0) + count
            sums[label] = sums[label] + row if label in sums else row
    if len(sums) < 2:
        raise ValueError(f"the samples are of {len(sums)} class; neural collapse needs at least 2")
    labels = sorted(sums)
    count = torch.tensor([sizes[label] for label in labels], device=sums[labels[0]].device)
    means = torch.stack([sums[label] for label in labels]) / count[:, None]
    return Centers(torch.tensor(labels, device=means.device), count, means, eps)


def between(centers: Centers) -> tuple[Tensor, Tensor]:
    """Singular values (r,) and directions (d, r) of the class means about their mean, r at most C - 1.

    Taken from the means themselves: a pseudo-inverse of the d x d covariance counts rounding as directions.
    """
    about = centers.means - centers.means.mean(0)
    _, values, rows = torch.linalg.svd(about / len(about) ** 0.5, full_matrices=False)
    size = centers.means.abs().max()
    rank = int((values > centers.eps * max(about.shape) * torch.maximum(values[0], size * 1e-3)).sum())
    rank = min(len(about) - 1, rank)
    if not rank:
        raise ValueError(
            "the class means are all equal (constant features?): there is no geometry to measure"
        )
    return values[:rank], rows[:rank].T


def class_spread(
    batches: Iterable[Batch], centers: Centers, whitening: Tensor, scores: Scores | None
) -> Spread:
    """Second reading: residuals to the own mean, distances to all means, and the answers of the head."""
    squares = torch.zeros_like(centers.sizes, dtype=torch.float64)
    seen, inside, near, right, same = torch.zeros_like(centers.sizes), 0.0, 0, 0, 0
    for h, y in batches:
        place = _places(y, centers.labels)
        wide = h.double()
        residual = wide - centers.means[place]
        squares.index_add_(0, place, residual.square().sum(1))
        seen.index_add_(0, place, torch.ones_like(place))
        inside += float((residual @ whitening).square().sum())
        nearest = centers.labels[_distances(wide, centers.means).argmin(1)]
        near += int((nearest == y).sum())
        if scores is not None:
            answer = scores(h).argmax(1)
            right += int((answer == y).sum())
            same += int((answer == nearest).sum())
    if not torch.equal(seen, centers.sizes):
        raise ValueError("the batches were not the same when they were read again; pass a list of batches")
    n = int(seen.sum())
    judged = (right / n, same / n) if scores is not None else (float("nan"), float("nan"))
    return Spread(squares / seen, inside / n, near / n, *judged)


def cdnv(centers: Centers, spread: Spread) -> dict[str, Any]:
    """Plain, unbiased and of each pair. Classes of one sample have no unbiased variance and are left out there."""
    squares, sizes = _distances(centers.means, centers.means).square(), centers.sizes
    plain = _pair_cdnv(squares, spread.variances)
    several = sizes > 1
    variances = (spread.variances * sizes / (sizes - 1))[several]
    chance = variances / sizes[several]
    unbiased = _pair_cdnv(squares[several][:, several] - chance[:, None] - chance[None], variances)
    return {
        "cdnv": float(plain.nanmean()),
        "cdnv_unbiased": float(unbiased.nanmean()),
        "pair_cdnv": plain.cpu().numpy(),
    }


def mean_angles(about: Tensor) -> tuple[Tensor, dict[str, float]]:
    """Cosines between the class means, and what NC2 makes of norms and angles."""
    count, norms = len(about), about.norm(dim=1)
    gram = about @ about.T
    cosines = gram / (norms[:, None] * norms[None])
    row, column = torch.triu_indices(count, count, 1)
    off = cosines[row, column]
    simplex = torch.eye(count).to(gram) - 1 / count
    return cosines, {
        "equinorm": float(norms.std() / norms.mean()),
        "equiangle": float(off.std(correction=0)),
        "max_angle": float((off + 1 / (count - 1)).abs().mean()),
        "etf": float((unit(gram) - unit(simplex)).norm()),
    }


def unit(matrix: Tensor) -> Tensor:
    """Scaled to norm 1."""
    return matrix / matrix.norm()


def _pair_cdnv(squares: Tensor, variances: Tensor) -> Tensor:
    """(v_a + v_b) / (2 |m_a - m_b|^2), (C, C) with nan on the diagonal; inf where means are not apart."""
    both = variances[:, None] + variances[None]
    found = torch.where(squares > 0, both / (2 * squares), torch.inf)
    return found.fill_diagonal_(torch.nan)


def _distances(a: Tensor, b: Tensor) -> Tensor:
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def _places(y: Tensor, labels: Tensor) -> Tensor:
    """Index of each label; a label of no class is met when batches change between readings."""
    place = torch.searchsorted(labels, y).clamp(max=len(labels) - 1)
    if not torch.equal(labels[place], y):
        raise ValueError("the batches were not the same when they were read again; pass a list of batches")
    return place


def checked_batches(batches: Iterable[tuple[object, object]]) -> Iterator[Batch]:
    """Features (n, d) and labels (n,) of each batch as tensors on one device, or one clear sentence."""
    units = None
    for h, y in batches:
        features, labels = torch.as_tensor(h), torch.as_tensor(y)
        if features.ndim != 2 or 0 in features.shape:
            raise ValueError(
                f"features of shape {tuple(features.shape)}; expected (sample, unit): flatten or pool the other axes"
            )
        if labels.shape != features.shape[:1]:
            raise ValueError(f"{len(features)} rows of features and labels of shape {tuple(labels.shape)}")
        if labels.is_floating_point() or labels.is_complex() or (len(labels) and labels.min() < 0):
            raise ValueError(f"labels are {labels.dtype}; expected class numbers from 0 on, as integers")
        if units not in (None, features.shape[1]):
            raise ValueError(f"a batch has {features.shape[1]} units, those before had {units}")
        units = features.shape[1]
        features = features if features.is_floating_point() else features.double()
        if not torch.isfinite(features).all():
            row = int((~torch.isfinite(features)).any(1).nonzero()[0, 0])
            raise ValueError(f"the features of sample {row} are not finite; leave it out or mend the network")
        yield features.detach(), labels.detach().long().to(features.device)


class Batches:
    """Checked batches that can be read again; a whole is a single batch."""

    def __init__(self, h: Any, y: Any) -> None:
        if isinstance(h, nn.Module):
            raise TypeError("h is a network; pass features, such as those of pn.capture(network, data)")
        self.batches: Iterable[tuple[Any, Any]] = h if y is None else [(h, y)]
        if isinstance(self.batches, Tensor | np.ndarray):
            raise ValueError("y is missing; pass the labels, or batches of features and labels")
        if isinstance(self.batches, Iterator):
            raise ValueError("batches are read twice, a generator once; pass a list or a loader")

    def __iter__(self) -> Iterator[Batch]:
        return checked_batches(self.batches)


def read_head(head: Head | None, centers: Centers) -> tuple[Tensor | None, Scores | None, int]:
    """Weights of the classes that occur if the head is linear, features -> scores, number of outputs."""
    labels, units = centers.labels, centers.means.shape[1]
    if head is None:
        return None, None, int(labels[-1]) + 1
    if isinstance(head, nn.Linear):
        head = (head.weight, torch.zeros(head.out_features) if head.bias is None else head.bias)
    if isinstance(head, Tensor):
        head = (head, head.new_zeros(len(head)))
    if not isinstance(head, tuple):
        return None, torch.no_grad()(head), int(labels[-1]) + 1
    weight, bias = (part.detach().to(centers.means) for part in head)
    if weight.ndim != 2 or weight.shape[1] != units or bias.shape != weight.shape[:1]:
        shapes = f"{tuple(weight.shape)} and a bias {tuple(bias.shape)}"
        raise ValueError(f"the head has weights {shapes}; expected (class, {units}) and (class,)")
    if len(weight) <= labels[-1]:
        raise ValueError(f"the head has {len(weight)} outputs, but a label is {int(labels[-1])}")
    return weight[labels], lambda h: h.to(weight) @ weight.T + bias, len(weight)
