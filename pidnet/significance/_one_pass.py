"""The kernel of ``evidence``, eight pairs in the lanes of vector registers: each is counted, by bits or from its table, and
all that is said of its counts is found while they are at hand. ``_twins`` has the same in NumPy, one pair at a time.

The fit of the mixture, see ``_mixture``, has most of the cost. Everything but I(Y;X1X2) is in float32: that changes the
bias by less than 1e-5 bits.

Axis letters: P pair, U unit, A/B level of source 1/2, Y class; rows as in ``_mixture_memory``.
"""

from __future__ import annotations

import numpy as np

from pidnet.execution.compiling import inner, kernel
from pidnet.execution.lane_bits import in_lane
from pidnet.execution.lane_math import larger, ratio, smaller
from pidnet.execution.lanes import LANES, filled, row_at, select
from pidnet.significance._mixture import (
    TRUST_OBSERVED,
    fill_fitted,
    fill_left_out,
    fill_margins,
    fit_weights,
)
from pidnet.significance._mixture_cells import cells_bias, observed
from pidnet.significance._mixture_memory import STATISTICS, Shape, take_memory
from pidnet.tables.bits import add_terms, count_eight, end_of_eight


@kernel("the bias of I(Y;X1X2)")
def fill_evidence(tables, units, samples, parts, memory, found):
    """Eight pairs after eight: those whose counts are found together, or the next ones, where lanes without a pair repeat
    the last one."""
    (p_PABY, bits, known), unit_P2 = tables, units[3]
    pairs, (A, B, Y), first = len(unit_P2), p_PABY.shape[1:], 0
    s = Shape(A, B, Y, A * B)
    m = take_memory(memory, np.zeros(1, np.int64), s)
    while first < pairs:
        if len(p_PABY) > 0:
            last = min(first + LANES, pairs)
            read_tables(s, p_PABY, units, samples, m, first)
        else:
            last = end_of_eight(unit_P2, first)
            count_eight(bits, unit_P2[first], m.counts.n)
            read_eight(units, unit_P2[first], m.compared)
            terms = add_terms(m.counts.n, s.C, s.Y, known)
            for pair in range(first, last):
                found[0][pair] = in_lane(terms, unit_P2[pair, 1] % LANES)
        fill_margins(s, m.counts)
        m.compared.statistics[0] = joint_bias(s, m, parts)
        fill_moments(s, m.counts, m.compared)
        if A == B:
            fill_homogeneity(s, m.counts, m.compared.statistics)
        for pair in range(first, last):
            lane = pair - first if len(p_PABY) > 0 else unit_P2[pair, 1] % LANES
            write_pair(s, m.compared, lane, samples, found[1][pair], found[2][pair])
        first = last


@inner
def read_tables(s, p_PABY, units, samples, m, first):
    """The counts of the next tables, and the values of their units."""
    values1_UAY, values2_UBY, _, unit_P2 = units
    for lane in range(LANES):
        pair = min(first + lane, len(p_PABY) - 1)
        for a in range(s.A):
            for b in range(s.B):
                for y in range(s.Y):
                    m.counts.n[(a * s.B + b) * s.Y + y, lane] = np.rint(p_PABY[pair, a, b, y] * samples)
        i, j = unit_P2[pair]
        for y in range(s.Y):
            for a in range(s.A):
                m.compared.values1[a * s.Y + y, lane] = values1_UAY[i, a, y]
            for b in range(s.B):
                m.compared.values2[b * s.Y + y, lane] = values2_UBY[j, b, y]


@inner
def read_eight(units, pair, compared):
    """The values of a unit and of the eight that the other is one of."""
    values_UXY, _, eights, _ = units
    size = values_UXY.shape[1] * values_UXY.shape[2]
    others = row_at(eights, pair[1] // LANES * size)
    for x in range(values_UXY.shape[1]):
        for y in range(values_UXY.shape[2]):
            at = x * values_UXY.shape[2] + y
            compared.values1[at] = filled(others, values_UXY[pair[0], x, y])
            compared.values2[at] = others[at]


@inner
def write_pair(s, compared, lane, samples, statistics_K, moments_KY):
    """The answers of a lane."""
    for k in range(STATISTICS):
        statistics_K[k] = compared.statistics[k, lane]
    for k in range(2):
        for y in range(s.Y):
            moments_KY[k, y] = compared.moments[k * s.Y + y, lane] / samples


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
