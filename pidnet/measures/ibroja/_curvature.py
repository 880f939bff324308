"""How much the minimum of I_BROJA bends: tr(V'' Sigma), from which its bias over samples follows.

V(p1, p2) = min sum q ln(q/Q) has the second derivative

    V'' = ( L + E diag(Q / slack) E^T )^+

at the optimum q = Q e, with L the class systems of q, E those of e (see ``_kernels.class_systems``) and the cells
without slack held where they are. Samples scatter as Sigma / N, Sigma = L(p) but for a part along which V is linear,
since V is homogeneous. With u_c the two levels of a cell c in its class,

    tr(V'' Sigma) = sum_yc p(y,c) u_c^T L^+ u_c  -  sum_yc p(y,c) w_yc^T (G + slack / Q)^-1 w_yc,
    w_yc = E^T L^+ u_c,    G = E^T L^+ E.

``_twin.curvature_trace`` inverts V'' whole. Axis letters: P pair, Y class, A/B level of source 1/2, C = A*B cells.
"""

from __future__ import annotations

import numpy as np

from pidnet.execution.compiling import FAST, inner, kernel
from pidnet.measures._kernels.class_systems import allocate_blocks, factor_blocks

LEAST_SLACK = 1e-14  # roundoff of a load
TINY_PIVOT = 1e-11


@kernel("the bias of I_BROJA")
def fill_traces(p_PYAB, e_PYAB, Q_PAB, trace_P):
    """tr(V'' Sigma) of each pair, at its optimum q = Q e."""
    pairs, classes, levels1, levels2 = p_PYAB.shape
    cells = levels1 * levels2
    blocks = allocate_blocks(levels1, levels2, classes)
    q, slack = np.empty((classes, levels1, levels2)), np.empty((levels1, levels2))
    inverse = np.empty((levels1 + levels2, levels1 + levels2))
    among = np.empty((cells, cells))
    matrix, sides = np.empty((cells, cells)), np.empty((cells, classes * cells))
    for pair in range(pairs):
        p, e, Q = p_PYAB[pair], e_PYAB[pair], Q_PAB[pair]
        fill_point(e, Q, q, slack)
        factor_blocks(q, blocks)
        matrix[:] = 0.0
        total = 0.0
        for y in range(classes):
            fill_inverse(blocks.inverse_alpha[y], blocks.ratio[y], blocks.inverse_factor[y], inverse)
            fill_among(inverse, among, levels1, levels2)
            total += add_class(p[y], e[y], among, matrix, sides[:, y * cells : (y + 1) * cells])
        for cell in range(cells):
            a, b = cell // levels2, cell % levels2
            matrix[cell, cell] += max(slack[a, b], LEAST_SLACK) / max(Q[a, b], LEAST_SLACK)
        trace_P[pair] = total - squares_of_solutions(matrix, sides)


@inner(fastmath=FAST)
def fill_point(e, Q, q, slack):
    """q = Q e and slack = 1 - sum_y e."""
    for a in range(Q.shape[0]):
        for b in range(Q.shape[1]):
            slack[a, b] = 1.0
            for y in range(len(e)):
                q[y, a, b] = Q[a, b] * e[y, a, b]
                slack[a, b] -= e[y, a, b]


@inner(fastmath=FAST)
def fill_inverse(inverse_alpha, ratio, factor, inverse):
    """An inverse of one class system, (A + B, A + B), from its factors: 1 / alpha, q / alpha, and F with
    F^T F the inverse of the Schur complement."""
    levels1, levels2 = ratio.shape
    for b in range(levels2):
        for other in range(levels2):
            total = 0.0
            for k in range(max(b, other), levels2):
                total += factor[k, b] * factor[k, other]
            inverse[levels1 + b, levels1 + other] = total
    for a in range(levels1):
        for b in range(levels2):
            total = 0.0
            for k in range(levels2):
                total -= ratio[a, k] * inverse[levels1 + k, levels1 + b]
            inverse[a, levels1 + b] = total
            inverse[levels1 + b, a] = total
    for a in range(levels1):
        for other in range(levels1):
            total = inverse_alpha[a] if a == other else 0.0
            for k in range(levels2):
                total -= inverse[a, levels1 + k] * ratio[other, k]
            inverse[a, other] = total


@inner(fastmath=FAST)
def fill_among(inverse, among, levels1, levels2):
    """u_c^T L^+ u_d of all cells c, d."""
    for a in range(levels1):
        for b in range(levels2):
            row, second = a * levels2 + b, levels1 + b
            for other_a in range(levels1):
                of_a = inverse[a, other_a] + inverse[second, other_a]
                for other_b in range(levels2):
                    of_b = inverse[a, levels1 + other_b] + inverse[second, levels1 + other_b]
                    among[row, other_a * levels2 + other_b] = of_a + of_b


@inner(fastmath=FAST)
def add_class(p, e, among, matrix, sides):
    """Add the part of a class to G, fill sqrt(p) w of its cells as columns, and return sum_c p u^T L^+ u."""
    cells, levels2 = len(among), p.shape[1]
    total = 0.0
    for cell in range(cells):
        of_cell = e[cell // levels2, cell % levels2]
        for other in range(cells):
            matrix[cell, other] += of_cell * among[cell, other] * e[other // levels2, other % levels2]
            sides[cell, other] = of_cell * among[cell, other] * np.sqrt(p[other // levels2, other % levels2])
        total += p[cell // levels2, cell % levels2] * among[cell, cell]
    return total


@inner(fastmath=FAST)
def squares_of_solutions(m, sides):
    """sum over columns s of s^T m^-1 s; m and the columns are overwritten. Directions in which m vanishes are left
    out: no column has a part in them."""
    size, columns = sides.shape
    total = 0.0
    for i in range(size):
        whole = m[i, i]
        for j in range(i):
            value = m[i, j]
            for k in range(j):
                value -= m[i, k] * m[j, k]
            m[i, j] = value * m[j, j]
        pivot = whole
        for k in range(i):
            pivot -= m[i, k] * m[i, k]
        m[i, i] = 1.0 / np.sqrt(pivot) if pivot > TINY_PIVOT * whole else 0.0
        for k in range(i):
            for column in range(columns):
                sides[i, column] -= m[i, k] * sides[k, column]
        for column in range(columns):
            sides[i, column] *= m[i, i]
            total += sides[i, column] ** 2
    return total
