"""Discrete labels: sources that are Gaussian within each class.

A one-hot label in ``decompose_gaussian`` sees means only, through a linear fit, and can exceed the entropy of
the label. Here each class has its own mean and covariance and I(C;X) <= H(C) holds. Use this where units look
Gaussian within a class (pre-activations, smooth activations); units that are constant in some class, such as
ReLU units off for it, have no density and are refused: quantize those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from pidnet.activations import Activations
from pidnet.measures.atoms import Atoms, complete_lattice
from pidnet.tables.covariances import Group, group_index

REPLICATES = 8
BLOCK = 64


@dataclass(frozen=True, eq=False)
class ClassConditionals:
    """Gaussian sources within each class.

    weight: (class,), sums to 1. mean: (pair, class, x1 + x2). cov: (pair, class, x1 + x2, x1 + x2).
    dims: sizes of the two sources.
    """

    weight: np.ndarray
    mean: np.ndarray
    cov: np.ndarray
    dims: tuple[int, int]


def class_conditionals(
    activations: Activations, layer: str, groups: Sequence[tuple[Group, Group]]
) -> ClassConditionals:
    """Means and covariances of pairs of groups of units within each class of the target.

    groups: as for ``pidnet.tables.covariances.group_covariances``; ([i], [j]) is a pair of units.
    Raises ValueError for a target that is not classes, a class with too few samples, or units that are
    constant or linearly dependent within a class.
    """
    label, unit_SU = activations.target.numpy(), activations.layers[layer].numpy().astype(np.float64)
    if label.ndim != 1 or not np.issubdtype(label.dtype, np.integer):
        raise ValueError(
            f"the target has shape {label.shape} and type {label.dtype}; expected integer classes"
        )
    if unit_SU.ndim != 2:
        raise ValueError(
            f"units of layer {layer!r} are vectors; the mixture takes scalar units, layer_maps takes vectors"
        )
    chosen, dims = group_index(groups, unit_SU.shape[1])
    classes, counts = np.unique(label, return_counts=True)
    if counts.min() <= sum(dims):
        raise ValueError(
            f"class {classes[counts.argmin()]} has {counts.min()} samples; {sum(dims)} units need more"
        )
    means, covs = zip(*(_moments(unit_SU[label == y], chosen, y) for y in classes), strict=True)
    return ClassConditionals(counts / counts.sum(), np.stack(means, 1), np.stack(covs, 1), dims)


def mixture_i_mmi(sources: ClassConditionals, *, points: int = 256, seed: int = 0) -> Atoms:
    """R = min( I(C;X1), I(C;X2) ) about a label C, with I(C;X) of Gaussian mixtures.

    ``gap``: three standard errors of the least exact of the three informations (``mixture_information``).
    """
    first = sources.dims[0]
    values, errors = [], []
    for part in (slice(None, first), slice(first, None), slice(None)):
        mean, cov = sources.mean[..., part], sources.cov[..., part, part]
        value, error = mixture_information(sources.weight, mean, cov, points=points, seed=seed)
        values.append(value)
        errors.append(error)
    redundancy = np.minimum(values[0], values[1])
    return complete_lattice((values[0], values[1], values[2]), redundancy, 3 * np.max(errors, axis=0))


def mixture_information(
    weight: np.ndarray, mean: np.ndarray, cov: np.ndarray, *, points: int = 256, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """I(C;X) = sum_c w_c E[ log2 p(X|c) / p(X) | c ] of Gaussian mixtures, and its standard error, bits.

    weight: (class,). mean: (pair, class, n). cov: (pair, class, n, n), positive definite.
    Both results have shape (pair,).
    The expectations are averages over scrambled Sobol points, ``points`` (a power of two) for each class in
    each of 8 scramblings; the standard error is over those.
    """
    root = np.linalg.cholesky(cov)
    inverse = np.linalg.inv(root)
    streams = np.random.default_rng(seed).spawn(REPLICATES)
    normals = [qmc.MultivariateNormalQMC(np.zeros(mean.shape[-1]), rng=s).random(points) for s in streams]
    averages = np.empty((REPLICATES, len(mean)))
    for start in range(0, len(mean), BLOCK):
        i = slice(start, start + BLOCK)
        for row, normal in zip(averages, normals, strict=True):
            row[i] = sum(
                w * _surprise_drop(weight, mean[i], inverse[i], mean[i, c, None] + normal @ root[i, c].mT, c)
                for c, w in enumerate(weight)
            )
    return averages.mean(0) / np.log(2), averages.std(0, ddof=1) / np.sqrt(REPLICATES) / np.log(2)


def _surprise_drop(weight, mean, inverse, x, own) -> np.ndarray:
    """Mean over points x (pair, point, n) of ln p(x|own) / p(x), nats, (pair,)."""
    left = x[:, None] - mean[:, :, None]
    scaled = left @ inverse.mT
    volume = np.log(np.diagonal(inverse, axis1=2, axis2=3)).sum(-1)
    log_density = volume[:, :, None] - (scaled**2).sum(-1) / 2
    ratio = log_density - log_density[:, own, None]
    top = ratio.max(1)
    mixed = top + np.log((weight[:, None] * np.exp(ratio - top[:, None])).sum(1))
    return -mixed.mean(1)


def _moments(unit_SU: np.ndarray, chosen: np.ndarray, label: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean (pair, n) and covariance (pair, n, n) of the chosen units on the samples of one class."""
    units = np.unique(chosen)
    constant = units[np.ptp(unit_SU[:, units], axis=0) == 0]
    if len(constant):
        raise ValueError(
            f"units {constant.tolist()} are constant in class {label}, so they have no density there; "
            "leave them out or quantize the layer"
        )
    cov = np.cov(unit_SU, rowvar=False).reshape(unit_SU.shape[1], -1)[chosen[:, :, None], chosen[:, None, :]]
    scale = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    lowest = np.linalg.eigvalsh(cov / scale[:, :, None] / scale[:, None, :])[:, 0]
    if (lowest < 1e-10).any():
        raise ValueError(
            f"units {chosen[lowest.argmin()].tolist()} depend on each other linearly in class {label}; "
            "leave one of them out"
        )
    return unit_SU.mean(0)[chosen], cov
