"""The linear algebra that the iterative measures share: one bipartite system for each class.

A step of Newton's method changes every cell of a table q(x1,x2,y) by one unknown of its levels (x1,y), one of
(x2,y) and one of its cell (x1,x2). Drawn for 2 classes, with d_y the unknowns of the levels, x those of the cells:

          levels of class 1   of class 2   cells
        [ L_1                              E_1  ] [ d_1 ]   [ r_1 ]          [ diag(alpha_y)  q_y          ]
        [                     L_2          E_2  ] [ d_2 ] = [ r_2 ]    L_y = [                             ]
        [ E_1^T               E_2^T        D    ] [ x   ]   [ r_C ]          [ q_y^T          diag(beta_y) ]

alpha_y, beta_y are the row and column sums of q_y; column c of E_y puts e(y,c) on the two levels of cell c; D is
diagonal (with signs, see the solvers). An iteration: ``factor_blocks`` -> L_y^+; ``cell_matrix`` -> G = E^T L^+ E;
``solve_blocks`` -> the d that x = 0 would give; ``solve_definite`` on G and D -> x; ``solve_blocks`` -> d.

Within a block the levels of source 1 are eliminated (their part is diagonal), and the Schur complement
diag(beta) - q^T diag(1 / alpha) q on the levels of source 2 is factored; the inverse of its factor is kept.
L_y is singular along (1, -1): only differences that do not feel it are ever used.

Why not LAPACK: blocks are 4 x 4 and systems 16 x 16, where the overhead of a call exceeds the work.
``twins`` has the same in dense NumPy, by pseudoinverses.

Arrays are class-major: Y class, A level of source 1, B level of source 2, C = A*B cells, K columns.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pidnet.execution.compiling import FAST, inner

# A pivot below this share of its diagonal entry is what roundoff (2e-16 an operation, some hundred of them) leaves
# of an exact zero, and its direction one that changes nothing.
TINY_PIVOT = 1e-13
LANES = 8  # float64 in the widest vector register: rows whose length is a multiple need no remainder loop


class Blocks(NamedTuple):
    """Factored class blocks.

    inverse_alpha: (Y, A). ratio: (Y, A, B), q / alpha. inverse_factor: (Y, B, B), lower triangular.
    right: (B,), scratch: the right side of one class with source 1 eliminated. half: (B,), the inverse factor times it.
    """

    inverse_alpha: np.ndarray
    ratio: np.ndarray
    inverse_factor: np.ndarray
    right: np.ndarray
    half: np.ndarray


@inner
def allocate_blocks(levels1, levels2, classes):
    """Blocks for one pair."""
    return Blocks(
        inverse_alpha=np.zeros((classes, levels1)),
        ratio=np.zeros((classes, levels1, levels2)),
        inverse_factor=np.zeros((classes, levels2, levels2)),
        right=np.zeros(levels2),
        half=np.zeros(levels2),
    )


@inner
def padded(columns):
    """The next multiple of LANES."""
    return (columns + LANES - 1) // LANES * LANES


@inner(fastmath=FAST)
def factor_blocks(q_YAB, blocks):
    """Factor every class block of the tables q."""
    classes, levels1, levels2 = q_YAB.shape
    for y in range(classes):
        schur = blocks.inverse_factor[y]
        for b in range(levels2):
            for other in range(levels2):
                schur[b, other] = 0.0
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


@inner(fastmath=FAST)
def _restore_diagonal(schur):
    """Diagonal of a matrix whose rows sum to zero, from the rest: no cancellation."""
    size = len(schur)
    for b in range(size):
        schur[b, b] = 0.0
    for b in range(size):
        for other in range(b):
            schur[b, b] -= schur[b, other]
            schur[other, other] -= schur[b, other]


@inner(fastmath=FAST)
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


@inner(fastmath=FAST)
def solve_blocks(blocks, right1_YA, right2_YB, out1_YA, out2_YB):
    """Solve L x = right for every class; x is fixed up to the null direction of each block."""
    classes, levels1, levels2 = blocks.ratio.shape
    right, half = blocks.right, blocks.half
    for y in range(classes):
        factor = blocks.inverse_factor[y]
        for b in range(levels2):
            right[b] = right2_YB[y, b]
        for a in range(levels1):
            for b in range(levels2):
                right[b] -= blocks.ratio[y, a, b] * right1_YA[y, a]
        for i in range(levels2):
            total = 0.0
            for j in range(i + 1):
                total += factor[i, j] * right[j]
            half[i] = total
        for j in range(levels2):
            total = 0.0
            for i in range(j, levels2):
                total += factor[i, j] * half[i]
            out2_YB[y, j] = total
        for a in range(levels1):
            total = blocks.inverse_alpha[y, a] * right1_YA[y, a]
            for b in range(levels2):
                total -= blocks.ratio[y, a, b] * out2_YB[y, b]
            out1_YA[y, a] = total


@inner(fastmath=FAST)
def cell_matrix(blocks, e_YAB, root_CK, out_CC):
    """Lower triangle of G = E^T L^+ E, where column c of E puts e[y, a, b] on levels a and b of cell c.

    root_CK: scratch, (cells, padded(classes * level2)): G without its eliminated part is root root^T.
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
    columns = padded(column)
    for c in range(len(root_CK)):
        for k in range(column, columns):
            root_CK[c, k] = 0.0
    _gram(root_CK, columns, out_CC)
    _add_eliminated(blocks, e_YAB, out_CC)


@inner(fastmath=FAST)
def _gram(root_CK, columns, out_CC):
    """out = root root^T, lower triangle."""
    for i in range(len(out_CC)):
        for j in range(i + 1):
            total = 0.0
            for k in range(columns):
                total += root_CK[i, k] * root_CK[j, k]
            out_CC[i, j] = total


@inner(fastmath=FAST)
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


@inner(fastmath=FAST)
def solve_definite(matrix_CC, right_C, solution_C):
    """Solve a semidefinite system by Cholesky; a direction without a pivot stays at zero.

    matrix: lower triangle, replaced by its factor, with the inverse of the pivots on the diagonal.
    """
    size = len(right_C)
    for i in range(size):
        whole = matrix_CC[i, i]
        solved = right_C[i]
        for j in range(i):
            total = matrix_CC[i, j]
            for k in range(j):
                total -= matrix_CC[i, k] * matrix_CC[j, k]
            total *= matrix_CC[j, j]
            matrix_CC[i, j] = total
            solved -= total * solution_C[j]
        pivot = whole
        for k in range(i):
            pivot -= matrix_CC[i, k] * matrix_CC[i, k]
        matrix_CC[i, i] = 1.0 / np.sqrt(pivot) if pivot > TINY_PIVOT * whole else 0.0
        solution_C[i] = solved * matrix_CC[i, i]
    for i in range(size - 1, -1, -1):
        solution_C[i] *= matrix_CC[i, i]
        for j in range(i):
            solution_C[j] -= matrix_CC[i, j] * solution_C[i]
