"""The fast I_ccs kernel: what ``common_surprisal`` does, which is the one to read first, for eight pairs in the lanes of vector
registers, all in float64. The pairs that this does not bring to the tolerance go to the other.

Rows as in ``lanes_memory``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pidnet.execution.compiling import inner, kernel
from pidnet.execution.lane_math import log, ratio, take
from pidnet.execution.lanes import LANES, Row, absolute, filled, select
from pidnet.measures._kernels.common_surprisal import FIT_SHARES, SIGN_THRESHOLD
from pidnet.measures._kernels.entropy_lanes import (
    change_of,
    fit_tables,
    open_tables,
    tables_size,
    take_tables,
)
from pidnet.measures._kernels.lanes_memory import Shape, system_size, take_system

LEAST = 1e-300  # numbers below have no logarithm here


class Terms(NamedTuple):
    """The local informations of levels, first (of_a) and second (of_b), bits; p_A (A), p_B (B), p_Y (Y): margins of one
    variable; redundancy and gap: one vector."""

    first: Row
    second: Row
    p_A: Row
    p_B: Row
    p_Y: Row
    redundancy: Row
    gap: Row


def solve_surprisals(
    p_PYAB: np.ndarray, tolerance: float, redundancy_P: np.ndarray, gap_P: np.ndarray
) -> None:
    """Fill redundancy and its error estimate of each pair, bits, as ``common_surprisal.solve_pairs`` does."""
    Y, A, B = p_PYAB.shape[1:]
    size = tables_size(A, B, Y) + (A + B + 1) * Y + A + B + 2
    memory = np.zeros(LANES * size), np.zeros(LANES * system_size(A, B, Y))
    fill_surprisals(p_PYAB, tolerance, *memory, redundancy_P, gap_P)


@kernel("I_ccs")
def fill_surprisals(p_PYAB, tolerance, memory, system_memory, redundancy_P, gap_P):
    """Eight pairs after eight; lanes beyond the last pair repeat it."""
    pairs, Y, A, B = p_PYAB.shape
    s, cursor = Shape(A, B, Y, A * B), np.zeros(1, np.int64)
    tables, terms = take_tables(memory, cursor, s), take_terms(memory, cursor, s)
    system = take_system(system_memory, np.zeros(1, np.int64), s)
    for first in range(0, pairs, LANES):
        for lane in range(LANES):
            read_table(s, p_PYAB[min(first + lane, pairs - 1)], tables.q, lane)
        open_tables(s, tables)
        fit_tables(s, tables, FIT_SHARES[0] * tolerance, system)
        fill_levels(s, tables, terms)
        sum_terms(s, tables, system, terms)
        for lane in range(min(LANES, pairs - first)):
            redundancy_P[first + lane] = terms.redundancy[0, lane]
            gap_P[first + lane] = terms.gap[0, lane]


@inner
def take_terms(array, cursor, s):
    """The terms of eight pairs; the array must outlive them."""
    first, second = take(array, cursor, s.Y * s.A), take(array, cursor, s.Y * s.B)
    p_A, p_B, p_Y = take(array, cursor, s.A), take(array, cursor, s.B), take(array, cursor, s.Y)
    return Terms(first, second, p_A, p_B, p_Y, take(array, cursor, 1), take(array, cursor, 1))


@inner
def read_table(s, p_YAB, q, lane):
    """A table into a lane."""
    for y in range(s.Y):
        for a in range(s.A):
            for b in range(s.B):
                q[(y * s.A + a) * s.B + b, lane] = p_YAB[y, a, b]


@inner
def fill_levels(s, t, terms):
    """The margins of one variable, and the local informations of levels."""
    for a in range(s.A):
        terms.p_A[a] = add_levels(t.given1, a, s.A, s.Y)
    for b in range(s.B):
        terms.p_B[b] = add_levels(t.given2, b, s.B, s.Y)
    for y in range(s.Y):
        total = filled(t.q, 0.0)
        for a in range(s.A):
            total = total + t.given1[y * s.A + a]
        terms.p_Y[y] = total
        for a in range(s.A):
            terms.first[y * s.A + a] = surprisal_change(t.given1[y * s.A + a], terms.p_A[a] * total)
        for b in range(s.B):
            terms.second[y * s.B + b] = surprisal_change(t.given2[y * s.B + b], terms.p_B[b] * total)


@inner
def add_levels(given, level, levels, classes):
    """The margin of a level of one source, over the classes."""
    total = filled(given, 0.0)
    for y in range(classes):
        total = total + given[y * levels + level]
    return total


@inner
def sum_terms(s, t, system, terms):
    """R of the fitted tables, and its error estimate from the Newton step left over, bits."""
    redundancy, gap = filled(t.q, 0.0), filled(t.q, 0.0)
    for y in range(s.Y):
        for a in range(s.A):
            for b in range(s.B):
                q, first, second = (
                    t.q[(y * s.A + a) * s.B + b],
                    terms.first[y * s.A + a],
                    terms.second[y * s.B + b],
                )
                both = surprisal_change(q, t.given[a * s.B + b] * terms.p_Y[y])
                common = select(q > 0.0, first + second - both, 0.0)
                change = select(q > 0.0, absolute(change_of(s, y, a, b, system)) * (1.0 / np.log(2.0)), 0.0)
                size = absolute(common)
                gap = gap + q * change * (size + 1.0)
                above = (common > SIGN_THRESHOLD) & (first > SIGN_THRESHOLD) & (second > SIGN_THRESHOLD)
                below = (common < -SIGN_THRESHOLD) & (first < -SIGN_THRESHOLD) & (second < -SIGN_THRESHOLD)
                counts = (above & (both > SIGN_THRESHOLD)) | (below & (both < -SIGN_THRESHOLD))
                redundancy = redundancy + select(counts, q * common, 0.0)
                near = absolute(absolute(both) - SIGN_THRESHOLD) <= 10.0 * change
                gap = gap + select((above | below) & near, q * size, 0.0)
    terms.redundancy[0], terms.gap[0] = redundancy, gap


@inner
def surprisal_change(joint, product):
    """log2(joint / product), 0 where the joint probability is 0."""
    share = ratio(joint, product)
    some = share > LEAST
    return select(some, log(select(some, share, 1.0)) * (1.0 / np.log(2.0)), 0.0)
