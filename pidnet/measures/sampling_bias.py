"""What finite samples add to informations of single units and to the smaller of two of them.

Axis letters: P pair, X level, A/B level of source 1/2, Y class.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from pidnet.execution.compiling import kernel
from pidnet.execution.threads import share_pairs
from pidnet.measures._kernels.occupied_cells import fill_cells
from pidnet.measures.derivatives import log2_ratio
from pidnet.tables.discrete import PairTables, values_of_units
from pidnet.tables.expected_counts import OBSERVED_PART, UNSEEN_PART

FAR = 9.0  # standard errors beyond which the smaller of two terms is the true one but for roundoff


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


def unit_biases(tables: PairTables) -> tuple[np.ndarray, np.ndarray]:
    """``information_bias`` of the first and of the second unit of each pair, (pair,), bits."""
    return values_of_units(tables, lambda p_UXY: information_bias(p_UXY, tables.samples))


def difference_error(tables: PairTables, *, by_class: bool = False) -> np.ndarray:
    """Standard error of I1 - I2, (pair,), or of the difference of the parts of each class, (pair, class), bits: that
    of the mean of log2( p(x1,y) / p(x1)p(y) ) - log2( p(x2,y) / p(x2)p(y) ), to first order."""
    moments = np.zeros((2, len(tables), tables.p.shape[3]))
    value1, value2 = values_of_units(tables, log2_ratio)
    share_pairs(
        lambda part: _fill_moments(tables.p[part], value1[part], value2[part], *moments[:, part]), len(tables)
    )
    mean, square = moments if by_class else moments.sum(2)
    return np.sqrt((square - mean**2).clip(0) / tables.samples)


@kernel("errors of differences")
def _fill_moments(p_PABY, value1_PAY, value2_PBY, mean_PY, square_PY):
    """Add the mean of value1 - value2, and that of its square, class by class."""
    pairs, levels1, levels2, classes = p_PABY.shape
    for pair in range(pairs):
        for a in range(levels1):
            for b in range(levels2):
                for y in range(classes):
                    value = value1_PAY[pair, a, y] - value2_PBY[pair, b, y]
                    part = p_PABY[pair, a, b, y] * value
                    mean_PY[pair, y] += part
                    square_PY[pair, y] += part * value


def shortfall(difference: np.ndarray, error: np.ndarray) -> np.ndarray:
    """How far the smaller of two estimates lies below the smaller of the true values on average, for a difference of
    the estimates with this standard error: e phi(d / e) - |d| Phi(-|d| / e).
    Source: Clark 1961, Operations Research 9, 145."""
    distance = np.divide(np.abs(difference), error, out=np.full_like(error, np.inf), where=error > 0)
    near, found = distance < FAR, np.zeros_like(difference)
    distance, density = distance[near], np.exp(-(distance[near] ** 2) / 2) / np.sqrt(2 * np.pi)
    found[near] = error[near] * density - np.abs(difference[near]) * ndtr(-distance)
    return found
