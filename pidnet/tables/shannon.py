"""Entropy and mutual information of batched probability tables, in bits."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy

from pidnet.execution.compiling import inner, kernel
from pidnet.execution.threads import share_pairs


def entropy(p: np.ndarray, axes: int | tuple[int, ...] = -1) -> np.ndarray:
    """H = -sum p log2 p over ``axes``; 0 log 0 = 0. The remaining axes are the batch."""
    return -xlogy(p, p).sum(axis=axes) / np.log(2)


def mutual_information(p: np.ndarray) -> np.ndarray:
    """I(X;Y) = H(X) + H(Y) - H(X,Y) of tables p (..., x, y), shape (...), bits."""
    return entropy(p.sum(-1)) + entropy(p.sum(-2)) - entropy(p, (-2, -1))


def source_informations(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """I(Y;X1), I(Y;X2) and I(Y;X1X2) of pair tables p (pair, level1, level2, class), each (pair,), bits."""
    found = np.empty((3, len(p)))
    share_pairs(lambda part: _fill_informations(p[part], found[:, part]), len(p))
    first, second, joint = found / np.log(2)
    return first, second, joint


@kernel("informations")
def _fill_informations(p_PABY, found_3P):
    """The informations of each pair, nats, as sums of x ln x over its margins."""
    _, levels1, levels2, classes = p_PABY.shape
    row_AY, column_BY = np.zeros((levels1, classes)), np.zeros((levels2, classes))
    for pair in range(len(p_PABY)):
        row_AY[:], column_BY[:] = 0.0, 0.0
        joint = 0.0
        for a in range(levels1):
            for b in range(levels2):
                both = 0.0
                for y in range(classes):
                    p = p_PABY[pair, a, b, y]
                    row_AY[a, y] += p
                    column_BY[b, y] += p
                    both += p
                    joint += _x_ln_x(p)
                joint -= _x_ln_x(both)
        target = 0.0
        for y in range(classes):
            target += _x_ln_x(row_AY[:, y].sum())
        found_3P[0, pair] = _conditional(row_AY) - target
        found_3P[1, pair] = _conditional(column_BY) - target
        found_3P[2, pair] = joint - target


@inner
def _conditional(p_XY):
    """-H(Y|X), nats."""
    total = 0.0
    for x in range(len(p_XY)):
        total -= _x_ln_x(p_XY[x].sum())
        for y in range(p_XY.shape[1]):
            total += _x_ln_x(p_XY[x, y])
    return total


@inner
def _x_ln_x(x):
    return x * np.log(x) if x > 0.0 else 0.0
