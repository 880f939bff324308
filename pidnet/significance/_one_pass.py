"""The kernel of ``evidence``, eight pairs in the lanes of vector registers: each is counted, by bits or from its table, and
all that is said of its counts is found while they are at hand. ``_twins`` has the same in NumPy, one pair at a time.

The fit of the mixture, see ``_mixture``, has most of the cost. Everything but I(Y;X1X2) is in float32: that changes the
bias by less than 1e-5 bits.

Axis letters: P pair, U unit, A/B level of source 1/2, Y class; rows as in ``_mixture_memory``.
"""

from __future__ import annotations

import numpy as np

from pidnet.execution.compiling import inner, kernel
from pidnet.execution.lane_math import larger, ratio, smaller
from pidnet.execution.lanes import LANES, filled, select
from pidnet.significance._mixture import (
    TRUST_OBSERVED,
    fill_fitted,
    fill_left_out,
    fill_margins,
    fit_weights,
)
from pidnet.significance._mixture_cells import cells_bias, observed
from pidnet.significance._mixture_memory import STATISTICS, Shape, take_memory
from pidnet.tables.bits import count_pair


@kernel("the bias of I(Y;X1X2)")
def fill_evidence(tables, units, samples, parts, memory, found):
    """Eight pairs after eight; where fewer are left, lanes repeat the last one."""
    (p_PABY, coded, known), (value1_UAY, value2_UBY, unit_P2) = tables, units
    joint_P, statistics_PK, moments_PKY = found
    pairs, (A, B, Y) = len(unit_P2), p_PABY.shape[1:]
    s = Shape(A, B, Y, A * B)
    m = take_memory(memory, np.zeros(1, np.int64), s)
    moments, statistics = m.compared.moments, m.compared.statistics
    scratch = np.zeros((Y, A, B), np.int64), np.zeros((A, B), np.int64)
    for first in range(0, pairs, LANES):
        for lane in range(LANES):
            pair = min(first + lane, pairs - 1)
            i, j = unit_P2[pair]
            if len(p_PABY) > 0:
                read_counts(s, p_PABY[pair], samples, m.counts, lane)
            else:
                count_pair(coded, i, j, scratch[0])
                joint_P[pair] = read_scratch(s, scratch, known, m.counts, lane)
            read_values(value1_UAY, i, m.compared.values1, lane)
            read_values(value2_UBY, j, m.compared.values2, lane)
        fill_margins(s, m.counts)
        statistics[0] = joint_bias(s, m, parts)
        fill_moments(s, m.counts, m.compared)
        if A == B:
            fill_homogeneity(s, m.counts, statistics)
        for lane in range(min(LANES, pairs - first)):
            for k in range(STATISTICS):
                statistics_PK[first + lane, k] = statistics[k, lane]
            for k in range(2):
                for y in range(Y):
                    moments_PKY[first + lane, k, y] = moments[k * Y + y, lane] / samples


@inner
def read_counts(s, p_ABY, samples, counts, lane):
    """The counts of a table into a lane."""
    for a in range(s.A):
        for b in range(s.B):
            for y in range(s.Y):
                counts.n[(a * s.B + b) * s.Y + y, lane] = np.rint(p_ABY[a, b, y] * samples)


@inner
def read_scratch(s, scratch, known, counts, lane):
    """Counts into a lane; sum n ln n over (x1, x2, y) less that over (x1, x2)."""
    (count_YAB, both), total = scratch, 0.0
    both[:] = 0
    for y in range(s.Y):
        for a in range(s.A):
            for b in range(s.B):
                n = count_YAB[y, a, b]
                counts.n[(a * s.B + b) * s.Y + y, lane] = n
                both[a, b] += n
                total += known[n]
    for a in range(s.A):
        for b in range(s.B):
            total -= known[both[a, b]]
    return total


@inner
def read_values(values_UXY, unit, into, lane):
    """Values of the levels of a unit, class by class, into a lane."""
    for x in range(values_UXY.shape[1]):
        for y in range(values_UXY.shape[2]):
            into[x * values_UXY.shape[2] + y, lane] = values_UXY[unit, x, y]


@inner
def joint_bias(s, m, parts):
    """The bias of N I(Y;X1X2), nats."""
    n = m.counts
    fill_left_out(s, n, m.left_out)
    fit_weights(s, n.n, m.left_out, m.weights)
    fill_fitted(s, n, m.weights.now)
    trusted = smaller(TRUST_OBSERVED * m.weights.now[0], 1.0)
    total = cells_bias(s.C * s.Y, n.n, n.fitted, trusted, parts)
    total = total - cells_bias(s.C, n.ab, n.fitted_ab, trusted, parts)
    for y in range(s.Y):
        total = total - observed(n.y[y], parts)
    return total + 0.5


@inner
def fill_moments(s, counts, compared):
    """Sums over the samples of each class of value1 - value2, and of its square."""
    for y in range(s.Y):
        total, squares = filled(counts.n, 0.0), filled(counts.n, 0.0)
        for a in range(s.A):
            for b in range(s.B):
                difference = compared.values1[a * s.Y + y] - compared.values2[b * s.Y + y]
                part = counts.n[(a * s.B + b) * s.Y + y] * difference
                total, squares = total + part, squares + part * difference
        compared.moments[y], compared.moments[s.Y + y] = total, squares


@inner
def fill_homogeneity(s, counts, statistics):
    """Sum over cells (x, y) of (n1 - n2)^2 / (n1 + n2 - 2 n12), scaled to the chi-square law, and its freedom: one less
    than the levels that differ, in each class."""
    zero = filled(counts.n, 0.0)
    statistic, freedom = zero, zero
    for y in range(s.Y):
        squares, levels = zero, zero
        for x in range(s.A):
            first, second = counts.ay[x * s.Y + y], counts.by[x * s.Y + y]
            spread = first + second - 2.0 * counts.n[(x * s.B + x) * s.Y + y]
            squares = squares + ratio((first - second) * (first - second), spread)
            levels = levels + select(spread > 0.0, 1.0, zero)
        free = larger(levels - 1.0, 0.0)
        statistic, freedom = statistic + ratio(squares * free, levels), freedom + free
    statistics[1], statistics[2] = statistic, freedom
