"""The I_BROJA kernel for two binary sources in the lanes of vector registers: ``_binary``, for eight pairs at once.

The root and its proof are those of ``_binary``, the one to read first. All eight pairs take steps until each is done:
they need nearly the same number. Two things save logarithms. The classes share one odds ratio but for roundoff, so
that ln r <= ln R + r / R - 1 with R common to them bounds a dual point from below (``dual_loss``); and ln q, which the
value takes, gives the dual point. What has no proof here goes to ``_binary``.

Rows: p1, p2 (class, level); q, ln_ratio (class, cell); total, ln_total (cell), in the order 00, 01, 10, 11.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pidnet.execution.compiling import inner, kernel
from pidnet.execution.lane_math import exp, larger, log, ratio, smaller
from pidnet.execution.lanes import LANES, Row, absolute, anywhere, filled, row_at, select, square_root
from pidnet.measures.ibroja._binary import EPSILON, LONGEST_MOVE, OTHER_ROUNDINGS

MOST_STEPS = 40
LEAST = 1e-140  # of a margin and of Q: products of two have all their digits
LARGEST = 1e3  # nats: no end of a minimum is beyond


class Tables(NamedTuple):
    """Eight pairs: their margins, the class tables q, ln(q/Q) and the sum Q of the classes."""

    p1: Row
    p2: Row
    q: Row
    ln_ratio: Row
    total: Row
    ln_total: Row


def solve_binary_lanes(p1_PYA, p2_PYB, tolerance, upper_P, lower_P, lam_PYA, mu_PYB, Q_PC) -> None:
    """Fill ends of min sum q ln(q/Q) of each pair, nats, and the dual point, as ``_binary.solve_binary`` does; the ends
    of a pair without a proof are infinite."""
    state = np.zeros(LANES * (12 * p1_PYA.shape[1] + 8))
    solve_pairs(p1_PYA, p2_PYB, tolerance, upper_P, lower_P, lam_PYA, mu_PYB, Q_PC, state)


@kernel("I_BROJA of two levels")
def solve_pairs(p1_PYA, p2_PYB, tolerance, upper_P, lower_P, lam_PYA, mu_PYB, Q_PC, state):
    """Eight pairs after eight; where fewer are left, lanes repeat the last one."""
    pairs, classes = p1_PYA.shape[:2]
    t = Tables(
        row_at(state, 0),
        row_at(state, 2 * classes),
        row_at(state, 4 * classes),
        row_at(state, 8 * classes),
        row_at(state, 12 * classes),
        row_at(state, 12 * classes + 4),
    )
    for first in range(0, pairs, LANES):
        load(t, first, p1_PYA, p2_PYB)
        odds = find_roots(classes, t, tolerance)
        upper, lower = certify(classes, t, odds)
        answer(t, first, upper, lower, upper_P, lower_P, lam_PYA, mu_PYB, Q_PC)


@inner
def load(t, first, p1_PYA, p2_PYB):
    """The margins of eight pairs."""
    for lane in range(LANES):
        pair = min(first + lane, len(p1_PYA) - 1)
        for y in range(p1_PYA.shape[1]):
            for level in range(2):
                t.p1[2 * y + level, lane] = p1_PYA[pair, y, level]
                t.p2[2 * y + level, lane] = p2_PYB[pair, y, level]


@inner
def answer(t, first, upper, lower, upper_P, lower_P, lam_PYA, mu_PYB, Q_PC):
    """Write what was found for eight pairs, or as many as are left."""
    t.ln_total[0], t.ln_total[1] = upper, lower  # the logarithms have done their work
    for lane in range(min(LANES, len(upper_P) - first)):
        pair = first + lane
        upper_P[pair], lower_P[pair] = t.ln_total[0, lane], t.ln_total[1, lane]
        fill_dual(t, lane, lam_PYA[pair], mu_PYB[pair])
        for cell in range(4):
            Q_PC[pair, cell] = t.total[cell, lane]


@inner
def find_roots(classes, t, tolerance):
    """Newton steps on h(w), kept in a bracket, until the gap that h leaves is a hundredth of the tolerance; the odds
    ratio exp(w) of the class tables."""
    w, low, high = filled(t.q, 0.0), filled(t.q, -np.inf), filled(t.q, np.inf)
    odds = filled(t.q, 1.0)
    for _ in range(MOST_STEPS):
        below_one = exp(-absolute(w))
        odds = select(w > 0.0, 1.0 / below_one, below_one)
        freedom = fill_class_tables(classes, t, below_one, w > 0.0)
        Q0, Q1, Q2, Q3 = t.total[0], t.total[1], t.total[2], t.total[3]
        some = smaller(smaller(Q0, Q1), smaller(Q2, Q3)) > LEAST
        excess = w - log(select(some, Q0 * Q3 / (Q1 * Q2), 1.0))
        least = select(excess > 0.0, smaller(Q0, Q3), smaller(Q1, Q2))
        going = some & (freedom > 0.0) & (least * absolute(excess) >= 0.01 * tolerance)
        if not anywhere(going):
            break
        high = select(excess > 0.0, w, high)
        low = select(excess > 0.0, low, w)
        slope = 1.0 - freedom * (1.0 / Q0 + 1.0 / Q1 + 1.0 / Q2 + 1.0 / Q3)
        far = select(excess > 0.0, -LONGEST_MOVE, filled(t.q, LONGEST_MOVE))
        move = select(slope > 0.0, -excess / slope, far)
        there = w + larger(smaller(move, LONGEST_MOVE), -LONGEST_MOVE)
        there = select((there > low) & (there < high), there, 0.5 * (low + high))
        w = select(going, there, w)
    return odds


@inner
def fill_class_tables(classes, t, below_one, mirrored):
    """Class tables with odds ratio ``below_one`` (its inverse if mirrored), and their sum; see ``_binary``."""
    freedom, less = filled(t.q, 0.0), 1.0 - below_one
    Q0, Q1, Q2, Q3 = filled(t.q, 0.0), filled(t.q, 0.0), filled(t.q, 0.0), filled(t.q, 0.0)
    for y in range(classes):
        row, other_row, column0, column1 = t.p1[2 * y], t.p1[2 * y + 1], t.p2[2 * y], t.p2[2 * y + 1]
        column, other_column = select(mirrored, column1, column0), select(mirrored, column0, column1)
        free = smaller(smaller(row, other_row), smaller(column, other_column)) > 0.0
        linear = row + other_row - less * (row + column)
        corner = below_one * row * column
        root = square_root(linear * linear + 4.0 * less * corner)
        same = select(linear >= 0.0, 2.0 * corner / (linear + root), (root - linear) / (2.0 * less))
        same = larger(smaller(smaller(same, row), column), row - other_column)
        share = ratio(column, row + other_row)
        same = select(free, same, row * share)
        right = select(free, row - same, row * ratio(other_column, row + other_row))
        below = select(free, column - same, other_row * share)
        rest = select(
            free, below_one * right * below / same, other_row * ratio(other_column, row + other_row)
        )
        a, b = same * rest, right * below
        freedom = freedom + select(free, a * b / (a * (right + below) + b * (same + rest)), 0.0)
        q0, q1 = select(mirrored, right, same), select(mirrored, same, right)
        q2, q3 = select(mirrored, rest, below), select(mirrored, below, rest)
        t.q[4 * y], t.q[4 * y + 1], t.q[4 * y + 2], t.q[4 * y + 3] = q0, q1, q2, q3
        Q0, Q1, Q2, Q3 = Q0 + q0, Q1 + q1, Q2 + q2, Q3 + q3
    t.total[0], t.total[1], t.total[2], t.total[3] = Q0, Q1, Q2, Q3
    return freedom


@inner
def certify(classes, t, odds):
    """Ends of the minimum, nats: the value of q, and the best of four dual points; infinite where not sound.

    Where no class is free, q is the only table with its margins.
    """
    value, size, steepest, sound, free = fill_value(classes, t)
    R = odds * t.total[1] * t.total[2] / (t.total[0] * t.total[3])
    least = smaller(dual_loss(classes, t, 0, R), dual_loss(classes, t, 3, R))
    least = smaller(dual_loss(classes, t, 1, 1.0 / R), least)
    least = smaller(dual_loss(classes, t, 2, 1.0 / R), least)
    astray = margin_error(classes, t)
    widen = EPSILON * (4 * classes + OTHER_ROUNDINGS) * size
    steep = 4.0 * steepest + np.log(classes) + 1.0 - log(larger(astray, EPSILON * EPSILON))
    widen = widen + astray * steep
    least = select(free, larger(least, 0.0), 0.0)
    upper, lower = value + widen, value - least - widen
    sound = sound & (absolute(upper) <= LARGEST) & (absolute(lower) <= LARGEST)
    return select(sound, upper, np.inf), select(sound, lower, -np.inf)


@inner
def fill_value(classes, t):
    """sum q ln(q/Q), the sizes of its terms, the largest |ln(q/Q)|, whether all numbers have their digits, and
    whether a class is free."""
    value, size, steepest = filled(t.q, 0.0), filled(t.q, 1.0), filled(t.q, 0.0)
    sound, free = value >= 0.0, value > 0.0
    for cell in range(4):
        Q = t.total[cell]
        sound = sound & ((Q > LEAST) | (absolute(Q) <= 0.0))
        t.ln_total[cell] = log(select(Q > LEAST, Q, 1.0))
        value, size = value - Q * t.ln_total[cell], size + absolute(Q * t.ln_total[cell])
    for y in range(classes):
        least = smaller(smaller(t.p1[2 * y], t.p1[2 * y + 1]), smaller(t.p2[2 * y], t.p2[2 * y + 1]))
        free = free | (least > 0.0)
        for level in range(2):
            for p in (t.p1[2 * y + level], t.p2[2 * y + level]):
                sound = sound & (p >= 0.0) & ((p <= 0.0) | (p > LEAST))
        for cell in range(4):
            q = t.q[4 * y + cell]
            some = q > 1e-300
            ln_q = log(select(some, q, 1.0))
            value, size = value + q * ln_q, size + absolute(q * ln_q)
            t.ln_ratio[4 * y + cell] = select(some, ln_q - t.ln_total[cell], 0.0)
            steepest = larger(-t.ln_ratio[4 * y + cell], steepest)
    return value, size, steepest, sound, free


@inner
def dual_loss(classes, t, cell, R):
    """Upper end of (sum q ln(q/Q) - dual value) of the dual point that gives way in ``cell``; inf where it has none.

    r = q / (Q given way) is R in every class but for roundoff, and ln r <= ln R + r / R - 1.
    """
    beside, below, opposite = cell ^ 1, cell ^ 2, cell ^ 3
    scale = t.total[opposite] / (t.total[beside] * t.total[below])
    least = 1.0 / (t.total[cell] * R)
    load, loss, free_q = filled(t.q, 0.0), filled(t.q, 0.0), filled(t.q, 0.0)
    row, column = filled(t.q, 0.0), filled(t.q, 0.0)
    for y in range(classes):
        row1, row2 = t.p1[2 * y + cell // 2], t.p1[2 * y + 1 - cell // 2]
        column1, column2 = t.p2[2 * y + cell % 2], t.p2[2 * y + 1 - cell % 2]
        row, column = row + row1, column + column1
        free = smaller(smaller(row1, row2), smaller(column1, column2)) > 0.0
        q = t.q[4 * y + cell]
        given_way = t.q[4 * y + beside] * t.q[4 * y + below] / t.q[4 * y + opposite] * scale
        load = load + select(free, given_way, q / t.total[cell])
        loss = loss + select(free, q * (q / given_way * least - 1.0), 0.0)
        free_q = free_q + select(free, q, 0.0)
    some = (load > 1e-300) & (load < 1e300) & (R > 1e-300) & (R < 1e300)
    loss = loss + free_q * log(select(some, R, 1.0))
    loss = loss + larger(log(select(some, load, 1.0)), 0.0) * smaller(row, column)
    return select(some & (absolute(loss) <= LARGEST), loss, np.inf)


@inner
def margin_error(classes, t):
    """Sum of the distances between the margins of q and those given."""
    error = filled(t.q, 0.0)
    for y in range(classes):
        for level in range(2):
            row = t.q[4 * y + 2 * level] + t.q[4 * y + 2 * level + 1]
            column = t.q[4 * y + level] + t.q[4 * y + level + 2]
            error = error + absolute(row - t.p1[2 * y + level]) + absolute(column - t.p2[2 * y + level])
    return error


@inner
def fill_dual(t, lane, lam_YA, mu_YB):
    """(lam, mu) with lam + mu = ln(q/Q) in all cells but the one with the least Q; 0 where a level is not taken."""
    cell = 0
    for other in range(1, 4):
        if t.total[other, lane] < t.total[cell, lane]:
            cell = other
    for y in range(len(lam_YA)):
        row, column = 1 - cell // 2, 1 - cell % 2  # the row and column that the cell is not in
        if t.p1[2 * y + row, lane] <= 0.0:
            row = 1 - row
        if t.p2[2 * y + column, lane] <= 0.0:
            column = 1 - column
        corner = t.ln_ratio[4 * y + 2 * row + column, lane]
        for level in range(2):
            lam_YA[y, level] = t.ln_ratio[4 * y + 2 * level + column, lane]
            mu_YB[y, level] = t.ln_ratio[4 * y + 2 * row + level, lane] - corner
