"""Entropy and mutual information of batched probability tables, in bits."""

from __future__ import annotations

import numpy as np
from scipy.special import xlogy


def entropy(p: np.ndarray, axes: int | tuple[int, ...] = -1) -> np.ndarray:
    """H = -sum p log2 p over ``axes``; 0 log 0 = 0. The remaining axes are the batch."""
    return -xlogy(p, p).sum(axis=axes) / np.log(2)


def mutual_information(p: np.ndarray) -> np.ndarray:
    """I(X;Y) = H(X) + H(Y) - H(X,Y) of tables p (..., x, y), shape (...), bits."""
    return entropy(p.sum(-1)) + entropy(p.sum(-2)) - entropy(p, (-2, -1))


def source_informations(p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """I(Y;X1), I(Y;X2) and I(Y;X1X2) of pair tables p (pair, level1, level2, class), each (pair,), bits."""
    first, second = p.sum(2), p.sum(1)
    target = entropy(first.sum(1))
    joint = target + entropy(p.sum(3), (1, 2)) - entropy(p, (1, 2, 3))
    information1, information2 = (target + entropy(q.sum(2)) - entropy(q, (1, 2)) for q in (first, second))
    return information1, information2, joint
