"""Do the samples tell two units apart? Where they do not, their unique information is 0, not what noise makes of it.

The unique information of two units that say the same about the target has a kink there: any scatter makes it
positive, by a part that shrinks as slowly as 1 / sqrt(N). No expansion corrects that; a test does.

Axis letters: P pair, A/B level of source 1/2, X level of both, Y class.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from pidnet.measures.sampling_bias import difference_error
from pidnet.tables.discrete import PairTables

LEVEL = 0.01  # of the test of all cells
DIFFERENCE = 2.0  # standard errors between the informations
STEEPNESS = 4


def distinct(tables: PairTables, difference: np.ndarray) -> np.ndarray:
    """How far the samples tell the two units of each pair apart, (pair,): 0 where neither test does, near 1 where
    one does clearly, sqrt( 1 - (critical value / statistic)^4 ) between.

    One test is of p(x1,y) = p(x2,y), cell by cell, the other of I1 = I2 (``difference``, bits).
    Source: Stuart 1955, Biometrika 42, 412 (marginal homogeneity), with the variances of its cells alone.
    """
    cells, freedom = _homogeneity(np.rint(tables.p * tables.samples))
    by_cells = _clearly(cells, chi2.isf(LEVEL, np.maximum(freedom, 1)))
    error = difference_error(tables.p, tables.samples)
    score = np.divide(np.abs(difference), error, out=np.zeros_like(error), where=error > 1e-12)
    return np.maximum(by_cells, _clearly(score, np.full_like(score, DIFFERENCE)))


def _homogeneity(count_PABY: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum over cells (x, y) of (n1 - n2)^2 / (n1 + n2 - 2 n12), scaled to the chi-square law, and its freedom."""
    first, second = count_PABY.sum(2), count_PABY.sum(1)
    spread = first + second - 2 * np.einsum("pxxy->pxy", count_PABY)
    squares = np.divide((first - second) ** 2, spread, out=np.zeros_like(spread), where=spread > 0).sum(1)
    levels = (spread > 0).sum(1)
    freedom = np.maximum(levels - 1, 0)
    return (squares * freedom / np.maximum(levels, 1)).sum(1), freedom.sum(1)


def _clearly(statistic: np.ndarray, critical: np.ndarray) -> np.ndarray:
    ratio = np.divide(critical, statistic, out=np.ones_like(critical), where=statistic > critical)
    return np.sqrt(1 - ratio**STEEPNESS)
