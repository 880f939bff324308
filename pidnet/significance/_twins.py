"""What the kernels of this room compute, in plain NumPy: slow and dense. The kernels must agree."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy
from scipy.stats import hypergeom


def mean_n_ln_n(row: int, column: int, samples: int) -> float:
    """E[n ln n] of the overlap n of two random sets of ``row`` and ``column`` out of ``samples``."""
    n = np.arange(min(row, column) + 1)
    return float(hypergeom.pmf(n, samples, row, column) @ xlogy(n, n))


def covariance(p_ABY: np.ndarray, value_4ABY: np.ndarray) -> np.ndarray:
    """Covariances of four functions of the cell under the table p, (4, 4)."""
    centered = value_4ABY - (value_4ABY * p_ABY).sum((1, 2, 3), keepdims=True)
    return np.einsum("iaby,jaby,aby->ij", centered, centered, p_ABY)
