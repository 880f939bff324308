"""The step of the general I_BROJA kernel where tables have more cells than levels: one system in the levels.

The response of the cells is (Q / slack) E^T d, so that the step d of the levels solves

    (L + E diag(Q / slack) E^T) d = p - E tau / slack,

a matrix of Y (A + B) rows instead of A B: for (40, 40, 3) 240 instead of 1,600. Cells of one level of source 1 meet
those of no other, so the matrix has a row for every class and level and no other than these blocks:

    (y, a), (z, a):  sum_b Q e(y) e(z) / slack      (y, b), (z, b):  sum_a      (y, a), (z, b):  Q e(y) e(z) / slack

and on top of them L, the row and column sums of q = Q e on the diagonal and q itself between (y, a) and (y, b).

Arrays are class-major: Y class, A level of source 1, B level of source 2, K = Y (A + B) levels, source 1 first.
"""

from __future__ import annotations

from pidnet.execution.compiling import FAST, inner
from pidnet.measures._kernels.class_systems import solve_definite


@inner
def find_levels(at, system, step):
    """The steps of lam and mu."""
    classes, levels1, levels2 = at.e.shape
    fill_levels(at.e, at.Q, at.slack, system.q, system.matrix)
    second = classes * levels1  # the first row of source 2
    for y in range(classes):
        for a in range(levels1):
            system.right[y * levels1 + a] = system.right1[y, a]
        for b in range(levels2):
            system.right[second + y * levels2 + b] = system.right2[y, b]
    solve_definite(system.matrix, system.right, system.levels)
    for y in range(classes):
        for a in range(levels1):
            step.lam[y, a] = system.levels[y * levels1 + a]
        for b in range(levels2):
            step.mu[y, b] = system.levels[second + y * levels2 + b]


@inner(fastmath=FAST)
def fill_levels(e_YAB, Q_C, slack_C, q_YAB, out_KK):
    """Lower triangle of L + E diag(Q / slack) E^T."""
    classes, levels1, levels2 = e_YAB.shape
    second = classes * levels1  # the first row of source 2
    for i in range(len(out_KK)):
        for j in range(i + 1):
            out_KK[i, j] = 0.0
    for a in range(levels1):
        for b in range(levels2):
            weight = Q_C[a * levels2 + b] / slack_C[a * levels2 + b]
            for y in range(classes):
                row1, row2 = y * levels1 + a, second + y * levels2 + b
                pull, q = weight * e_YAB[y, a, b], q_YAB[y, a, b]
                out_KK[row1, row1] += q
                out_KK[row2, row2] += q
                out_KK[row2, row1] += q
                for z in range(classes):
                    together = pull * e_YAB[z, a, b]
                    out_KK[row2, z * levels1 + a] += together
                    if z <= y:
                        out_KK[row1, z * levels1 + a] += together
                        out_KK[row2, second + z * levels2 + b] += together
