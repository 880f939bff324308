"""Do the samples tell two units apart? Where they do not, their unique information is 0, not what noise makes of it.

The unique information of two units that say the same about the target has a kink there: any scatter makes it
positive, by a part that shrinks as slowly as 1 / sqrt(N). No expansion corrects that; a test does.

Axis letters: P pair, A/B level of source 1/2, X level of both, Y class.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from pidnet.execution.compiling import kernel
from pidnet.execution.threads import share_pairs
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
    statistic, freedom = np.empty(len(tables)), np.empty(len(tables), np.int64)
    share_pairs(
        lambda part: _fill_homogeneity(tables.p[part], tables.samples, statistic[part], freedom[part]),
        len(tables),
    )
    critical = chi2.isf(LEVEL, np.maximum(np.arange(freedom.max(initial=0) + 1), 1))
    by_cells = _clearly(statistic, critical[freedom])
    error = difference_error(tables)
    score = np.divide(np.abs(difference), error, out=np.zeros_like(error), where=error > 1e-12)
    return np.maximum(by_cells, _clearly(score, np.full_like(score, DIFFERENCE)))


@kernel("whether units differ")
def _fill_homogeneity(p_PABY, samples, statistic_P, freedom_P):
    """Sum over cells (x, y) of (n1 - n2)^2 / (n1 + n2 - 2 n12), scaled to the chi-square law, and its freedom: one less
    than the levels that differ, in each class."""
    pairs, levels, _, classes = p_PABY.shape
    for pair in range(pairs):
        p = p_PABY[pair]
        statistic_P[pair], freedom_P[pair] = 0.0, 0
        for y in range(classes):
            squares, found = 0.0, 0
            for x in range(levels):
                first, second = 0.0, 0.0
                for other in range(levels):
                    first += p[x, other, y]
                    second += p[other, x, y]
                spread = np.rint((first + second - 2.0 * p[x, x, y]) * samples)
                if spread > 0.0:
                    squares += np.rint((first - second) * samples) ** 2 / spread
                    found += 1
            if found > 1:
                statistic_P[pair] += squares * (found - 1) / found
                freedom_P[pair] += found - 1


def _clearly(statistic: np.ndarray, critical: np.ndarray) -> np.ndarray:
    ratio = np.divide(critical, statistic, out=np.ones_like(critical), where=statistic > critical)
    return np.sqrt(1 - ratio**STEEPNESS)
