"""Which kernel solves which pairs: each takes those that the one before it did not bring to the gap."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from pidnet.execution.threads import share_pairs
from pidnet.measures._kernels.lanes_memory import fits
from pidnet.measures.ibroja._binary import solve_binary
from pidnet.measures.ibroja._binary_lanes import solve_binary_lanes
from pidnet.measures.ibroja._general import solve_general
from pidnet.measures.ibroja._lanes import solve_lanes

TIGHT = 1e-4  # of the tolerance, where the usual trust of the kernel in lanes was too much


class Minima(NamedTuple):
    """Certified ends of min sum q ln(q/Q), nats, (pair,), the dual point (pair, class, level), and Q (pair, cell)."""

    upper: np.ndarray
    lower: np.ndarray
    lam: np.ndarray
    mu: np.ndarray
    Q: np.ndarray


def find_minima(p1_PYA: np.ndarray, p2_PYB: np.ndarray, tolerance: float) -> Minima:
    """The minimum of each pair, its ends at most ``tolerance`` nats apart where a kernel reached that."""
    first, *others = _kernels(p1_PYA.shape[2], p2_PYB.shape[2], p1_PYA.shape[1])
    found = _solve(first, p1_PYA, p2_PYB, tolerance)
    for kernel in others:
        wide = np.flatnonzero(~(found.upper - found.lower <= tolerance))
        if len(wide):
            _keep_narrower(found, wide, _solve(kernel, p1_PYA[wide], p2_PYB[wide], tolerance))
    return found


def _kernels(levels1: int, levels2: int, classes: int) -> list[Callable]:
    """The kernels for a shape, the fastest first."""
    if (levels1, levels2) == (2, 2):
        return [solve_binary_lanes, solve_binary, solve_general]
    # The lanes solve one system in the cells; with many more cells than levels the general kernel's is far smaller.
    if levels1 * levels2 > 2 * classes * (levels1 + levels2) or not fits(levels1, levels2, classes):
        return [solve_general]
    # The third leaves at a tenth of the second's: few pairs need it, and hardly one the general kernel, which takes as
    # long to compile as a layer of 1,000 units to map.
    in_double = partial(solve_lanes, algebra=np.float64)
    return [solve_lanes, in_double, partial(in_double, trust=TIGHT), solve_general]


def _solve(kernel: Callable, p1_PYA: np.ndarray, p2_PYB: np.ndarray, tolerance: float) -> Minima:
    found = _nothing(p1_PYA, p2_PYB)
    share_pairs(
        lambda part: kernel(p1_PYA[part], p2_PYB[part], tolerance, *(out[part] for out in found)), len(p1_PYA)
    )
    return found


def _nothing(p1_PYA: np.ndarray, p2_PYB: np.ndarray) -> Minima:
    """Ends without bounds, and room for the rest."""
    pairs, cells = len(p1_PYA), p1_PYA.shape[2] * p2_PYB.shape[2]
    dual = np.zeros_like(p1_PYA), np.zeros_like(p2_PYB)
    return Minima(np.full(pairs, np.inf), np.full(pairs, -np.inf), *dual, np.zeros((pairs, cells)))


def _keep_narrower(found: Minima, which: np.ndarray, other: Minima) -> None:
    """Take the answers for some pairs where their interval is narrower, and where there was no finite one."""
    width = found.upper[which] - found.lower[which]
    better = (other.upper - other.lower < width) | ~np.isfinite(width)
    for values, new in zip(found, other, strict=True):
        values[which[better]] = new[better]
