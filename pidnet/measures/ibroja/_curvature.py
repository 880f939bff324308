"""How much the minimum of I_BROJA bends: tr(V'' Sigma), from which its bias over samples follows.

V(p1, p2) = min sum q ln(q/Q) has the second derivative

    V'' = ( L + E diag(Q / slack) E^T )^+

at the optimum q = Q e, with L the class systems of q, E those of e (see ``_kernels.class_systems``) and the cells
without slack held where they are. Samples scatter as Sigma / N, Sigma = L(p) but for a part along which V is linear,
since V is homogeneous:

    tr(V'' Sigma) = sum_y tr( L^+ L(p) )  -  tr( (G + slack / Q)^-1 sum_y E^T L^+ L(p) L^+ E ),    G = E^T L^+ E.

Eight pairs stand in the lanes of vector registers; ``_kernels.lanes_system`` factors L and G + slack / Q, as for a step.
``_twin.curvature_trace`` inverts V'' whole. Axis letters: P pair, Y class, A/B level of source 1/2, C = A*B cells; rows as
in ``_kernels.lanes_memory``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pidnet.execution.compiling import inner, kernel
from pidnet.execution.lane_math import take
from pidnet.execution.lanes import LANES, Row, filled
from pidnet.measures._kernels.lanes_memory import Shape, system_size, take_system
from pidnet.measures._kernels.lanes_system import factor

LEAST_SLACK = 1e-14  # roundoff of a load
TINY_PIVOT = 1e-13


class Scatter(NamedTuple):
    """p, e (table), Q, slack (cells), scatter (C, C): sum_y E^T L^+ L(p) L^+ E. Of a class, with W = A + B levels:
    inverse = L^+, product = L(p) L^+, both = L^+ L(p) L^+, each (W, W), and both E without its factors e, (W, C)."""

    p: Row
    e: Row
    Q: Row
    slack: Row
    scatter: Row
    inverse: Row
    product: Row
    both: Row
    on_cells: Row


def fill_traces(
    p_PABY: np.ndarray, e1_PAY: np.ndarray, e2_PBY: np.ndarray, Q_PAB: np.ndarray, trace_P: np.ndarray
) -> None:
    """tr(V'' Sigma) of each pair, at its optimum q = Q e1 e2."""
    A, B, Y = p_PABY.shape[1:]
    cells, levels = A * B, A + B
    size = (2 * Y + 2) * cells + cells * cells + 3 * levels * levels + levels * cells + 1
    memory = np.zeros(LANES * size), np.zeros(LANES * system_size(A, B, Y))
    _fill_in_lanes(p_PABY, (e1_PAY, e2_PBY, Q_PAB), trace_P, *memory)


@kernel("the bias of I_BROJA")
def _fill_in_lanes(p_PABY, point, trace_P, memory, system_memory):
    e1_PAY, e2_PBY, Q_PAB = point
    pairs, A, B, Y = p_PABY.shape
    s, cursor = Shape(A, B, Y, A * B), np.zeros(1, np.int64)
    w = take_scatter(memory, cursor, s)
    answer, system = take(memory, cursor, 1), take_system(system_memory, np.zeros(1, np.int64), s)
    for first in range(0, pairs, LANES):
        for lane in range(LANES):  # lanes beyond the last pair repeat it
            pair = min(first + lane, pairs - 1)
            read_pair(s, p_PABY[pair], (e1_PAY[pair], e2_PBY[pair], Q_PAB[pair]), w, lane)
        find_traces(s, w, system, answer)
        for lane in range(min(LANES, pairs - first)):
            trace_P[first + lane] = answer[0, lane]


@inner
def take_scatter(array, cursor, s):
    levels = s.A + s.B
    p, e = take(array, cursor, s.Y * s.C), take(array, cursor, s.Y * s.C)
    Q, slack, scatter = take(array, cursor, s.C), take(array, cursor, s.C), take(array, cursor, s.C * s.C)
    inverse, product = take(array, cursor, levels * levels), take(array, cursor, levels * levels)
    both, on_cells = take(array, cursor, levels * levels), take(array, cursor, levels * s.C)
    return Scatter(p, e, Q, slack, scatter, inverse, product, both, on_cells)


@inner
def read_pair(s, p_ABY, point, w, lane):
    """A pair into a lane."""
    e1_AY, e2_BY, Q_AB = point
    for a in range(s.A):
        for b in range(s.B):
            slack = 1.0
            for y in range(s.Y):
                w.p[(y * s.A + a) * s.B + b, lane] = p_ABY[a, b, y]
                e = e1_AY[a, y] * e2_BY[b, y]
                w.e[(y * s.A + a) * s.B + b, lane] = e
                slack -= e
            w.slack[a * s.B + b, lane] = max(slack, LEAST_SLACK)
            w.Q[a * s.B + b, lane] = Q_AB[a, b]


@inner
def find_traces(s, w, system, answer):
    """The traces of the pairs in the lanes."""
    factor(s, w.e, w.Q, w.slack, TINY_PIVOT, system)
    total = filled(w.p, 0.0)
    for i in range(s.C * s.C):
        w.scatter[i] = total
    for y in range(s.Y):
        fill_inverse(s, y, system, w.inverse)
        fill_product(s, y, w)
        levels = s.A + s.B
        for i in range(levels):
            total = total + w.product[i * levels + i]
        fill_both(levels, w)
        add_scatter(s, y, w)
    answer[0] = total - trace_of_solved(s.C, w.scatter, system)


@inner
def trace_of_solved(C, symmetric, system):
    """tr( (G + slack / Q)^-1 symmetric ) = sum_i (L^-1 symmetric L^-T)_ii, L the factor, of a matrix of which the lower
    triangle is given; L^-1 symmetric takes its place. Not by L^-1 itself, which is large where L is all but singular, and
    the matrix has nothing there."""
    matrix, even, total = system.matrix, C + C % 2, filled(symmetric, 0.0)
    for i in range(C):
        for c in range(i):
            symmetric[c * C + i] = symmetric[i * C + c]
    for i in range(C):
        for c in range(C):
            x = symmetric[i * C + c]
            for j in range(i):
                x = x - matrix[i * even + j] * symmetric[j * C + c]
            symmetric[i * C + c] = x * matrix[i * even + i]
    for i in range(C):
        for k in range(i + 1):
            x = symmetric[i * C + k]
            for j in range(k):
                x = x - matrix[k * even + j] * system.response[j]
            system.response[k] = x * matrix[k * even + k]
        total = total + system.response[i]
    return total


@inner
def fill_inverse(s, y, system, inverse):
    """An inverse of one class system from its factors: 1 / alpha, q / alpha, and F with F^T F the inverse of the Schur
    complement."""
    A, B, W = s.A, s.B, s.A + s.B
    for b in range(B):
        for other in range(b + 1):
            total = filled(inverse, 0.0)
            for k in range(b, B):
                row = y * B * B + k * B
                total = total + system.factor[row + b] * system.factor[row + other]
            inverse[(A + b) * W + A + other], inverse[(A + other) * W + A + b] = total, total
    for a in range(A):
        row = (y * A + a) * B
        for b in range(B):
            total = filled(inverse, 0.0)
            for k in range(B):
                total = total - system.ratio[row + k] * inverse[(A + k) * W + A + b]
            inverse[a * W + A + b], inverse[(A + b) * W + a] = total, total
        for other in range(a + 1):
            total = filled(inverse, 0.0)
            for k in range(B):
                total = total - inverse[a * W + A + k] * system.ratio[(y * A + other) * B + k]
            inverse[a * W + other], inverse[other * W + a] = total, total
        inverse[a * W + a] = inverse[a * W + a] + system.inverse_alpha[y * A + a]


@inner
def fill_product(s, y, w):
    """L(p) L^+ of a class: each cell of p adds its two levels to both of them."""
    A, W = s.A, s.A + s.B
    for i in range(W * W):
        w.product[i] = filled(w.p, 0.0)
    for a in range(A):
        for b in range(s.B):
            p, at_a, at_b = w.p[(y * A + a) * s.B + b], a * W, (A + b) * W
            for i in range(W):
                part = p * (w.inverse[at_a + i] + w.inverse[at_b + i])
                w.product[at_a + i] = w.product[at_a + i] + part
                w.product[at_b + i] = w.product[at_b + i] + part


@inner
def fill_both(levels, w):
    """L^+ L(p) L^+ of a class."""
    for i in range(levels):
        for j in range(i + 1):
            total = filled(w.p, 0.0)
            for k in range(levels):
                total = total + w.inverse[i * levels + k] * w.product[k * levels + j]
            w.both[i * levels + j], w.both[j * levels + i] = total, total


@inner
def add_scatter(s, y, w):
    """Add E^T both E of a class, the lower triangle."""
    A, B, W = s.A, s.B, s.A + s.B
    table = y * s.C
    for i in range(W):
        for a in range(A):
            for b in range(B):
                value = w.both[i * W + a] + w.both[i * W + A + b]
                w.on_cells[i * s.C + a * B + b] = value * w.e[table + a * B + b]
    for c in range(s.C):
        of_a, of_b, e = (c // B) * s.C, (A + c % B) * s.C, w.e[table + c]
        for d in range(c + 1):
            at = c * s.C + d
            w.scatter[at] = w.scatter[at] + e * (w.on_cells[of_a + d] + w.on_cells[of_b + d])
