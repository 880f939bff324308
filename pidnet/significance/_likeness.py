"""Do the samples tell two units apart? Where they do not, their unique information is 0, not what noise makes of it.

The unique information of two units that say the same about the target has a kink there: any scatter makes it
positive, by a part that shrinks as slowly as 1 / sqrt(N). No expansion corrects that; a test does.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from pidnet.significance.evidence import Evidence

LEVEL = 0.01  # of the test of all cells
DIFFERENCE = 2.0  # standard errors between the informations
STEEPNESS = 4


def distinct(evidence: Evidence, difference: np.ndarray) -> np.ndarray:
    """How far the samples tell the two units of each pair apart, (pair,): 0 where neither test does, near 1 where
    one does clearly, sqrt( 1 - (critical value / statistic)^4 ) between.

    One test is of p(x1,y) = p(x2,y), cell by cell, the other of I1 = I2 (``difference``, bits).
    Source: Stuart 1955, Biometrika 42, 412 (marginal homogeneity), with the variances of its cells alone.
    """
    freedom = evidence.freedom
    critical = chi2.isf(LEVEL, np.maximum(np.arange(freedom.max(initial=0) + 1), 1))
    by_cells = _clearly(evidence.statistic, critical[freedom])
    error = evidence.difference_error()
    score = np.divide(np.abs(difference), error, out=np.zeros_like(error), where=error > 1e-12)
    return np.maximum(by_cells, _clearly(score, np.full_like(score, DIFFERENCE)))


def _clearly(statistic: np.ndarray, critical: np.ndarray) -> np.ndarray:
    ratio = np.divide(critical, statistic, out=np.ones_like(critical), where=statistic > critical)
    return np.sqrt(1 - ratio**STEEPNESS)
