"""What sampling adds to n ln n, count by count: the parts of the bias of an entropy.

With mu the expected count of a cell and Poisson counts n, the plug-in entropy of N samples is too small by the sum over
cells of E[n ln n] - mu ln mu, nats, over N. ``FITTED_PART`` is that for a known mu. Where only the count is known, it
is n (ln n - psi(n)) of the cells that were seen, and mu E1(mu) of those that were not (``UNSEEN_PART``).

Source: Grassberger 2003, arXiv:physics/0307138.
"""

from __future__ import annotations

import numpy as np
from scipy.special import exp1, psi, xlogy
from scipy.stats import poisson

from pidnet.execution.compiling import inner

MOST, POINTS = 60.0, 3001  # expected counts above MOST follow the expansion
# Functions of an expected count, at equal steps of its square root: their slope at 0 is infinite.
ROOTS = np.linspace(0, np.sqrt(MOST), POINTS)
_COUNTS, _MEANS = np.arange(200), ROOTS**2
FITTED_PART = poisson.pmf(_COUNTS, _MEANS[:, None]) @ xlogy(_COUNTS, _COUNTS) - xlogy(_MEANS, _MEANS)
UNSEEN_PART = np.concatenate([[0.0], _MEANS[1:] * exp1(_MEANS[1:])])
SEEN_ONCE = _MEANS * np.exp(-_MEANS)  # how likely a cell is seen once
_ONES = np.maximum(np.arange(4096), 1)
OBSERVED_PART = np.arange(4096) * (np.log(_ONES) - psi(_ONES))


@inner
def interpolate(mean, table):
    """A function of the expected count between the points of its table."""
    left, along = place_of(mean)
    return between(table, left, along)


@inner
def place_of(mean):
    """The point to the left of an expected count up to MOST, and how far it lies along to the next one."""
    place = np.sqrt(mean / MOST) * (POINTS - 1)
    left = min(int(place), POINTS - 2)
    return left, place - left


@inner
def between(table, left, along):
    """A table between two of its points."""
    return table[left] + along * (table[left + 1] - table[left])


@inner
def observed(n, observed_part):
    """n (ln n - psi(n)), by its expansion beyond the table."""
    return observed_part[int(n)] if n < len(observed_part) else 0.5 + 1.0 / (12.0 * n)
