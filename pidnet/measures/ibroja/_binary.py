"""The I_BROJA kernel for two binary sources: one root on the odds ratio, one pair at a time.

With two levels a source each class has one free number. At the minimum of sum q ln(q / Q) all class tables
share one odds ratio exp(w), and it is that of their sum Q. For a given w the class tables are closed forms;

    h(w) = w - ln( odds ratio of Q(w) )

increases and vanishes at the minimum. A table q whose classes share exp(w) gives a dual point that fails in
one cell only, by h; the cell may be chosen, so the gap is about min(Q) |h|, also where Q tends to 0.
``_twin.binary_minimum_nats`` finds the same root in NumPy and SciPy.

Arrays: P pair, Y class, cells in the order 00, 01, 10, 11.
"""

from __future__ import annotations

import numpy as np

from pidnet.execution.compiling import FAST, inner, kernel

EPSILON = 2.0**-52
MOST_STEPS = 100
LONGEST_MOVE = (
    8.0  # of w, a factor of 3,000 in the odds: Newton steps are longer only where h is all but flat
)
OTHER_ROUNDINGS = 64  # of terms and ends, on top of one addition a cell: a generous count


@kernel("I_BROJA one pair at a time")
def solve_binary(p1_PYA, p2_PYB, tolerance, upper_P, lower_P, lam_PYA, mu_PYB, Q_PC):
    """Fill certified ends of min sum q ln(q/Q) of each pair, nats, at most ``tolerance`` apart where reached, the
    dual point (lam, mu): how the minimum changes with the margins, and Q."""
    q_Y4, total_4 = np.zeros((p1_PYA.shape[1], 4)), np.zeros(4)
    for pair in range(len(p1_PYA)):
        find_root(p1_PYA[pair], p2_PYB[pair], tolerance, q_Y4, total_4)
        upper_P[pair], lower_P[pair] = certify_binary(p1_PYA[pair], p2_PYB[pair], q_Y4, total_4)
        fill_dual(p1_PYA[pair], p2_PYB[pair], q_Y4, total_4, lam_PYA[pair], mu_PYB[pair])
        Q_PC[pair] = total_4


@inner
def find_root(p1_YA, p2_YB, tolerance, q_Y4, total_4):
    """Newton steps on h(w), kept in a bracket, until the gap that h leaves is a hundredth of the tolerance."""
    low, high, w = -np.inf, np.inf, 0.0
    for _ in range(MOST_STEPS):
        freedom = fill_class_tables(p1_YA, p2_YB, np.exp(-abs(w)), w > 0.0, q_Y4)
        add_classes(q_Y4, total_4)
        if freedom == 0.0:
            return
        excess = w - np.log(total_4[0] * total_4[3] / (total_4[1] * total_4[2]))
        first, second = (0, 3) if excess > 0.0 else (1, 2)
        if min(total_4[first], total_4[second]) * abs(excess) < 0.01 * tolerance:
            return
        if excess > 0.0:
            high = w
        else:
            low = w
        slope = 1.0 - freedom * (1.0 / total_4[0] + 1.0 / total_4[1] + 1.0 / total_4[2] + 1.0 / total_4[3])
        move = -excess / slope if slope > 0.0 else -np.sign(excess) * LONGEST_MOVE
        w += max(-LONGEST_MOVE, min(LONGEST_MOVE, move))
        if not low < w < high:
            w = 0.5 * (low + high)


@inner(fastmath=FAST)
def fill_class_tables(p1_YA, p2_YB, ratio, mirrored, q_Y4):
    """Class tables with odds ratio ``ratio`` <= 1 (1 / ratio if mirrored); sum of d q00 / d w over the classes.

    Solves (1 - ratio) x^2 + (n - (1 - ratio)(r + c)) x - ratio r c = 0 for x = q00 in the form that does not
    cancel; r and c are the sums of its row and column, n the probability of the class.
    """
    freedom = 0.0
    for y in range(len(p1_YA)):
        row, other_row = p1_YA[y, 0], p1_YA[y, 1]
        column = p2_YB[y, 1] if mirrored else p2_YB[y, 0]
        other_column = p2_YB[y, 0] if mirrored else p2_YB[y, 1]
        total = row + other_row
        if min(row, other_row, column, other_column) > 0.0:
            linear = total - (1.0 - ratio) * (row + column)
            root = np.sqrt(linear * linear + 4.0 * (1.0 - ratio) * ratio * row * column)
            if linear >= 0.0:
                same = 2.0 * ratio * row * column / (linear + root)
            else:
                same = (root - linear) / (2.0 * (1.0 - ratio))
            same = max(min(same, row, column), row - other_column)
            right, below = row - same, column - same
            rest = ratio * right * below / same
            freedom += (
                same * rest * right * below / (same * rest * (right + below) + right * below * (same + rest))
            )
        else:
            share = 1.0 / total if total > 0.0 else 0.0
            same, right = row * column * share, row * other_column * share
            below, rest = other_row * column * share, other_row * other_column * share
        q_Y4[y, 0], q_Y4[y, 1] = (right, same) if mirrored else (same, right)
        q_Y4[y, 2], q_Y4[y, 3] = (rest, below) if mirrored else (below, rest)
    return freedom


