"""I_ccs: redundancy as the common change in surprisal (Ince 2017)."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numba import njit

from pidnet.execution.threads import share_pairs
from pidnet.measures.atoms import Atoms, atoms_from_redundancy
from pidnet.measures.derivatives import Derivative
from pidnet.measures.kernels.maximum_entropy import allocate_room, fit_margins, solve_residuals
from pidnet.tables.discrete import PairTables

SIGN_THRESHOLD = 1e-8  # bits; a term nearer to 0 has no sign


def i_ccs(tables: PairTables, *, tolerance: float = 1e-8) -> Atoms:
    """R = sum q c over the cells where c has the sign of i(x1;y), i(x2;y) and i(x1x2;y), with
    c = i(x1;y) + i(x2;y) - i(x1x2;y) and q the table of largest entropy with the margins (x1,x2), (x1,y), (x2,y) of p.

    Terms within 1e-8 bits of 0 have no sign. Atoms may be negative: that is the definition, not an error.

    ``gap`` (bits) is an error estimate, not a proof: what one more Newton step would change, to first
    order, plus the terms whose sign it could flip. A pair whose gap stays above ``tolerance`` (bits) keeps
    it, and a RuntimeWarning says how many there are.

    Source: Ince 2017, Entropy 19(7), 318 (arXiv:1602.05063).
    Raises ValueError for a tolerance that is not positive.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance is {tolerance}; expected a positive number of bits, such as 1e-8")
    p_PYAB = np.ascontiguousarray(np.moveaxis(tables.p, 3, 1))
    redundancy, gap = np.empty((2, len(p_PYAB)))
    share_pairs(lambda part: solve_pairs(p_PYAB[part], tolerance, redundancy[part], gap[part]), len(p_PYAB))
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


@njit(cache=True, nogil=True, error_model="numpy")
def solve_pairs(p_PYAB, tolerance, redundancy_P, gap_P):
    """Fill redundancy and its error estimate of each pair, bits."""
    pairs, classes, levels1, levels2 = p_PYAB.shape
    room = allocate_room(levels1, levels2, classes)
    for pair in range(pairs):
        fill_margins(p_PYAB[pair], room)
        fit_margins(room, 0.02 * tolerance)
        redundancy_P[pair], gap_P[pair] = sum_common_terms(room)


@njit(cache=True, nogil=True, error_model="numpy")
def fill_margins(p_YAB, room):
    """The three pairwise margins of p."""
    classes, levels1, levels2 = p_YAB.shape
    room.p12[:] = 0.0
    room.p1[:] = 0.0
    room.p2[:] = 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                p = p_YAB[y, a, b]
                room.p12[a * levels2 + b] += p
                room.p1[y, a] += p
                room.p2[y, b] += p


@njit(cache=True, nogil=True, error_model="numpy")
def sum_common_terms(room):
    """R of the fitted table, and its error estimate from the Newton step left over, bits."""
    classes, levels1, levels2 = room.q.shape
    p_A, p_B = room.p1.sum(0), room.p2.sum(0)
    redundancy, gap = 0.0, 0.0
    for y in range(classes):
        p_y = room.p1[y].sum()
        for a in range(levels1):
            first = surprisal_change(room.p1[y, a], p_A[a] * p_y)
            for b in range(levels2):
                q, cell = room.q[y, a, b], a * levels2 + b
                if q <= 0.0:
                    continue
                second = surprisal_change(room.p2[y, b], p_B[b] * p_y)
                both = surprisal_change(q, room.p12[cell] * p_y)
                common = first + second - both
                change = abs(room.step12[cell] + room.step1[y, a] + room.step2[y, b]) / np.log(2.0)
                gap += q * change * (abs(common) + 1.0)
                agree = sign(common) != 0.0 and sign(common) == sign(first) == sign(second)
                if agree and sign(common) == sign(both):
                    redundancy += q * common
                if agree and abs(abs(both) - SIGN_THRESHOLD) <= 10.0 * change:
                    gap += q * abs(common)
    return redundancy, gap


@njit(cache=True, nogil=True, error_model="numpy")
def surprisal_change(joint, product):
    """log2(joint / product), 0 where the joint probability is 0."""
    return np.log2(joint / product) if joint > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def sign(value):
    """-1, 0 or 1, where what is within the threshold of 0 counts as 0."""
    if abs(value) <= SIGN_THRESHOLD:
        return 0.0
    return 1.0 if value > 0.0 else -1.0


@njit(cache=True, nogil=True, error_model="numpy")
def fill_derivative(p_PYAB, samples, tolerance, first_PYA, second_PYB, both_PAB, jumps_P):
    """Fill the three parts of the derivative of R of each pair, bits, and the variance from jumps."""
    pairs, classes, levels1, levels2 = p_PYAB.shape
    room = allocate_room(levels1, levels2, classes)
    for pair in range(pairs):
        fill_margins(p_PYAB[pair], room)
        fit_margins(room, 0.02 * tolerance)
        mark_common_terms(room)
        first, second, both = first_PYA[pair], second_PYB[pair], both_PAB[pair].reshape(levels1 * levels2)
        differentiate_margins(room, first, second, both)
        differentiate_table(room)
        jumps_P[pair] = variance_of_jumps(room, samples) if samples > 0 else 0.0
        first += room.step1
        second += room.step2
        both += room.step12


