"""Entropy and mutual information of batched probability tables, in bits."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from pidnet.execution.compiling import inner, kernel
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
    return mutual_information(p.sum(2)), mutual_information(p.sum(1)), entropy_and_joint_information(p)[1]


def entropy_and_joint_information(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """H(Y) and I(Y;X1X2) of pair tables p (pair, level1, level2, class), each (pair,), bits."""
    found = np.empty((2, len(p)))

    def fill(part: slice) -> None:
        memory = np.zeros(LANES * ((p.shape[1] * p.shape[2] + 1) * p.shape[3] + 2))
        _fill_informations(p[part], memory, found[:, part])

    share_pairs(fill, len(p))
    target, joint = found / np.log(2)
    return target, joint


@kernel("informations")
def _fill_informations(p_PABY, memory, found_2P):
    """H(Y) and I(Y;X1X2) of each pair, nats, eight pairs in the lanes of vectors."""
    pairs, levels1, levels2, classes = p_PABY.shape
    cells, of_y = row_at(memory, 0), row_at(memory, levels1 * levels2 * classes)
    ends = row_at(memory, (levels1 * levels2 + 1) * classes)
    for first in range(0, pairs, LANES):
        for lane in range(LANES):  # lanes beyond the last pair repeat it
            pair, at = min(first + lane, pairs - 1), 0
            for a in range(levels1):
                for b in range(levels2):
                    for y in range(classes):
                        cells[at, lane] = p_PABY[pair, a, b, y]
                        at += 1
        target, joint = sums(levels1 * levels2, classes, cells, of_y)
        ends[0], ends[1] = target, joint
        for lane in range(min(LANES, pairs - first)):
            found_2P[0, first + lane], found_2P[1, first + lane] = ends[0, lane], ends[1, lane]


@inner
def sums(pairs_of_levels, classes, cells, of_y):
    """H(Y) and I(Y;X1X2), nats, of the tables in the lanes."""
    zero = filled(cells, 0.0)
    target, joint = zero, zero
    for y in range(classes):
        of_y[y] = zero
    for pair in range(pairs_of_levels):
        both = zero
        for y in range(classes):
            p = cells[pair * classes + y]
            both, of_y[y] = both + p, of_y[y] + p
            joint = joint + x_ln_x(p)
        joint = joint - x_ln_x(both)
    for y in range(classes):
        target = target - x_ln_x(of_y[y])
    return target, joint + target