@inner(fastmath=FAST)
def add_classes(q_Y4, total_4):
    """Q, the sum of the class tables."""
    total_4[:] = 0.0
    for y in range(len(q_Y4)):
        for cell in range(4):
            total_4[cell] += q_Y4[y, cell]


@inner
def certify_binary(p1_YA, p2_YB, q_Y4, total_4):
    """Upper and lower end of the minimum, nats: the value of q, and the best of four dual points.

    Dual point c equals ln(q/Q) in three cells; additivity then sets cell c to (product of its neighbors in a
    row and a column) / (the opposite cell), whose sum over the classes may exceed 1 and is shifted down.
    Roundoff in the sums, and in the margins of q, widens the interval.
    """
    upper, roundoff, steepest = binary_value_nats(q_Y4, total_4)
    least = np.inf
    for cell in range(4):
        loss, load = dual_loss(p1_YA, p2_YB, q_Y4, total_4, cell)
        row = p1_YA[:, cell // 2].sum()
        column = p2_YB[:, cell % 2].sum()
        loss += max(np.log(load), 0.0) * min(row, column)
        least = least if np.isnan(loss) else min(least, loss)
    astray = margin_error(p1_YA, p2_YB, q_Y4)
    widen = EPSILON * (q_Y4.size + OTHER_ROUNDINGS) * roundoff
    widen += astray * (4.0 * steepest + np.log(len(q_Y4)) + 1.0 - np.log(max(astray, EPSILON * EPSILON)))
    return upper + widen, upper - max(least, 0.0) - widen


@inner(fastmath=FAST)
def binary_value_nats(q_Y4, total_4):
    """sum q ln(q/Q), nats, the sum of the sizes of its terms, and the largest |ln(q/Q)|."""
    value, size, steepest = 0.0, 1.0, 0.0
    for cell in range(4):
        for y in range(len(q_Y4)):
            q = q_Y4[y, cell]
            if q > 0.0:
                ratio = np.log(q / total_4[cell])
                steepest = max(steepest, -ratio)
                value += q * ratio
                size -= q * ratio
    return value, size, steepest


@inner(fastmath=FAST)
def margin_error(p1_YA, p2_YB, q_Y4):
    """Sum of the distances between the margins of q and those given."""
    error = 0.0
    for y in range(len(q_Y4)):
        for level in range(2):
            error += abs(q_Y4[y, 2 * level] + q_Y4[y, 2 * level + 1] - p1_YA[y, level])
            error += abs(q_Y4[y, level] + q_Y4[y, level + 2] - p2_YB[y, level])
    return error


@inner
def dual_loss(p1_YA, p2_YB, q_Y4, total_4, cell):
    """(sum q ln(q/Q) - dual value, load of the constraint) of the dual point that gives way in ``cell``."""
    beside, below, opposite = cell ^ 1, cell ^ 2, cell ^ 3
    scale = total_4[opposite] / (total_4[beside] * total_4[below])
    loss, load = 0.0, 0.0
    for y in range(len(q_Y4)):
        row, column = p1_YA[y, cell // 2], p2_YB[y, cell % 2]
        if row <= 0.0 or column <= 0.0:
            continue
        q = q_Y4[y, cell]
        if p1_YA[y, 1 - cell // 2] <= 0.0 or p2_YB[y, 1 - cell % 2] <= 0.0:
            load += q / total_4[cell]
            continue
        given_way = q_Y4[y, beside] * q_Y4[y, below] / q_Y4[y, opposite] * scale
        load += given_way
        if q > 0.0:
            loss += q * np.log(q / (total_4[cell] * given_way))
    return loss, load


@inner
def fill_dual(p1_YA, p2_YB, q_Y4, total_4, lam_YA, mu_YB):
    """(lam, mu) with lam + mu = ln(q/Q) in all cells but the one with the least Q; 0 where a level is not taken."""
    cell = np.argmin(total_4)
    for y in range(len(p1_YA)):
        row, column = 1 - cell // 2, 1 - cell % 2  # the row and column that the cell is not in
        if p1_YA[y, row] <= 0.0:
            row = 1 - row
        if p2_YB[y, column] <= 0.0:
            column = 1 - column
        corner = ln_ratio(q_Y4, total_4, y, row, column)
        for level in range(2):
            lam_YA[y, level] = ln_ratio(q_Y4, total_4, y, level, column)
            mu_YB[y, level] = ln_ratio(q_Y4, total_4, y, row, level) - corner


@inner
def ln_ratio(q_Y4, total_4, y, row, column):
    """ln(q/Q) of a cell, 0 where q is 0."""
    q = q_Y4[y, 2 * row + column]
    return np.log(q / total_4[2 * row + column]) if q > 0.0 else 0.0
