"""The linear algebra of a step for eight pairs in lanes: what ``class_systems`` does, vector by vector.

It may be rounded to float32: a wrong step costs steps, never the proof. Lanes cannot branch, so that a direction
without a pivot gets the inverse 0 by ``select``. Rows as in ``lanes_memory``.
"""

from __future__ import annotations

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import larger, smaller
from pidnet.execution.lanes import anywhere, filled, select, square_root

SMALLEST = 1e-30  # what float32 still tells from 0


@inner
def factor(s, e, Q, slack, tiny, system):
    """Factor the class blocks of q = Q e, and the matrix G + slack / Q of the cells."""
    factor_classes(s, e, Q, tiny, system)
    for c in range(s.C):
        diagonal = c * (s.C + s.C % 2) + c
        system.matrix[diagonal] = system.matrix[diagonal] + smaller(slack[c] / larger(Q[c], 1e-30), 1e30)
    add_eliminated(s, system)
    cholesky(s.C, tiny, system)


@inner
def factor_classes(s, e, Q, tiny, system):
    """Factor the class blocks of q = Q e; the matrix is G, its lower triangle, but for what ``add_eliminated`` adds."""
    for i in range(s.Y * s.C):
        system.e[i] = e[i]
    columns = s.C - s.C  # no literal: numba would compile what takes it twice
    for y in range(s.Y):
        class_block(s, y, Q, system)
        invert_factor(s.B, tiny, system.schur)
        for i in range(s.B * s.B):
            system.factor[y * s.B * s.B + i] = system.schur[i]
        columns = fill_root(s, y, columns, system)
    gram(s.C, s.Y * s.B, columns, system)


@inner
def class_block(s, y, Q, system):
    """1 / alpha and q / alpha of a class, and its Schur complement diag(beta) - q^T q / alpha, lower triangle."""
    zero, schur = filled(system.e, 0.0), system.schur
    for i in range(s.B * s.B):
        schur[i] = zero
    for a in range(s.A):
        row, alpha = (y * s.A + a) * s.B, zero
        for b in range(s.B):
            system.right[b] = Q[a * s.B + b] * system.e[row + b]
            alpha = alpha + system.right[b]
        some = alpha > SMALLEST
        inverse = select(some, 1.0 / select(some, alpha, 1.0), 0.0)
        system.inverse_alpha[y * s.A + a] = inverse
        for b in range(s.B):
            q = system.right[b]
            for other in range(b):
                schur[b * s.B + other] = schur[b * s.B + other] - q * system.ratio[row + other]
            system.ratio[row + b] = q * inverse
    for b in range(s.B):  # rows sum to zero: the diagonal from the rest, without cancellation
        for other in range(b):
            x = schur[b * s.B + other]
            schur[b * s.B + b] = schur[b * s.B + b] - x
            schur[other * s.B + other] = schur[other * s.B + other] - x


@inner
def invert_factor(B, tiny, m):
    """Replace the lower triangle of a semidefinite matrix by the inverse of its Cholesky factor; the last level that
    was seen with the class, and those that were not, leave zero rows."""
    last = filled(m, 0.0)
    for b in range(1, B):
        last = select(m[b * B + b] > 0.0, b, last)
    for i in range(B):
        whole = m[i * B + i]
        pivot = whole
        for j in range(i):
            total = m[i * B + j]
            for k in range(j):
                total = total - m[i * B + k] * m[j * B + k]
            total = total * m[j * B + j]
            m[i * B + j] = total
            pivot = pivot - total * total
        is_last = (last >= i) & (last <= i)
        some = (pivot > tiny * whole) & (whole > SMALLEST) & ~is_last
        m[i * B + i] = select(some, 1.0 / square_root(select(some, pivot, 1.0)), 0.0)
    for j in range(B):
        for i in range(j + 1, B):
            total = m[i * B + j] * m[j * B + j]
            for k in range(j + 1, i):
                total = total + m[i * B + k] * m[k * B + j]
            m[i * B + j] = -total * m[i * B + i]


@inner
def fill_root(s, y, columns, system):
    """Columns of a root of G that a class adds, but for those that are zero in all lanes; how many there are now."""
    factor, ratio, width = system.schur, system.ratio, s.Y * s.B
    for j in range(s.B):
        if not anywhere(factor[j * s.B + j] > 0.0):
            continue
        for a in range(s.A):
            row, lean = (y * s.A + a) * s.B, filled(factor, 0.0)
            for b in range(j + 1):
                lean = lean - factor[j * s.B + b] * ratio[row + b]
            for b in range(j + 1):
                value = system.e[row + b] * (lean + factor[j * s.B + b])
                system.root[(a * s.B + b) * width + columns] = value
            for b in range(j + 1, s.B):
                system.root[(a * s.B + b) * width + columns] = system.e[row + b] * lean
        columns += 1
    return columns


