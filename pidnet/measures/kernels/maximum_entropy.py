"""The table of largest entropy with all three pairwise margins fixed, one pair at a time.

Such a table is q = exp(alpha(x1,x2) + beta(x1,y) + gamma(x2,y)) on the cells that no margin forces to zero, and
maximizes sum p ln q - sum q. Each round proposes a Newton step of the exponents, takes it if it improves that
value, and fits the three margins in turn, which always improves it. Proportional fitting alone stalls where
the margins force further cells to zero: there Newton steps shrink such a cell by 1/e each.

Arrays are class-major: Y class, A level of source 1, B level of source 2, C = A*B cells.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from pidnet.measures.kernels.class_systems import (
    FAST,
    Blocks,
    allocate_blocks,
    cell_matrix,
    factor_blocks,
    solve_blocks,
    solve_definite,
)

MOST_ROUNDS = 200
LONGEST_MOVE = 3.0
ROUNDOFF = 1e-15
RIDGE = 1e-13  # of the diagonal: keeps the pivots of directions that change nothing away from roundoff


class Room(NamedTuple):
    """The state and the scratch memory of one pair, allocated once a thread.

    p12, step12, mass: (C,); p1, right1, step1: (Y, A); p2, right2, step2: (Y, B).
    q, proposal: (Y, A, B). root: (C, columns); matrix: (C, C).
    """

    p12: np.ndarray
    step12: np.ndarray
    mass: np.ndarray
    p1: np.ndarray
    right1: np.ndarray
    step1: np.ndarray
    p2: np.ndarray
    right2: np.ndarray
    step2: np.ndarray
    q: np.ndarray
    proposal: np.ndarray
    root: np.ndarray
    matrix: np.ndarray
    blocks: Blocks


@njit(cache=True, nogil=True, error_model="numpy")
def allocate_room(levels1, levels2, classes):
    """Room for pairs of one shape."""
    cells = np.zeros((3, levels1 * levels2))
    first, second = np.zeros((3, classes, levels1)), np.zeros((3, classes, levels2))
    tables = np.zeros((2, classes, levels1, levels2))
    columns = (classes * levels2 + 7) // 8 * 8
    return Room(
        cells[0], cells[1], cells[2],
        first[0], first[1], first[2],
        second[0], second[1], second[2],
        tables[0], tables[1],
        np.zeros((levels1 * levels2, columns)),
        np.zeros((levels1 * levels2, levels1 * levels2)),
        allocate_blocks(levels1, levels2, classes),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def fit_margins(room, tolerance):
    """Fill q from the margins until a Newton step would move less than ``tolerance`` of its mass.

    Leaves that step in step12, step1, step2, and returns the mass it would move.
    """
    start(room)
    moved = np.inf
    for _ in range(MOST_ROUNDS):
        scale_margins(room)
        longest, moved = find_step(room)
        if moved <= tolerance:
            break
        propose(room, 1.0 / max(1.0, longest / LONGEST_MOVE))
    return moved


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def start(room):
    """The margins, and q = 1 where all three are positive."""
    classes, levels1, levels2 = room.q.shape
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                cell = room.p12[a * levels2 + b] * room.p1[y, a] * room.p2[y, b]
                room.q[y, a, b] = 1.0 if cell > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def scale_margins(room):
    """Fit the margins (x1,y), (x2,y) and (x1,x2) in turn."""
    classes, levels1, levels2 = room.q.shape
    room.mass[:] = 0.0
    for y in range(classes):
        q_AB = room.q[y]
        for a in range(levels1):
            total = 0.0
            for b in range(levels2):
                total += q_AB[a, b]
            factor = room.p1[y, a] / total if total > 0.0 else 0.0
            for b in range(levels2):
                q_AB[a, b] *= factor
        for b in range(levels2):
            total = 0.0
            for a in range(levels1):
                total += q_AB[a, b]
            factor = room.p2[y, b] / total if total > 0.0 else 0.0
            for a in range(levels1):
                q_AB[a, b] *= factor
                room.mass[a * levels2 + b] += q_AB[a, b]
    for cell in range(len(room.mass)):
        room.mass[cell] = room.p12[cell] / room.mass[cell] if room.mass[cell] > 0.0 else 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                room.q[y, a, b] *= room.mass[a * levels2 + b]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def find_step(room):
    """Newton step of the exponents; its largest change of an exponent, and the mass it moves."""
    fill_residuals(room)
    solve_residuals(room)
    return measure_step(room)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def solve_residuals(room):
    """Exponents in step12, step1, step2 whose weighting by q has the margins that stand in step12, right1, right2.

    Needs the (x1,x2) margin of q in mass. Spends right1 and right2.
    """
    factor_blocks(room.q, room.blocks)
    cell_matrix(room.blocks, room.q, room.root, room.matrix)
    for i in range(len(room.mass)):
        for j in range(i + 1):
            room.matrix[i, j] = -room.matrix[i, j]
        room.matrix[i, i] += (1.0 + RIDGE) * room.mass[i]
    solve_blocks(room.blocks, room.right1, room.right2, room.step1, room.step2)
    pull_on_cells(room)
    solve_definite(room.matrix, room.step12)
    pull_on_levels(room)
    solve_blocks(room.blocks, room.right1, room.right2, room.step1, room.step2)


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def fill_residuals(room):
    """right1, right2, step12 = margin given - margin of q; mass = the (x1,x2) margin of q."""
    classes, levels1, levels2 = room.q.shape
    room.right1[:] = room.p1
    room.right2[:] = room.p2
    room.mass[:] = 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                q = room.q[y, a, b]
                room.right1[y, a] -= q
                room.right2[y, b] -= q
                room.mass[a * levels2 + b] += q
    room.step12[:] = room.p12 - room.mass


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def pull_on_cells(room):
    """Take what the steps of the levels alone do to the cells out of their residuals."""
    classes, levels1, levels2 = room.q.shape
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                room.step12[a * levels2 + b] -= room.q[y, a, b] * (room.step1[y, a] + room.step2[y, b])


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def pull_on_levels(room):
    """Take what step12 does to the margins of the levels out of their residuals."""
    classes, levels1, levels2 = room.q.shape
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                pull = room.q[y, a, b] * room.step12[a * levels2 + b]
                room.right1[y, a] -= pull
                room.right2[y, b] -= pull


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def measure_step(room):
    """Largest change of an exponent, and sum |dq| to first order."""
    classes, levels1, levels2 = room.q.shape
    longest, moved = 0.0, 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                if room.q[y, a, b] > 0.0:
                    change = abs(room.step12[a * levels2 + b] + room.step1[y, a] + room.step2[y, b])
                    longest = max(longest, change)
                    moved += room.q[y, a, b] * change
    return longest, moved


@njit(cache=True, nogil=True, error_model="numpy")
def propose(room, length):
    """Move the exponents along the step if sum p ln q - sum q grows, else leave q as it is."""
    classes, levels1, levels2 = room.q.shape
    gain = length * (room.p12 * room.step12).sum()
    for y in range(classes):
        for a in range(levels1):
            gain += length * room.p1[y, a] * room.step1[y, a]
            room.right1[y, a] = np.exp(length * room.step1[y, a])
        for b in range(levels2):
            gain += length * room.p2[y, b] * room.step2[y, b]
            room.right2[y, b] = np.exp(length * room.step2[y, b])
    room.step12[:] = np.exp(length * room.step12)
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                factor = room.step12[a * levels2 + b] * room.right1[y, a] * room.right2[y, b]
                moved = room.q[y, a, b] * factor if room.q[y, a, b] > 0.0 else 0.0
                room.proposal[y, a, b] = moved
                gain -= moved - room.q[y, a, b]
    if gain > -ROUNDOFF:
        room.q[:] = room.proposal
