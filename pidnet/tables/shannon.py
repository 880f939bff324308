"""Entropy and mutual information of batched probability tables, in bits."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from pidnet.execution.compiling import kernel
from pidnet.execution.lane_math import x_ln_x
from pidnet.execution.lanes import LANES, filled, row_at
from pidnet.execution.threads import share_pairs


def entropy(p: np.ndarray, axes: int | tuple[int, ...] = -1) -> np.ndarray:
    """H = -sum p log2 p over ``axes``; 0 log 0 = 0. The remaining axes are the batch."""
    return -xlogy(p, p).sum(axis=axes) / np.log(2)


def mutual_information(p: np.ndarray) -> np.ndarray:
    """I(X;Y) = H(X) + H(Y) - H(X,Y) of tables p (..., x, y), shape (...), bits."""
    return entropy(p.sum(-1)) + entropy(p.sum(-2)) - entropy(p, (-2, -1))


def source_informations(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """I(Y;X1), I(Y;X2) and I(Y;X1X2) of pair tables p (pair, level1, level2, class), each (pair,), bits."""
    first, second, joint, _ = informations_and_entropy(p)
    return first, second, joint


def informations_and_entropy(p: np.ndarray) -> np.ndarray:
    """The same, and H(Y), (4, pair), bits."""
    found = np.empty((4, len(p)))

    def fill(part: slice) -> None:
        sizes = _parts(*p.shape[1:])
        _fill_informations(p[part], sizes, np.zeros(LANES * (sizes[-1] + len(sizes))), found[:, part])

    share_pairs(fill, len(p))
    return found / np.log(2)


def _parts(levels1: int, levels2: int, classes: int) -> np.ndarray:
    """Where the cells, and the margins (x1,x2), (x1,y), x1, (x2,y), x2, and y begin, in vectors."""
    cells = levels1 * levels2
    sizes = cells * classes, cells, levels1 * classes, levels1, levels2 * classes, levels2, classes
    return np.cumsum([0, *(-(-size // LANES) for size in sizes)])


@kernel("informations")
def _fill_informations(p_PABY, parts, memory, found_4P):
    """The informations of each pair, nats, as sums of x ln x over the cells and margins, eight at a time."""
    pairs, levels1, levels2, classes = p_PABY.shape
    row, sums, total = row_at(memory, 0), row_at(memory, parts[-1]), np.zeros(len(parts) - 1)
    cells, both, ay = memory, memory[LANES * parts[1] :], memory[LANES * parts[2] :]
    a_, by = memory[LANES * parts[3] :], memory[LANES * parts[4] :]
    b_, y_ = memory[LANES * parts[5] :], memory[LANES * parts[6] :]
    for pair in range(pairs):
        memory[: LANES * parts[-1]] = 0.0
        for a in range(levels1):
            for b in range(levels2):
                for y in range(classes):
                    p = p_PABY[pair, a, b, y]
                    cells[(a * levels2 + b) * classes + y] = p
                    both[a * levels2 + b] += p
                    ay[a * classes + y] += p
                    by[b * classes + y] += p
        for a in range(levels1):
            for y in range(classes):
                a_[a] += ay[a * classes + y]
                y_[y] += ay[a * classes + y]
        for b in range(levels2):
            for y in range(classes):
                b_[b] += by[b * classes + y]
        for part in range(len(total)):
            found = filled(row, 0.0)
            for k in range(parts[part], parts[part + 1]):
                found = found + x_ln_x(row[k])
            sums[0] = found
            total[part] = 0.0
            for lane in range(LANES):
                total[part] += sums[0, lane]
        found_4P[0, pair] = total[2] - total[3] - total[6]
        found_4P[1, pair] = total[4] - total[5] - total[6]
        found_4P[2, pair] = total[0] - total[1] - total[6]
        found_4P[3, pair] = -total[6]
