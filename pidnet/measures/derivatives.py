"""How a redundancy changes with the table: its derivative, from which its spread over samples follows.

The redundancy of every measure here depends on the pairwise margins of the table only, so that its derivative
with respect to a cell is a sum of three parts, up to an additive constant, which cancels because tables sum to 1:

    dR / dp(x1,x2,y) = first(x1,y) + second(x2,y) + both(x1,x2).

Axis letters: P pair, X/A/B level, Y class.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Derivative:
    """The derivative of a redundancy, bits a unit of probability.

    first: (pair, level1, class). second: (pair, level2, class). both: (pair, level1, level2), or None where the
    redundancy depends on the margins of the single sources only. jumps: (pair,), the variance over samples that
    jumps of the redundancy add, bits squared; None where it is continuous.
    """

    first: np.ndarray
    second: np.ndarray
    both: np.ndarray | None = None
    jumps: np.ndarray | None = None


def log2_ratio(p_PXY: np.ndarray) -> np.ndarray:
    """log2( p(x,y) / (p(x) p(y)) ), the derivative of I(X;Y) up to a constant; 0 where p(x,y) = 0."""
    product = p_PXY.sum(-1, keepdims=True) * p_PXY.sum(-2, keepdims=True)
    ratio = np.divide(p_PXY, product, out=np.ones_like(p_PXY), where=p_PXY > 0)
    return np.log2(ratio)
