"""How many cells of the table of a unit can occur: those seen, and those that the cells seen once foretell.

Axis letters: P pair, X level, Y class. ``twins.cells_that_count`` is the same in NumPy: read it first.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pidnet.tables.expected_counts import MOST, interpolate, observed

STEPS, SETTLED = 60, 1e-3  # steps at most; the largest change of a weight at which they end


@njit(cache=True, nogil=True, error_model="numpy")
def fill_cells(count_PXY, unseen_part, observed_part, cells_PY):
    """Cells of each class, each as many as what it adds to the bias of N H(X,Y), over the 1/2 of a full one."""
    seen, unseen = np.empty(cells_PY.shape[1]), np.empty(cells_PY.shape[1])
    for pair in range(len(count_PXY)):
        count = count_PXY[pair]
        of_x, of_y = count.sum(1), count.sum(0)
        weight = observed_weight(count, of_x, of_y)
        once, single = 0.0, 0.0
        seen[:], unseen[:] = 0.0, 0.0
        for x in range(len(of_x)):
            for y in range(len(of_y)):
                n = count[x, y]
                mean = weight * n + (1.0 - weight) * of_x[x] * of_y[y] / of_y.sum()
                once += n == 1.0
                seen[y] += observed(n, observed_part)
                if 0.0 < mean <= MOST:
                    unseen[y] += interpolate(mean, unseen_part)
                    single += mean * np.exp(-mean)
        more = (once + 1.0) / (single + 1.0)  # than the fit has it
        for y in range(len(of_y)):
            cells_PY[pair, y] = 2.0 * (seen[y] + unseen[y] * more)


@njit(cache=True, nogil=True, error_model="numpy")
def observed_weight(count, of_x, of_y):
    """Weight of the observed table beside the product of its margins: the largest likelihood of samples left out one
    at a time, by expectation maximization."""
    weight, total = 0.5, max(of_y.sum(), 2.0)
    for _ in range(STEPS):
        moved = 0.0
        for x in range(len(of_x)):
            for y in range(len(of_y)):
                n = count[x, y]
                if n > 0.0:
                    own = weight * (n - 1.0)
                    other = (1.0 - weight) * (of_x[x] - 1.0) * (of_y[y] - 1.0) / (total - 1.0)
                    moved += n * own / max(own + other, 1e-300)
        moved /= total
        change = abs(moved - weight)
        weight = moved
        if change < SETTLED:
            break
    return weight