@inner
def gram(C, width, columns, system):
    """matrix = root root^T, in blocks of 2 x 2 cells on and below the diagonal: a product for each vector read."""
    root, even = system.root, C + C % 2
    for i in range(0, C, 2):
        top, below = i * width, (i + 1) * width
        for j in range(0, i + 1, 2):
            left, right = j * width, (j + 1) * width
            m00, m01, m10, m11 = filled(root, 0.0), filled(root, 0.0), filled(root, 0.0), filled(root, 0.0)
            for k in range(columns):
                i0, i1, j0, j1 = root[top + k], root[below + k], root[left + k], root[right + k]
                m00, m01 = m00 + i0 * j0, m01 + i0 * j1
                m10, m11 = m10 + i1 * j0, m11 + i1 * j1
            system.matrix[i * even + j], system.matrix[i * even + j + 1] = m00, m01
            system.matrix[(i + 1) * even + j], system.matrix[(i + 1) * even + j + 1] = m10, m11


@inner
def add_eliminated(s, system):
    """The part of G that stays within one level of source 1."""
    even, matrix = s.C + s.C % 2, system.matrix
    for y in range(s.Y):
        for a in range(s.A):
            row = (y * s.A + a) * s.B
            for b in range(s.B):
                scaled = system.e[row + b] * system.inverse_alpha[y * s.A + a]
                for other in range(b + 1):
                    at = (a * s.B + b) * even + a * s.B + other
                    matrix[at] = matrix[at] + scaled * system.e[row + other]


@inner
def cholesky(C, tiny, system):
    """Replace the lower triangle of the matrix by its factor, with the inverses of the pivots on the diagonal."""
    matrix, even = system.matrix, C + C % 2
    for c in range(C):
        system.diagonal[c] = matrix[c * even + c]
    for k in range(C):
        pivot = matrix[k * even + k]
        some = pivot > tiny * system.diagonal[k]
        inverse = select(some, 1.0 / square_root(select(some, pivot, 1.0)), 0.0)
        matrix[k * even + k] = inverse
        for i in range(k + 1, C):
            x = matrix[i * even + k] * inverse
            matrix[i * even + k] = x
            for j in range(k + 1, i + 1):
                matrix[i * even + j] = matrix[i * even + j] - x * matrix[j * even + k]


@inner
def solve_blocks(s, system):
    """step = L^+ right for every class."""
    B, ratio, half, right = s.B, system.ratio, system.half, system.right
    for y in range(s.Y):
        factor = y * B * B
        for b in range(B):
            total = system.right2[y * B + b]
            for a in range(s.A):
                total = total - ratio[(y * s.A + a) * B + b] * system.right1[y * s.A + a]
            right[b] = total
        for i in range(B):
            total = filled(right, 0.0)
            for j in range(i + 1):
                total = total + system.factor[factor + i * B + j] * right[j]
            half[i] = total
        for j in range(B):
            total = filled(right, 0.0)
            for i in range(j, B):
                total = total + system.factor[factor + i * B + j] * half[i]
            system.step2[y * B + j] = total
        for a in range(s.A):
            total = system.inverse_alpha[y * s.A + a] * system.right1[y * s.A + a]
            for b in range(B):
                total = total - ratio[(y * s.A + a) * B + b] * system.step2[y * B + b]
            system.step1[y * s.A + a] = total


@inner
def solve_cells(C, system):
    """response = (G + slack / Q)^-1 response."""
    x, matrix, even = system.response, system.matrix, C + C % 2
    for i in range(C):
        x[i] = x[i] * matrix[i * even + i]
        for j in range(i + 1, C):
            x[j] = x[j] - matrix[j * even + i] * x[i]
    for i in range(C - 1, -1, -1):
        x[i] = x[i] * matrix[i * even + i]
        for j in range(i):
            x[j] = x[j] - matrix[i * even + j] * x[i]


@inner
def fill_lift(s, system):
    """response = E^T step: what the step would add to the load of each cell, to first order."""
    for a in range(s.A):
        for b in range(s.B):
            total = filled(system.e, 0.0)
            for y in range(s.Y):
                both = system.step1[y * s.A + a] + system.step2[y * s.B + b]
                total = total + system.e[(y * s.A + a) * s.B + b] * both
            system.response[a * s.B + b] = total


@inner
def take_response(s, system):
    """right -= E response."""
    for y in range(s.Y):
        for a in range(s.A):
            total = system.right1[y * s.A + a]
            for b in range(s.B):
                total = total - system.e[(y * s.A + a) * s.B + b] * system.response[a * s.B + b]
            system.right1[y * s.A + a] = total
        for b in range(s.B):
            total = system.right2[y * s.B + b]
            for a in range(s.A):
                total = total - system.e[(y * s.A + a) * s.B + b] * system.response[a * s.B + b]
            system.right2[y * s.B + b] = total
