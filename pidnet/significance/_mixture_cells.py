"""The bias of an entropy from the counts of its cells and what a fit expects of them, for eight pairs in lanes;
``_twins.cells_bias`` is the same in NumPy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import exp1

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import larger, looked_up, looked_up_twice, smaller
from pidnet.execution.lanes import anywhere, filled, floor, select, square_root
from pidnet.tables.expected_counts import (
    FITTED_PART,
    MOST,
    OBSERVED_PART,
    POINTS,
    SEEN_ONCE,
    UNSEEN_PART,
)

DOUBT = 5.0  # the squared z of the cells seen once at which fit and data count alike
NONE_UNSEEN = 20.0  # expected counts beyond have no chance to be 0 or 1
FEW = 16  # counts that have an observed part of their own in the table
LEAST_RATE, LARGEST_RATE, RATES = 1e-3, 500.0, 4096


class Parts(NamedTuple):
    """Tables of ``expected_counts`` in float32, and the unseen share at equal steps of the fourth root of the rate."""

    fitted: np.ndarray
    unseen: np.ndarray
    once: np.ndarray
    observed: np.ndarray
    share: np.ndarray


FIRST_ROOT, LAST_ROOT = LEAST_RATE**0.25, LARGEST_RATE**0.25
_RATES = np.linspace(FIRST_ROOT, LAST_ROOT, RATES) ** 4
PARTS = Parts(
    *(part.astype(np.float32) for part in (FITTED_PART, UNSEEN_PART, SEEN_ONCE, OBSERVED_PART[:FEW])),
    share=(np.exp(_RATES) * exp1(_RATES)).astype(np.float32),
)


@inner
def cells_bias(size, counts, fitted, trusted, parts):
    """Sum over cells of E[n ln n] - mu ln mu; see ``_twins.cells_bias``."""
    zero = filled(counts, 0.0)
    once, twice, of_fit, of_data, unseen = zero, zero, zero, zero, zero
    single, double, variance = zero, zero, zero
    for cell in range(size):
        n, mean = counts[cell], fitted[cell]
        once = once + select((n > 0.5) & (n < 1.5), 1.0, zero)
        twice = twice + select((n > 1.5) & (n < 2.5), 1.0, zero)
        of_data = of_data + observed(n, parts)
        place = square_root(smaller(mean, MOST) / MOST) * (POINTS - 1)
        left = smaller(floor(place), POINTS - 2)
        along = place - left
        many = 0.5 + 1.0 / (12.0 * larger(mean, 1.0))
        of_fit = of_fit + select(mean > MOST, many, between(parts.fitted, left, along))
        if anywhere(mean < NONE_UNSEEN):
            p = select(mean < NONE_UNSEEN, between(parts.once, left, along), 0.0)
            unseen = unseen + select(mean < NONE_UNSEEN, between(parts.unseen, left, along), 0.0)
            single, double, variance = single + p, double + 0.5 * mean * p, variance + p * (1.0 - p)
    more = unseen_share(twice, once, parts) / unseen_share(double, single, parts)
    unseen = unseen * (once + 1.0) / (single + 1.0) * square_root(smaller(larger(more, 0.4), 2.5))
    score = smaller((once - single) * (once - single) / larger(variance, 1e-9), 1e6)
    trust = larger(trusted, score * score / (score * score + DOUBT * DOUBT))
    return (1.0 - trust) * of_fit + trust * (of_data + unseen)


@inner
def between(table, left, along):
    """A table between two of its points, in eight lanes."""
    value, following = looked_up_twice(table, left)
    return value + along * (following - value)


@inner
def observed(n, parts):
    """n (ln n - psi(n)), by its expansion beyond the table."""
    inverse = 1.0 / larger(n, 1.0)
    many = 0.5 + inverse * (1.0 / 12.0 - inverse * inverse / 120.0)
    few = n < FEW - 0.5
    if not anywhere(few):
        return many
    return select(few, looked_up(parts.observed, smaller(n, FEW - 1.0)), many)


@inner
def unseen_share(twice, once, parts):
    """exp(b) E1(b), b = 2 f2 / f1: what cells of one rate have unseen for each cell seen once."""
    rate = smaller(larger(2.0 * (twice + 1.0) / (once + 1.0), LEAST_RATE), LARGEST_RATE)
    root = square_root(square_root(rate))
    place = (root - FIRST_ROOT) * ((RATES - 1) / (LAST_ROOT - FIRST_ROOT))
    left = smaller(floor(place), RATES - 2)
    return between(parts.share, left, place - left)
