"""How many cells of the table of a unit can occur: those seen, and those that the cells seen once foretell.

Axis letters: P pair, X level, Y class. ``twins.cells_that_count`` is the same in NumPy: read it first.
"""

from __future__ import annotations

import numpy as np

from pidnet.execution.compiling import inner, kernel
from pidnet.tables.expected_counts import MOST, interpolate, observed

STEPS, SETTLED = 60, 1e-3  # steps at most; the largest change of a weight at which they end


@kernel("the bias of units")
def fill_cells(count_PXY, unseen_part, observed_part, cells_PY):
    """Cells of each class, each as many as what it adds to the bias of N H(X,Y), over the 1/2 of a full one."""
    _, levels, classes = count_PXY.shape
    seen, unseen, of_x, of_y = np.empty(classes), np.empty(classes), np.empty(levels), np.empty(classes)
    for pair in range(len(count_PXY)):
        count = count_PXY[pair]
        total = fill_margins(count, of_x, of_y)
        weight = observed_weight(count, of_x, of_y, total)
        once, single = 0.0, 0.0
        seen[:], unseen[:] = 0.0, 0.0
        for x in range(len(of_x)):
            for y in range(len(of_y)):
                n = count[x, y]
                mean = weight * n + (1.0 - weight) * of_x[x] * of_y[y] / total
                once += n == 1.0
                seen[y] += observed(n, observed_part)
                if 0.0 < mean <= MOST:
                    unseen[y] += interpolate(mean, unseen_part)
                    single += mean * np.exp(-mean)
        more = (once + 1.0) / (single + 1.0)  # than the fit has it
        for y in range(len(of_y)):
            cells_PY[pair, y] = 2.0 * (seen[y] + unseen[y] * more)


@inner
def fill_margins(count, of_x, of_y):
    """The sums of rows and columns, and the sum of all."""
    of_x[:], of_y[:], total = 0.0, 0.0, 0.0
    for x in range(len(of_x)):
        for y in range(len(of_y)):
            of_x[x] += count[x, y]
            of_y[y] += count[x, y]
            total += count[x, y]
    return total


@inner
def observed_weight(count, of_x, of_y, total):
    """Weight of the observed table beside the product of its margins: the largest likelihood of samples left out one
    at a time, by expectation maximization."""
    weight, total = 0.5, max(total, 2.0)
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
