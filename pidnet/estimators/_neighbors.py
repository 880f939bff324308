"""Estimates from samples alone: Gaussian, nearest neighbors, and their difference. All in nats."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree
from scipy.special import digamma, ndtri
from scipy.stats import rankdata

NEIGHBORS = 3


def normal_scores(x: np.ndarray) -> np.ndarray:
    """Each column as Gaussian quantiles of its ranks; information does not change."""
    return ndtri(rankdata(x, axis=0) / (len(x) + 1))


def gaussian(x: np.ndarray, y: np.ndarray) -> float:
    """I(X;Y) if both were jointly Gaussian, with the bias of the determinants taken off."""
    n, dx, dy = len(x), x.shape[1], y.shape[1]
    cov = np.atleast_2d(np.cov(np.hstack([x, y]).T))
    parts = _log_det(cov[:dx, :dx]) + _log_det(cov[dx:, dx:]) - _log_det(cov)
    return 0.5 * parts - (_bias(n, dx) + _bias(n, dy) - _bias(n, dx + dy))


def _log_det(matrix: np.ndarray) -> float:
    return float(np.linalg.slogdet(matrix)[1])


def _bias(n: int, dims: int) -> float:
    """E 1/2 log det of a sample covariance, less that of the true one (Wishart)."""
    return 0.5 * float(digamma((n - np.arange(1, dims + 1)) / 2).sum() - dims * np.log((n - 1) / 2))


def ksg(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Kraskov, Stoegbauer and Grassberger, 2004, equation 8: one term a sample, whose mean is I(X;Y)."""
    both = np.hstack([x, y])
    radius = np.nextafter(KDTree(both).query(both, NEIGHBORS + 1, p=np.inf)[0][:, -1], 0)
    counts = digamma(_within(x, radius)) + digamma(_within(y, radius))
    return digamma(NEIGHBORS) + digamma(len(x)) - counts


def _within(x: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """How many samples, itself included, are within the radius of each."""
    if x.shape[1] > 1:
        return KDTree(x).query_ball_point(x, radius, p=np.inf, return_length=True)
    # x + radius may round up to the very neighbor that is to stay outside.
    radius = (radius - 4 * np.finfo(float).eps * np.abs(x).max()).clip(min=0)
    line = np.sort(x[:, 0])
    return np.searchsorted(line, x[:, 0] + radius, "right") - np.searchsorted(line, x[:, 0] - radius, "left")


def gaussian_like(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """As many Gaussian samples of the same joint covariance."""
    cov = np.atleast_2d(np.cov(np.hstack([x, y]).T))
    z = rng.multivariate_normal(np.zeros(len(cov)), cov, len(x), method="cholesky")
    return z[:, : x.shape[1]], z[:, x.shape[1] :]
