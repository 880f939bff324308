"""I_ccs: redundancy as the common change in surprisal (Ince 2017)."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from pidnet.execution.threads import share_pairs
from pidnet.measures._kernels.common_surprisal import fill_derivative, solve_pairs
from pidnet.measures._kernels.lanes_memory import fits
from pidnet.measures._kernels.surprisal_lanes import solve_surprisals
from pidnet.measures.atoms import Atoms, atoms_from_redundancy
from pidnet.measures.derivatives import Derivative
from pidnet.tables.discrete import PairTables


def i_ccs(tables: PairTables, *, tolerance: float = 1e-8) -> Atoms:
    """Decompose by I_ccs: the common change in surprisal is redundant.

    Parameters
    ----------
    tables : PairTables
        Joint tables ``p`` of shape (pair, level1, level2, class).
    tolerance : float
        Gap in bits that a pair should reach.

    Returns
    -------
    Atoms
        Four atoms, each (pair,), bits. Atoms may be negative: that is the definition, not an error. The gap is
        estimated, not proven.

    Raises
    ------
    ValueError
        If ``tolerance`` is not positive.

    Warns
    -----
    RuntimeWarning
        If pairs stay above ``tolerance``: how many. They keep their larger gap.

    Notes
    -----
    R = sum q c over the cells where c has the sign of i(x1;y), i(x2;y) and i(x1x2;y), with
    c = i(x1;y) + i(x2;y) - i(x1x2;y) and q the table of largest entropy with the margins (x1,x2), (x1,y), (x2,y)
    of p. Terms within 1e-8 bits of 0 have no sign.

    The gap is what one more Newton step of q would change, to first order, plus the terms whose sign it could flip.

    Source: Ince 2017, Entropy 19(7), 318 (arXiv:1602.05063).

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> p = np.zeros((2, 2, 2))  # y = x1 AND x2 of fair bits
    >>> p[[0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]] = 0.25
    >>> round(float(pn.decompose(p, measure="i_ccs").redundancy[0]), 4)
    0.1038
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance is {tolerance}; expected a positive number of bits, such as 1e-8")
    p_PYAB = np.ascontiguousarray(np.moveaxis(tables.p, 3, 1))
    redundancy, gap = _find_common(p_PYAB, tolerance)
    gap = np.where(np.isfinite(gap), gap, np.inf)
    wide = int(np.count_nonzero(gap > tolerance))
    if wide:
        warnings.warn(
            f"i_ccs: {wide} of {len(gap)} pairs did not reach the tolerance of {tolerance:g} bits "
            f"(largest gap {gap.max():.3g}); select them by atoms.gap",
            RuntimeWarning,
            stacklevel=2,
        )
    return atoms_from_redundancy(tables.p, redundancy, gap)


def _find_common(p_PYAB: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """Redundancy of each pair and its error estimate, bits, (pair,): the kernel for one pair at a time takes those that
    the one in lanes does not bring to the tolerance."""
    levels1, levels2, classes = *p_PYAB.shape[2:], p_PYAB.shape[1]
    if not fits(levels1, levels2, classes):
        return _solve(solve_pairs, p_PYAB, tolerance)
    redundancy, gap = _solve(solve_surprisals, p_PYAB, tolerance)
    wide = np.flatnonzero(~(gap <= tolerance))
    if len(wide):
        redundancy[wide], gap[wide] = _solve(solve_pairs, p_PYAB[wide], tolerance)
    return redundancy, gap


def _solve(kernel: Callable, p_PYAB: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    redundancy, gap = np.empty((2, len(p_PYAB)))
    share_pairs(lambda part: kernel(p_PYAB[part], tolerance, redundancy[part], gap[part]), len(p_PYAB))
    return redundancy, gap


def i_ccs_derivative(tables: PairTables, *, tolerance: float = 1e-8) -> Derivative:
    """The derivative of R, with the cells of common sign held.

    R = sum q c has a derivative by q and one by the margins in c. That by q acts through the fitted table: q moves
    with its margins so that ln q stays a sum of three parts, which is the part of the derivative that such sums
    can express (its projection, weighted by q).

    R jumps where i(x1;y), i(x2;y) or i(x1x2;y) changes its sign, since a term may have any size there. A jump J
    whose sign is right with probability P adds J^2 P (1 - P) to the variance over samples, with P from a normal
    error of i; that of i(x1x2;y) is taken for those of i(x1;y) and i(x2;y) together."""
    p_PYAB = np.ascontiguousarray(np.moveaxis(tables.p, 3, 1))
    pairs, classes, levels1, levels2 = p_PYAB.shape
    first, second = np.empty((pairs, classes, levels1)), np.empty((pairs, classes, levels2))
    both, jumps = np.empty((pairs, levels1, levels2)), np.zeros(pairs)
    outputs, samples = (first, second, both, jumps), tables.samples
    share_pairs(
        lambda part: fill_derivative(p_PYAB[part], samples, tolerance, *(out[part] for out in outputs)), pairs
    )
    return Derivative(first.swapaxes(1, 2), second.swapaxes(1, 2), both, jumps)
