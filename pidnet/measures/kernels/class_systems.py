"""The linear algebra that the iterative measures share: one bipartite system for each class.

Both solvers take Newton steps with a matrix L + (coupling of the cells), where L holds one block a class:

    L_y = [ diag(alpha_y)  q_y          ]     alpha_y, beta_y: the row and column sums of q_y,
          [ q_y^T          diag(beta_y) ]     a table (level1, level2).

L_y is singular along (1, -1); only differences that do not feel it are ever used. The first source is
eliminated, the Schur complement on the second is factored, and its inverse factor is kept.

Arrays are class-major: Y class, A level of source 1, B level of source 2, C = A*B cells, K columns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

FAST = {"nsz", "arcp", "contract", "reassoc"}
TINY_PIVOT = 1e-13


class Blocks(NamedTuple):
    """Factored class blocks, and room for them.

    inverse_alpha: (Y, A). ratio: (Y, A, B), q / alpha. inverse_factor: (Y, B, B), lower triangular.
    tilt: (B,) scratch.
    """

    inverse_alpha: np.ndarray
    ratio: np.ndarray
    inverse_factor: np.ndarray
    tilt: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def allocate_blocks(levels1, levels2, classes):
    """Room for one pair."""
    return Blocks(
        np.zeros((classes, levels1)),
        np.zeros((classes, levels1, levels2)),
        np.zeros((classes, levels2, levels2)),
        np.zeros(levels2),
    )


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def factor_blocks(q_YAB, blocks):
    """Factor every class block of the tables q."""
    classes, levels1, levels2 = q_YAB.shape
    for y in range(classes):
        schur = blocks.inverse_factor[y]
        schur[:] = 0.0
        for a in range(levels1):
            row = q_YAB[y, a]
            alpha = 0.0
            for b in range(levels2):
                alpha += row[b]
            inverse = 1.0 / alpha if alpha > 0.0 else 0.0
            blocks.inverse_alpha[y, a] = inverse
            for b in range(levels2):
                blocks.ratio[y, a, b] = row[b] * inverse
            for b in range(levels2):
                for other in range(b):
                    schur[b, other] -= row[b] * blocks.ratio[y, a, other]
        _restore_diagonal(schur)
        _invert_factor(schur)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _restore_diagonal(schur):
    """Diagonal of a matrix whose rows sum to zero, from the rest: no cancellation."""
    size = len(schur)
    for b in range(size):
        schur[b, b] = 0.0
    for b in range(size):
        for other in range(b):
            schur[b, b] -= schur[b, other]
            schur[other, other] -= schur[b, other]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _invert_factor(m):
    """Replace the lower triangle of a semidefinite matrix by the inverse of its Cholesky factor.

    A level that was never seen with the class leaves a zero row, and so does the last one that was: the
    matrix is singular along (1, ..., 1), and roundoff must not decide where that shows.
    """
    size = len(m)
    last = size - 1
    while last > 0 and m[last, last] <= 0.0:
        last -= 1
    for i in range(size):
        whole = m[i, i]
        for j in range(i):
            total = m[i, j]
            for k in range(j):
                total -= m[i, k] * m[j, k]
            m[i, j] = total * m[j, j]
        pivot = whole
        for k in range(i):
            pivot -= m[i, k] * m[i, k]
        m[i, i] = 1.0 / np.sqrt(pivot) if i != last and pivot > TINY_PIVOT * whole else 0.0
    for j in range(size):
        for i in range(j + 1, size):
            total = m[i, j] * m[j, j]
            for k in range(j + 1, i):
                total += m[i, k] * m[k, j]
            m[i, j] = -total * m[i, i]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def solve_blocks(blocks, right1_YA, right2_YB, out1_YA, out2_YB):
    """Solve L x = right for every class; x is fixed up to the null direction of each block."""
    classes, levels1, levels2 = blocks.ratio.shape
    tilt = blocks.tilt
    for y in range(classes):
        factor = blocks.inverse_factor[y]
        for b in range(levels2):
            tilt[b] = right2_YB[y, b]
        for a in range(levels1):
            for b in range(levels2):
                tilt[b] -= blocks.ratio[y, a, b] * right1_YA[y, a]
        for i in range(levels2 - 1, -1, -1):
            total = 0.0
            for j in range(i + 1):
                total += factor[i, j] * tilt[j]
            tilt[i] = total
        for j in range(levels2):
            total = 0.0
            for i in range(j, levels2):
                total += factor[i, j] * tilt[i]
            out2_YB[y, j] = total
        for a in range(levels1):
            total = blocks.inverse_alpha[y, a] * right1_YA[y, a]
            for b in range(levels2):
                total -= blocks.ratio[y, a, b] * out2_YB[y, b]
            out1_YA[y, a] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def cell_matrix(blocks, e_YAB, root_CK, out_CC):
    """Lower triangle of G = E^T L^+ E, where column c of E puts e[y, a, b] on levels a and b of cell c.

    root_CK: room for (cells, classes * level2, rounded up); the columns that are not used must be zero.
    """
    classes, levels1, levels2 = e_YAB.shape
    column = 0
    for y in range(classes):
        factor = blocks.inverse_factor[y]
        for j in range(levels2):
            if factor[j, j] == 0.0:
                continue
            for a in range(levels1):
                lean = 0.0
                for b in range(j + 1):
                    lean += factor[j, b] * blocks.ratio[y, a, b]
                for b in range(levels2):
                    on_diagonal = factor[j, b] if b <= j else 0.0
                    root_CK[a * levels2 + b, column] = e_YAB[y, a, b] * (on_diagonal - lean)
            column += 1
    padded = (column + 7) // 8 * 8
    root_CK[:, column:padded] = 0.0
    _gram(root_CK, padded, out_CC)
    _add_eliminated(blocks, e_YAB, out_CC)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _gram(root_CK, columns, out_CC):
    """out = root root^T, lower triangle."""
    for i in range(len(out_CC)):
        for j in range(i + 1):
            total = 0.0
            for k in range(columns):
                total += root_CK[i, k] * root_CK[j, k]
            out_CC[i, j] = total


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def _add_eliminated(blocks, e_YAB, out_CC):
    """The part of G that stays within one level of the first source."""
    classes, levels1, levels2 = e_YAB.shape
    for y in range(classes):
        for a in range(levels1):
            inverse = blocks.inverse_alpha[y, a]
            for b in range(levels2):
                scaled = e_YAB[y, a, b] * inverse
                for other in range(b + 1):
                    out_CC[a * levels2 + b, a * levels2 + other] += scaled * e_YAB[y, a, other]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def solve_definite(matrix, right):
    """Solve a semidefinite system in place by Cholesky; a direction without a pivot stays at zero.

    matrix: lower triangle, destroyed. right: replaced by the solution.
    """
    size = len(right)
    for i in range(size):
        whole = matrix[i, i]
        solved = right[i]
        for j in range(i):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            total *= matrix[j, j]
            matrix[i, j] = total
            solved -= total * right[j]
        pivot = whole
        for k in range(i):
            pivot -= matrix[i, k] * matrix[i, k]
        matrix[i, i] = 1.0 / np.sqrt(pivot) if pivot > TINY_PIVOT * whole else 0.0
        right[i] = solved * matrix[i, i]
    for i in range(size - 1, -1, -1):
        right[i] *= matrix[i, i]
        for j in range(i):
            right[j] -= matrix[i, j] * right[i]
