"""The table of largest entropy with all three pairwise margins fixed, one pair at a time.

Such a table is q = exp(alpha(x1,x2) + beta(x1,y) + gamma(x2,y)) on the cells that no margin forces to zero, and
maximizes sum p ln q - sum q. Each round fits the three margins in turn, which always improves that value, and
proposes a Newton step of the exponents, which is taken if it improves it too. Proportional fitting alone stalls
where the margins force further cells to zero: there Newton steps shrink such a cell by 1/e each.

The Newton step solves, for the margins that q misses,

    sum_b q (alpha + beta + gamma) = missing1,   sum_a (same) = missing2,   sum_y (same) = missing12,

which are the class systems of q with e = q and D = diag(margin12) (see ``class_systems``):
(D - G) alpha = missing12 - E^T L^+ missing. ``twins.maximum_entropy`` is proportional fitting in NumPy.

Arrays are class-major: Y class, A level of source 1, B level of source 2, C = A*B cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pidnet.execution.compiling import FAST, inner
from pidnet.measures._kernels.class_systems import (
    Blocks,
    allocate_blocks,
    cell_matrix,
    factor_blocks,
    padded,
    solve_blocks,
    solve_definite,
)
from pidnet.measures._kernels.margins import Margins, allocate_margins, copy_levels

SWEEPS = 6  # of proportional fitting before the first step: a tenth of its cost together, and they save one of four
MOST_ROUNDS = 200
LONGEST_MOVE = 3.0  # of an exponent in a step: exponentials are not linear beyond
ROUNDOFF = 1e-15  # a step that loses less improves q as far as one can tell
# Of the diagonal, on it: D - G is singular in directions that change nothing, such as a constant added to alpha and
# taken off beta. It lifts their pivots above roundoff, as small as TINY_PIVOT, and moves the other steps by as much.
RIDGE = 1e-13


class System(NamedTuple):
    """The linear system of one step.

    margin12 (C,): that of q. held1 (Y, A), held2 (Y, B): the step with alpha held at 0. right12 (C,): what is
    missing then. rest1 (Y, A), rest2 (Y, B): what alpha leaves of missing1, missing2. matrix (C, C): D - G, then
    its factor. root (C, columns): scratch of ``cell_matrix``.
    """

    margin12: np.ndarray
    held1: np.ndarray
    held2: np.ndarray
    right12: np.ndarray
    rest1: np.ndarray
    rest2: np.ndarray
    matrix: np.ndarray
    root: np.ndarray
    blocks: Blocks


class Fit(NamedTuple):
    """The memory of one pair, allocated once a thread.

    q, proposal: (Y, A, B), the table and the one that a step leads to. scale12: (C,), the last factor of
    proportional fitting. given, missing: the margins of p, and these less those of q. step: of alpha, beta, gamma,
    in the places of the margins (x1,x2), (x1,y), (x2,y); growth: the factors exp(length * step).
    """

    q: np.ndarray
    proposal: np.ndarray
    scale12: np.ndarray
    given: Margins
    missing: Margins
    step: Margins
    growth: Margins
    system: System


@inner
def allocate_fit(levels1, levels2, classes):
    """Memory for pairs of one shape."""
    cells = levels1 * levels2
    return Fit(
        q=np.zeros((classes, levels1, levels2)),
        proposal=np.zeros((classes, levels1, levels2)),
        scale12=np.zeros(cells),
        given=allocate_margins(levels1, levels2, classes),
        missing=allocate_margins(levels1, levels2, classes),
        step=allocate_margins(levels1, levels2, classes),
        growth=allocate_margins(levels1, levels2, classes),
        system=System(
            margin12=np.zeros(cells),
            held1=np.zeros((classes, levels1)),
            held2=np.zeros((classes, levels2)),
            right12=np.zeros(cells),
            rest1=np.zeros((classes, levels1)),
            rest2=np.zeros((classes, levels2)),
            matrix=np.zeros((cells, cells)),
            root=np.zeros((cells, padded(classes * levels2))),
            blocks=allocate_blocks(levels1, levels2, classes),
        ),
    )


@inner
def fit_margins(fit, tolerance):
    """Bring q to the given margins until a Newton step would move less than ``tolerance`` of its mass.

    Begins at the q that is there, first the one of ``open_cells``. Leaves the step in fit.step, and returns the mass
    it would move.
    """
    moved = np.inf
    for _ in range(SWEEPS):
        scale_margins(fit.given, fit.q, fit.system.margin12, fit.scale12)
    for _ in range(MOST_ROUNDS):
        scale_margins(fit.given, fit.q, fit.system.margin12, fit.scale12)
        longest, moved = propose_exponents(fit)
        if moved <= tolerance:
            break
        length = 1.0 / max(1.0, longest / LONGEST_MOVE)
        take_if_better(fit.given, fit.step, length, fit.growth, fit.q, fit.proposal)
    return moved


@inner(fastmath=FAST)
def open_cells(given, q_YAB):
    """q = 1 where all three given margins are positive."""
    classes, levels1, levels2 = q_YAB.shape
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                cell = given.of_12[a * levels2 + b] * given.of_1[y, a] * given.of_2[y, b]
                q_YAB[y, a, b] = 1.0 if cell > 0.0 else 0.0


@inner(fastmath=FAST)
def scale_margins(given, q_YAB, margin12_C, scale12_C):
    """Fit the margins (x1,y), (x2,y) and (x1,x2) in turn."""
    classes, levels1, levels2 = q_YAB.shape
    margin12_C[:] = 0.0
    for y in range(classes):
        q_AB = q_YAB[y]
        for a in range(levels1):
            total = 0.0
            for b in range(levels2):
                total += q_AB[a, b]
            factor = given.of_1[y, a] / total if total > 0.0 else 0.0
            for b in range(levels2):
                q_AB[a, b] *= factor
        for b in range(levels2):
            total = 0.0
            for a in range(levels1):
                total += q_AB[a, b]
            factor = given.of_2[y, b] / total if total > 0.0 else 0.0
            for a in range(levels1):
                q_AB[a, b] *= factor
                margin12_C[a * levels2 + b] += q_AB[a, b]
    for cell in range(len(margin12_C)):
        scale12_C[cell] = given.of_12[cell] / margin12_C[cell] if margin12_C[cell] > 0.0 else 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                q_YAB[y, a, b] *= scale12_C[a * levels2 + b]


@inner(fastmath=FAST)
def propose_exponents(fit):
    """Newton step of the exponents; its largest change of an exponent, and the mass it moves."""
    fill_missing(fit.given, fit.q, fit.missing, fit.system.margin12)
    solve_exponents(fit.q, fit.missing, fit.step, fit.system)
    return measure_step(fit.step, fit.q)


@inner(fastmath=FAST)
def fill_missing(given, q_YAB, missing, margin12_C):
    """missing = margin given - margin of q; margin12 = the (x1,x2) margin of q."""
    classes, levels1, levels2 = q_YAB.shape
    copy_levels(given.of_1, missing.of_1)
    copy_levels(given.of_2, missing.of_2)
    margin12_C[:] = 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                q = q_YAB[y, a, b]
                missing.of_1[y, a] -= q
                missing.of_2[y, b] -= q
                margin12_C[a * levels2 + b] += q
    for cell in range(levels1 * levels2):
        missing.of_12[cell] = given.of_12[cell] - margin12_C[cell]


@inner(fastmath=FAST)
def solve_exponents(q_YAB, right, out, system):
    """Exponents ``out`` whose weighting by q has the margins ``right``. system.margin12: that of q."""
    factor_blocks(q_YAB, system.blocks)
    cell_matrix(system.blocks, q_YAB, system.root, system.matrix)
    for i in range(len(system.margin12)):
        for j in range(i + 1):
            system.matrix[i, j] = -system.matrix[i, j]
        system.matrix[i, i] += (1.0 + RIDGE) * system.margin12[i]
    solve_blocks(system.blocks, right.of_1, right.of_2, system.held1, system.held2)
    fill_right_of_cells(q_YAB, right.of_12, system.held1, system.held2, system.right12)
    solve_definite(system.matrix, system.right12, out.of_12)
    fill_rest_of_levels(q_YAB, out.of_12, right.of_1, system.rest1, right.of_2, system.rest2)
    solve_blocks(system.blocks, system.rest1, system.rest2, out.of_1, out.of_2)


@inner(fastmath=FAST)
def fill_right_of_cells(q_YAB, all12_C, held1_YA, held2_YB, right12_C):
    """right12 = all12 less what the held steps of the levels do to the cells."""
    classes, levels1, levels2 = q_YAB.shape
    for cell in range(levels1 * levels2):
        right12_C[cell] = all12_C[cell]
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                pull = q_YAB[y, a, b] * (held1_YA[y, a] + held2_YB[y, b])
                right12_C[a * levels2 + b] -= pull


@inner(fastmath=FAST)
def fill_rest_of_levels(q_YAB, step12_C, right1_YA, rest1_YA, right2_YB, rest2_YB):
    """rest = right less what the step of the cells does to the margins of the levels."""
    classes, levels1, levels2 = q_YAB.shape
    copy_levels(right1_YA, rest1_YA)
    copy_levels(right2_YB, rest2_YB)
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                pull = q_YAB[y, a, b] * step12_C[a * levels2 + b]
                rest1_YA[y, a] -= pull
                rest2_YB[y, b] -= pull


@inner(fastmath=FAST)
def measure_step(step, q_YAB):
    """Largest change of an exponent, and sum |dq| to first order."""
    classes, levels1, levels2 = q_YAB.shape
    longest, moved = 0.0, 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                if q_YAB[y, a, b] > 0.0:
                    change = abs(step.of_12[a * levels2 + b] + step.of_1[y, a] + step.of_2[y, b])
                    longest = max(longest, change)
                    moved += q_YAB[y, a, b] * change
    return longest, moved


@inner
def take_if_better(given, step, length, growth, q_YAB, proposal_YAB):
    """Move the exponents along the step if sum p ln q - sum q grows, else leave q as it is."""
    classes, levels1, levels2 = q_YAB.shape
    gain = 0.0
    for cell in range(levels1 * levels2):
        gain += length * given.of_12[cell] * step.of_12[cell]
        growth.of_12[cell] = np.exp(length * step.of_12[cell])
    for y in range(classes):
        for a in range(levels1):
            gain += length * given.of_1[y, a] * step.of_1[y, a]
            growth.of_1[y, a] = np.exp(length * step.of_1[y, a])
        for b in range(levels2):
            gain += length * given.of_2[y, b] * step.of_2[y, b]
            growth.of_2[y, b] = np.exp(length * step.of_2[y, b])
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                factor = growth.of_12[a * levels2 + b] * growth.of_1[y, a] * growth.of_2[y, b]
                moved = q_YAB[y, a, b] * factor if q_YAB[y, a, b] > 0.0 else 0.0
                proposal_YAB[y, a, b] = moved
                gain -= moved - q_YAB[y, a, b]
    if gain > -ROUNDOFF:
        for y in range(classes):
            copy_levels(proposal_YAB[y], q_YAB[y])
