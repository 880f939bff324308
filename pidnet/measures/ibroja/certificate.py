"""The proof that goes with an I_BROJA answer of the general kernel.

The upper end is the value of a table q whose margins are exact, the lower end that of a feasible dual point
(lam, mu); weak duality holds them apart, whatever the solver did. Both are widened by the roundoff of their sums.

Arrays as in ``unique_optimum_general``, whose Room these functions read and write.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pidnet.measures.kernels.class_systems import FAST

EPSILON = 2.0**-52


@njit(cache=True, nogil=True, error_model="numpy")
def certify(room):
    """Upper and lower end of the minimum, nats, from a feasible q and a feasible (lam, mu)."""
    repair_margins(room)
    upper, roundoff = value_of_table(room)
    lower = 0.0
    for y in range(room.p1.shape[0]):
        lower += (room.p1[y] * room.lam[y]).sum() + (room.p2[y] * room.mu[y]).sum()
        roundoff += np.abs(room.p1[y] * room.lam[y]).sum() + np.abs(room.p2[y] * room.mu[y]).sum()
    widen = EPSILON * (room.e.size + 64) * roundoff
    return upper + widen, lower - widen


@njit(cache=True, nogil=True, error_model="numpy")
def repair_margins(room):
    """Make the margins of q exact: scale rows and columns down, then fill in what is missing."""
    classes, levels1, levels2 = room.e.shape
    for y in range(classes):
        q_AB = room.q[y]
        for a in range(levels1):
            total = 0.0
            for b in range(levels2):
                q_AB[a, b] = room.mass[a * levels2 + b] * room.e[y, a, b]
                total += q_AB[a, b]
            if total > room.p1[y, a]:
                q_AB[a] *= room.p1[y, a] / total
        for b in range(levels2):
            total = q_AB[:, b].sum()
            if total > room.p2[y, b]:
                q_AB[:, b] *= room.p2[y, b] / total
            room.right2[y, b] = max(room.p2[y, b] - q_AB[:, b].sum(), 0.0)
        missing = room.right2[y].sum()
        if missing > 0.0:
            for a in range(levels1):
                share = max(room.p1[y, a] - q_AB[a].sum(), 0.0) / missing
                for b in range(levels2):
                    q_AB[a, b] += share * room.right2[y, b]


@njit(cache=True, nogil=True, error_model="numpy", fastmath=FAST)
def value_of_table(room):
    """sum q ln(q/Q), and the sum of the sizes of its terms."""
    classes, levels1, levels2 = room.q.shape
    value, size = 0.0, 1.0
    room.cells[:] = 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                q = room.q[y, a, b]
                room.cells[a * levels2 + b] += q
                if q > 0.0:
                    term = q * np.log(q)
                    value += term
                    size += abs(term)
    for cell in range(len(room.cells)):
        if room.cells[cell] > 0.0:
            term = room.cells[cell] * np.log(room.cells[cell])
            value -= term
            size += abs(term)
    return value, size
