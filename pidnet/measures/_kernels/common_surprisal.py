"""The I_ccs kernel: the sum of common changes in surprisal, its error and its derivative, one pair at a time.

With q the table of largest entropy (see ``maximum_entropy``), all in bits:

    i1(x1,y) = log2( p1 / (p_A p_Y) ),   i2(x2,y) = log2( p2 / (p_B p_Y) ),   i12 = log2( q / (p12 p_Y) ),
    c = i1 + i2 - i12,                   R = sum of q c over the cells where c, i1, i2 and i12 have one sign.

``twins.common_surprisal`` and ``twins.common_surprisal_derivative`` are the same in NumPy.

Arrays are class-major: Y class, A level of source 1, B level of source 2, C = A*B cells.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from pidnet.execution.compiling import inner, kernel
from pidnet.measures._kernels.margins import Margins, allocate_margins, fill_margins
from pidnet.measures._kernels.maximum_entropy import (
    Fit,
    allocate_fit,
    fit_margins,
    open_cells,
    solve_exponents,
)

SIGN_THRESHOLD = 1e-8  # bits; a term nearer to 0 has no sign
# Of the tolerance is what the fit may miss: terms of up to some 10 bits multiply it. The second where a term is so near
# to 0 that its sign hangs on what is missed: where margins force a cell, a term of small counts can be exactly 0.
FIT_SHARES = (0.02, 1e-5)


class Terms(NamedTuple):
    """The local informations of the fitted table, bits; 0 where q is 0.

    first = i1: (Y, A). second = i2: (Y, B). both = i12, common = c: (Y, A, B). counts: (Y, A, B), whether the four
    have one sign. p_A, p_B, p_Y: margins of one variable.
    """

    first: np.ndarray
    second: np.ndarray
    both: np.ndarray
    common: np.ndarray
    counts: np.ndarray
    p_A: np.ndarray
    p_B: np.ndarray
    p_Y: np.ndarray


class Workspace(NamedTuple):
    """The memory of one pair, allocated once a thread. pull: margins of what R gains by each cell of q, times q."""

    fit: Fit
    terms: Terms
    pull: Margins
    projection: Margins


@inner
def allocate(levels1, levels2, classes):
    """Workspace for pairs of one shape."""
    table = (classes, levels1, levels2)
    return Workspace(
        fit=allocate_fit(levels1, levels2, classes),
        terms=Terms(
            first=np.zeros((classes, levels1)),
            second=np.zeros((classes, levels2)),
            both=np.zeros(table),
            common=np.zeros(table),
            counts=np.zeros(table, np.bool_),
            p_A=np.zeros(levels1),
            p_B=np.zeros(levels2),
            p_Y=np.zeros(classes),
        ),
        pull=allocate_margins(levels1, levels2, classes),
        projection=allocate_margins(levels1, levels2, classes),
    )


@kernel("I_ccs")
def solve_pairs(p_PYAB, tolerance, redundancy_P, gap_P):
    """Fill redundancy and its error estimate of each pair, bits."""
    pairs, classes, levels1, levels2 = p_PYAB.shape
    work = allocate(levels1, levels2, classes)
    for pair in range(pairs):
        redundancy_P[pair], gap_P[pair] = fit_and_compare(p_PYAB[pair], tolerance, work)


@kernel("the derivative of I_ccs")
def fill_derivative(p_PYAB, samples, tolerance, first_PYA, second_PYB, both_PAB, jumps_P):
    """Fill the three parts of the derivative of R of each pair, bits, and the variance from jumps."""
    pairs, classes, levels1, levels2 = p_PYAB.shape
    work = allocate(levels1, levels2, classes)
    for pair in range(pairs):
        fit_and_compare(p_PYAB[pair], tolerance, work)
        first, second, both = first_PYA[pair], second_PYB[pair], both_PAB[pair].reshape(levels1 * levels2)
        differentiate_margins(work.fit, work.terms, first, second, both)
        differentiate_table(work)
        jumps_P[pair] = variance_of_jumps(work.fit, work.terms, samples) if samples > 0 else 0.0
        first += work.projection.of_1
        second += work.projection.of_2
        both += work.projection.of_12


@inner
def fit_and_compare(p_YAB, tolerance, work):
    """Fit the table of p and fill its terms; returns R and its error estimate, bits."""
    fill_margins(p_YAB, work.fit.given)
    open_cells(work.fit.given, work.fit.q)
    redundancy, gap = 0.0, np.inf
    for share in FIT_SHARES:
        fit_margins(work.fit, share * tolerance)
        fill_terms(work.fit.given, work.fit.q, work.terms)
        redundancy, gap = sum_common_terms(work.fit.q, work.fit.step, work.terms)
        if gap <= tolerance:
            break
    return redundancy, gap


@inner
def fill_terms(given, q_YAB, terms):
    """The local informations of each cell, and whether they have one sign."""
    classes, levels1, levels2 = q_YAB.shape
    fill_levels(given, terms)
    for y in range(classes):
        p_y = terms.p_Y[y]
        for a in range(levels1):
            terms.first[y, a] = surprisal_change(given.of_1[y, a], terms.p_A[a] * p_y)
        for b in range(levels2):
            terms.second[y, b] = surprisal_change(given.of_2[y, b], terms.p_B[b] * p_y)
        for a in range(levels1):
            for b in range(levels2):
                q, first, second = q_YAB[y, a, b], terms.first[y, a], terms.second[y, b]
                both = surprisal_change(q, given.of_12[a * levels2 + b] * p_y)
                common = first + second - both if q > 0.0 else 0.0
                one_sign = sign(common) == sign(first) == sign(second) == sign(both)
                terms.both[y, a, b], terms.common[y, a, b] = both, common
                terms.counts[y, a, b] = one_sign and sign(common) != 0.0


@inner
def fill_levels(given, terms):
    """p_A, p_B and p_Y; in loops, since numba compiles the sums of numpy for seconds."""
    classes, levels1 = given.of_1.shape
    terms.p_A[:], terms.p_B[:], terms.p_Y[:] = 0.0, 0.0, 0.0
    for y in range(classes):
        for a in range(levels1):
            terms.p_A[a] += given.of_1[y, a]
            terms.p_Y[y] += given.of_1[y, a]
        for b in range(given.of_2.shape[1]):
            terms.p_B[b] += given.of_2[y, b]


@inner
def sum_common_terms(q_YAB, step, terms):
    """R of the fitted table, and its error estimate from the Newton step left over, bits."""
    classes, levels1, levels2 = q_YAB.shape
    redundancy, gap = 0.0, 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                q, common = q_YAB[y, a, b], terms.common[y, a, b]
                if q <= 0.0:
                    continue
                move = step.of_12[a * levels2 + b] + step.of_1[y, a] + step.of_2[y, b]
                change = abs(move) / np.log(2.0)
                gap += q * change * (abs(common) + 1.0)
                if terms.counts[y, a, b]:
                    redundancy += q * common
                agree = sign(common) != 0.0 and sign(common) == sign(terms.first[y, a]) == sign(
                    terms.second[y, b]
                )
                if agree and abs(abs(terms.both[y, a, b]) - SIGN_THRESHOLD) <= 10.0 * change:
                    gap += q * abs(common)
    return redundancy, gap


@inner
def surprisal_change(joint, product):
    """log2(joint / product), 0 where the joint probability is 0."""
    return np.log2(joint / product) if joint > 0.0 else 0.0


@inner
def sign(value):
    """-1, 0 or 1, where what is within the threshold of 0 counts as 0."""
    if abs(value) <= SIGN_THRESHOLD:
        return 0.0
    return 1.0 if value > 0.0 else -1.0


@inner
def differentiate_margins(fit, terms, first_YA, second_YB, both_C):
    """The derivative of R by the margins in c = log2 of p1 p2 p12 / (p_A p_B p_Y q), with q held."""
    classes, levels1, levels2 = fit.q.shape
    given = fit.given
    q_YAB = np.where(terms.counts, fit.q, 0.0) / np.log(2.0)
    q_A, q_B, q_Y = q_YAB.sum(2).sum(0), q_YAB.sum(1).sum(0), q_YAB.sum(2).sum(1)
    for y in range(classes):
        of_class = ratio(q_Y[y], terms.p_Y[y])
        for a in range(levels1):
            of_level = ratio(q_A[a], terms.p_A[a])
            first_YA[y, a] = ratio(q_YAB[y, a].sum(), given.of_1[y, a]) - of_level - of_class
        for b in range(levels2):
            of_level = ratio(q_B[b], terms.p_B[b])
            second_YB[y, b] = ratio(q_YAB[y, :, b].sum(), given.of_2[y, b]) - of_level
    q_C = np.zeros(levels1 * levels2)
    for y in range(classes):
        q_C += q_YAB[y].ravel()
    for cell in range(len(both_C)):
        both_C[cell] = ratio(q_C[cell], given.of_12[cell])


@inner
def ratio(part, whole):
    """part / whole, 0 where there is nothing."""
    return part / whole if whole > 0.0 else 0.0


@inner
def differentiate_table(work):
    """projection: the derivative of R by q, as far as the fitted table can follow it."""
    fit, terms, pull = work.fit, work.terms, work.pull
    classes, levels1, levels2 = fit.q.shape
    pull.of_1[:], pull.of_2[:], pull.of_12[:], fit.system.margin12[:] = 0.0, 0.0, 0.0, 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                q = fit.q[y, a, b]
                fit.system.margin12[a * levels2 + b] += q
                gained = q * (terms.common[y, a, b] - 1.0 / np.log(2.0)) if terms.counts[y, a, b] else 0.0
                pull.of_1[y, a] += gained
                pull.of_2[y, b] += gained
                pull.of_12[a * levels2 + b] += gained
    solve_exponents(fit.q, pull, work.projection, fit.system)


@inner
def variance_of_jumps(fit, terms, samples):
    """Sum of J^2 P (1 - P) over all signs, bits squared."""
    classes, levels1, levels2 = fit.q.shape
    variance1, variance2 = np.zeros(levels1), np.zeros(levels2)
    jump1, jump2 = np.zeros(levels1), np.zeros(levels2)
    total = 0.0
    for y in range(classes):
        p_y = terms.p_Y[y]
        jump1[:], jump2[:] = 0.0, 0.0
        for a in range(levels1):
            variance1[a] = variance_of_change(fit.given.of_1[y, a], terms.p_A[a], p_y, samples)
        for b in range(levels2):
            variance2[b] = variance_of_change(fit.given.of_2[y, b], terms.p_B[b], p_y, samples)
        for a in range(levels1):
            for b in range(levels2):
                common = sign(terms.common[y, a, b])
                first, second, both = (
                    sign(terms.first[y, a]),
                    sign(terms.second[y, b]),
                    sign(terms.both[y, a, b]),
                )
                # Terms of either sign enter as those of the other leave.
                size = fit.q[y, a, b] * abs(terms.common[y, a, b])
                if common == both == second:
                    jump1[a] += size
                if common == both == first:
                    jump2[b] += size
                if common == first == second:
                    total += size**2 * doubt(terms.both[y, a, b], variance1[a] + variance2[b])
        for a in range(levels1):
            total += jump1[a] ** 2 * doubt(terms.first[y, a], variance1[a])
        for b in range(levels2):
            total += jump2[b] ** 2 * doubt(terms.second[y, b], variance2[b])
    return total


@inner
def variance_of_change(joint, p_x, p_y, samples):
    """Variance of log2( joint / (p_x p_y) ) over samples, bits squared."""
    if joint <= 0.0:
        return 0.0
    return max(1.0 / joint - 1.0 / p_x - 1.0 / p_y + 1.0, 0.0) / (samples * np.log(2.0) ** 2)


@inner
def doubt(change, variance):
    """P (1 - P), with P the probability that the sign of a change in surprisal is right."""
    if variance <= 0.0:
        return 0.0
    wrong = 0.5 * math.erfc(abs(change) / math.sqrt(2.0 * variance))
    return wrong * (1.0 - wrong)