@njit(cache=True, nogil=True, error_model="numpy")
def mark_common_terms(room):
    """proposal = c where the terms have one sign, nan elsewhere."""
    classes, levels1, levels2 = room.q.shape
    p_A, p_B = room.p1.sum(0), room.p2.sum(0)
    room.proposal[:] = np.nan
    for y in range(classes):
        p_y = room.p1[y].sum()
        for a in range(levels1):
            first = surprisal_change(room.p1[y, a], p_A[a] * p_y)
            for b in range(levels2):
                q, cell = room.q[y, a, b], a * levels2 + b
                if q <= 0.0:
                    continue
                second = surprisal_change(room.p2[y, b], p_B[b] * p_y)
                both = surprisal_change(q, room.p12[cell] * p_y)
                common = first + second - both
                if sign(common) != 0.0 and sign(common) == sign(first) == sign(second) == sign(both):
                    room.proposal[y, a, b] = common


@njit(cache=True, nogil=True, error_model="numpy")
def differentiate_margins(room, first_YA, second_YB, both_C):
    """The derivative of R by the margins that stand in c = log2 of p1 p2 p12 / (p_A p_B p_Y q), q held."""
    classes, levels1, levels2 = room.q.shape
    q_YAB = np.where(np.isnan(room.proposal), 0.0, room.q) / np.log(2.0)
    q_A, q_B, q_Y = q_YAB.sum(2).sum(0), q_YAB.sum(1).sum(0), q_YAB.sum(2).sum(1)
    p_A, p_B, p_Y = room.p1.sum(0), room.p2.sum(0), room.p1.sum(1)
    for y in range(classes):
        for a in range(levels1):
            first_YA[y, a] = (
                share(q_YAB[y, a].sum(), room.p1[y, a]) - share(q_A[a], p_A[a]) - share(q_Y[y], p_Y[y])
            )
        for b in range(levels2):
            second_YB[y, b] = share(q_YAB[y, :, b].sum(), room.p2[y, b]) - share(q_B[b], p_B[b])
    both_C[:] = 0.0
    for y in range(classes):
        both_C += q_YAB[y].ravel()
    for cell in range(len(both_C)):
        both_C[cell] = share(both_C[cell], room.p12[cell])


@njit(cache=True, nogil=True, error_model="numpy")
def share(part, whole):
    """part / whole, 0 where there is nothing."""
    return part / whole if whole > 0.0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def differentiate_table(room):
    """step12, step1, step2: the derivative of R by q, as far as the fitted table can follow it."""
    classes, levels1, levels2 = room.q.shape
    room.right1[:], room.right2[:], room.step12[:], room.mass[:] = 0.0, 0.0, 0.0, 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                q, common = room.q[y, a, b], room.proposal[y, a, b]
                room.mass[a * levels2 + b] += q
                pull = q * (common - 1.0 / np.log(2.0)) if common == common else 0.0
                room.right1[y, a] += pull
                room.right2[y, b] += pull
                room.step12[a * levels2 + b] += pull
    solve_residuals(room)


@njit(cache=True, nogil=True, error_model="numpy")
def variance_of_jumps(room, samples):
    """Sum of J^2 P (1 - P) over all signs, bits squared."""
    classes, levels1, levels2 = room.q.shape
    p_A, p_B = room.p1.sum(0), room.p2.sum(0)
    jump1, jump2 = np.zeros(levels1), np.zeros(levels2)
    variance = 0.0
    for y in range(classes):
        p_y = room.p1[y].sum()
        jump1[:], jump2[:] = 0.0, 0.0
        for a in range(levels1):
            first = surprisal_change(room.p1[y, a], p_A[a] * p_y)
            error1 = error_of(room.p1[y, a], p_A[a], p_y, samples)
            for b in range(levels2):
                q = room.q[y, a, b]
                if q <= 0.0:
                    continue
                second = surprisal_change(room.p2[y, b], p_B[b] * p_y)
                both = surprisal_change(q, room.p12[a * levels2 + b] * p_y)
                common = first + second - both
                size = q * abs(common)  # terms of either sign enter as those of the other leave
                if sign(common) == sign(both) == sign(second):
                    jump1[a] += size
                if sign(common) == sign(both) == sign(first):
                    jump2[b] += size
                if sign(common) == sign(first) == sign(second):
                    variance += size**2 * doubt(both, error1 + error_of(room.p2[y, b], p_B[b], p_y, samples))
        for a in range(levels1):
            change = surprisal_change(room.p1[y, a], p_A[a] * p_y)
            variance += jump1[a] ** 2 * doubt(change, error_of(room.p1[y, a], p_A[a], p_y, samples))
        for b in range(levels2):
            change = surprisal_change(room.p2[y, b], p_B[b] * p_y)
            variance += jump2[b] ** 2 * doubt(change, error_of(room.p2[y, b], p_B[b], p_y, samples))
    return variance


@njit(cache=True, nogil=True, error_model="numpy")
def error_of(joint, p_x, p_y, samples):
    """Variance of log2( joint / (p_x p_y) ) over samples, bits squared."""
    if joint <= 0.0:
        return 0.0
    return max(1.0 / joint - 1.0 / p_x - 1.0 / p_y + 1.0, 0.0) / (samples * np.log(2.0) ** 2)


@njit(cache=True, nogil=True, error_model="numpy")
def doubt(change, variance):
    """P (1 - P), with P the probability that the sign of a change in surprisal is right."""
    if variance <= 0.0:
        return 0.0
    wrong = 0.5 * math.erfc(abs(change) / math.sqrt(2.0 * variance))
    return wrong * (1.0 - wrong)
