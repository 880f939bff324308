"""One covariance of all units of a layer with the target, of which pairs and groups are blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtri
from scipy.stats import rankdata
from torch import Tensor

from pidnet.activations import Activations
from pidnet.networks.outputs import check_labels

SHRINKAGES = ("ledoit_wolf", "oas")


@dataclass(frozen=True, eq=False)
class LayerCovariance:
    """Covariance of the units of a layer with the target.

    cov: float64 (unit * size + d, unit * size + d), units first, the dimensions of a unit side by side.
    varying: int, the units that are not constant. size: dimensions of a unit, 1 but for vector units.
    classes: the number of classes, one a one-hot column; 0 when the target is not a label.
    """

    cov: np.ndarray
    varying: np.ndarray
    classes: int
    units: int
    samples: int
    size: int = 1

    @property
    def targets(self) -> np.ndarray:
        """Which columns are the target's, int (d,)."""
        return np.arange(self.units * self.size, len(self.cov))

    def blocks(self, units: np.ndarray) -> np.ndarray:
        """Covariance of each row of units (row, k) with the target, (row, k * size + d, k * size + d)."""
        columns = (units[:, :, None] * self.size + np.arange(self.size)).reshape(len(units), -1)
        index = np.concatenate([columns, np.tile(self.targets, (len(units), 1))], 1)
        return self.cov[index[:, :, None], index[:, None, :]]


def layer_covariance(
    activations: Activations,
    layer: str,
    *,
    target: np.ndarray | Tensor | None = None,
    shrinkage: str | None = None,
    copula: bool = False,
) -> LayerCovariance:
    """Covariance of a layer's units with the target; of vector units, such as attention heads, all dimensions.

    target: float (sample, d), for instance logits or the next layer's pre-activations; None takes the target
    of the activations. Classes become one-hot columns, all but the last: the result describes a Gaussian with
    the same second moments, which sees linear separation only and can exceed the entropy of the label; quantized codes cannot.
    shrinkage: "ledoit_wolf" or "oas" (scikit-learn's) on standardized columns, for when units are not few
    against samples. copula: replace each column by normal scores of its ranks (Gaussian copula), for heavy
    tails; tied values, such as the zeros of a ReLU, share one score.
    Raises ValueError for an unknown layer or shrinkage, a target of another length, or values not finite.
    """
    if layer not in activations.layers:
        known = ", ".join(map(repr, activations.layers))
        raise ValueError(f"no such layer: {layer!r}; the activations hold {known}")
    unit_SU = activations.layers[layer].numpy().astype(np.float64)
    samples, units = unit_SU.shape[:2]
    target_SD, classes = _target_columns(activations.target if target is None else target, samples)
    columns = np.concatenate([unit_SU.reshape(samples, -1), target_SD], 1)
    if not np.isfinite(columns).all():
        raise ValueError(f"layer {layer!r} or its target has values that are not finite")
    scored = _normal_scores(columns) if copula else columns
    return LayerCovariance(
        cov=_covariance(scored, shrinkage),
        varying=np.flatnonzero((np.ptp(unit_SU, axis=0) > 0).reshape(units, -1).any(1)),
        classes=classes,
        units=units,
        samples=samples,
        size=int(np.prod(unit_SU.shape[2:])),
    )


def _target_columns(target: np.ndarray | Tensor, samples: int) -> tuple[np.ndarray, int]:
    """A target as float64 (sample, d), and its number of classes: those become one-hot columns."""
    values = np.atleast_1d(target)
    if len(values) != samples:
        raise ValueError(f"the target has {len(values)} samples and the layer {samples}; expected the same")
    if values.ndim == 1 and np.issubdtype(values.dtype, np.integer):
        check_labels(torch.as_tensor(values))
        # The columns of all classes add up to 1, so the last one follows from the others.
        classes = np.unique(values)
        return (values[:, None] == classes[:-1]).astype(np.float64), len(classes)
    if values.ndim > 2 or not np.issubdtype(values.dtype, np.floating):
        raise ValueError(
            f"the target has shape {values.shape} and type {values.dtype}; expected integer classes "
            "(sample,) or floats (sample, d)"
        )
    return values.reshape(samples, -1).astype(np.float64), 0


def _normal_scores(columns: np.ndarray) -> np.ndarray:
    """Standard normal quantiles of the ranks of each column; ties share their mean rank."""
    return ndtri(rankdata(columns, axis=0) / (len(columns) + 1))


def _covariance(columns: np.ndarray, shrinkage: str | None) -> np.ndarray:
    """Covariance of the columns; constant ones get exact zeros."""
    if shrinkage not in (None, *SHRINKAGES):
        raise ValueError(f"unknown shrinkage {shrinkage!r}; the known ones are {', '.join(SHRINKAGES)}")
    if len(columns) < 2:
        raise ValueError(f"a covariance needs at least 2 samples; there are {len(columns)}")
    centered = columns - columns.mean(0)
    centered[:, np.ptp(columns, axis=0) == 0] = 0
    if shrinkage is None:
        return centered.T @ centered / (len(columns) - 1)
    from sklearn import covariance

    # Shrinking pulls towards one common variance, so the columns are brought to one scale first.
    scale = centered.std(0, ddof=1)
    varying = scale > 0
    shrunk, _ = getattr(covariance, shrinkage)(centered[:, varying] / scale[varying])
    cov = np.zeros((len(scale), len(scale)))
    cov[np.ix_(varying, varying)] = shrunk * np.outer(scale[varying], scale[varying])
    return cov
