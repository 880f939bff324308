"""What finite samples add to informations of single units and to the smaller of two of them.

Axis letters: P pair, X level, A/B level of source 1/2, Y class.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from pidnet.measures._kernels.occupied_cells import fill_cells
from pidnet.measures.derivatives import log2_ratio
from pidnet.tables.expected_counts import OBSERVED_PART, UNSEEN_PART


def miller_madow_bias(p_PXY: np.ndarray, samples: int) -> np.ndarray:
    """(K_xy - K_x - K_y + 1) / (2 N ln 2), the bias of I(X;Y) of counted tables (..., x, y), bits, with K the number
    of occupied cells. Source: Miller 1955; Panzeri & Treves 1996, Network 7, 87."""
    occupied = p_PXY > 0
    cells = occupied.sum((-2, -1)) - occupied.any(-1).sum(-1) - occupied.any(-2).sum(-1) + 1
    return cells / (2 * samples * np.log(2))


def information_bias(p_PXY: np.ndarray, samples: int) -> np.ndarray:
    """The same with the cells that can occur in place of those that did, see ``cells_that_count``, (pair,), bits:
    what Miller and Madow leave where many cells have few samples."""
    cells = (
        cells_that_count(p_PXY, samples).sum(1) - (p_PXY > 0).any(2).sum(1) - (p_PXY > 0).any(1).sum(1) + 1
    )
    return cells / (2 * samples * np.log(2))


def cells_that_count(p_PXY: np.ndarray, samples: int) -> np.ndarray:
    """How many cells of each class can occur, (pair, class): those seen count as n (ln n - psi(n)) has it, a full one
    as 1, and those unseen as a mixture of the table with the product of its margins foretells them, scaled to the
    number of cells seen once.

    Source: Grassberger 2003, arXiv:physics/0307138 (the cells seen)."""
    count_PXY = np.rint(p_PXY * samples)
    cells_PY = np.empty((len(count_PXY), count_PXY.shape[2]))
    fill_cells(count_PXY, UNSEEN_PART, OBSERVED_PART, cells_PY)
    return cells_PY


def difference_error(p_PABY: np.ndarray, samples: int, axes: tuple[int, ...] = (1, 2, 3)) -> np.ndarray:
    """Standard error of I1 - I2, or of the difference of the parts that the ``axes`` leave apart, bits: that of the
    mean of log2( p(x1,y) / p(x1)p(y) ) - log2( p(x2,y) / p(x2)p(y) ), to first order."""
    value = log2_ratio(p_PABY.sum(2))[:, :, None] - log2_ratio(p_PABY.sum(1))[:, None]
    mean = (p_PABY * value).sum(axes)
    return np.sqrt(((p_PABY * value**2).sum(axes) - mean**2).clip(0) / samples)


def shortfall(difference: np.ndarray, error: np.ndarray) -> np.ndarray:
    """How far the smaller of two estimates lies below the smaller of the true values on average, for a difference of
    the estimates with this standard error: e phi(d / e) - |d| Phi(-|d| / e).
    Source: Clark 1961, Operations Research 9, 145."""
    distance = np.divide(np.abs(difference), error, out=np.full_like(error, np.inf), where=error > 0)
    return error * norm.pdf(distance) - np.abs(difference) * norm.sf(distance)
