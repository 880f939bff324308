"""The proof that goes with an answer in lanes: ``_certificate``, for eight pairs at once, all in float64.

A lane is sound if the constraints hold, every level that is taken has a logarithm, and the margins of q are those
given. The ends of a lane that is not sound, or not a number, are infinite: no comparison with nan is true, and a
lane counts as sound only where all comparisons are.
"""

from __future__ import annotations

import numpy as np

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import larger, log, ratio, x_ln_x
from pidnet.execution.lanes import absolute, filled, select
from pidnet.measures.ibroja._lanes_start import fill_load, touch
from pidnet.measures.ibroja._lanes_step import longest, shift

EPSILON = 2.0**-52
OTHER_ROUNDINGS = 64  # of terms and ends, on top of one addition a cell: a generous count
LEAST = 1e-300  # numbers below may have lost their digits, and have no logarithm here
LARGEST = 1e3  # nats: no end of a minimum is beyond
SAME_MARGIN = 1e-15


@inner
def certify(s, pairs, step, proof):
    """Fill proven ends of the minimum, nats, from the point that the affine step leads to, which stays in
    (proof.exp_lam, proof.exp_mu)."""
    for c in range(s.C):
        pairs.Q[c] = larger(pairs.Q[c] + step.Q[c], 1e-3 * pairs.Q[c])
        proof.total[c] = filled(proof.q, 0.0)
    shift(s, pairs, step, longest(s, pairs, step), proof.exp_lam, proof.exp_mu)
    fill_load(s, proof.exp_lam, proof.exp_mu, proof.load)
    touch(s, proof.exp_lam, proof.exp_mu, proof.load)
    fill_load(s, proof.exp_lam, proof.exp_mu, proof.load)
    worst, sound = filled(proof.q, 1.0), proof.load[0] >= 0.0
    for c in range(s.C):
        sound = sound & (proof.load[c] <= 1.0 + 1e-9)
        worst = larger(proof.load[c], worst)
    lower, size1, known1 = dual_value(s.Y * s.A, pairs.p1, proof.exp_lam)
    more, size2, known2 = dual_value(s.Y * s.B, pairs.p2, proof.exp_mu)
    upper, size3, exact = table_value(s, pairs, proof)
    widen = EPSILON * (s.C * s.Y + OTHER_ROUNDINGS) * (1.0 + size1 + size2 + size3)
    upper, lower = upper + widen, lower + more - (worst - 1.0) - widen
    sound = sound & known1 & known2 & exact & (absolute(upper) <= LARGEST) & (absolute(lower) <= LARGEST)
    proof.upper[0] = select(sound, upper, np.inf)
    proof.lower[0] = select(sound, lower, -np.inf)


@inner
def dual_value(size, p, values):
    """sum p ln value, the sizes of its terms, and whether all that are needed have a logarithm."""
    total, sizes = filled(p, 0.0), filled(p, 0.0)
    known = total >= 0.0
    for i in range(size):
        some = values[i] > LEAST
        term = p[i] * log(select(some, values[i], 1.0))
        total, sizes = total + term, sizes + absolute(term)
        known = known & (some | (p[i] <= 0.0))
    return total, sizes, known


@inner
def table_value(s, pairs, proof):
    """sum q ln(q/Q) of a table with exact margins, the sizes of its terms, and whether the margins are exact."""
    value, sizes = filled(proof.q, 0.0), filled(proof.q, 0.0)
    exact = value >= 0.0
    for y in range(s.Y):
        missing = scale_down(s, y, pairs, proof)
        for a in range(s.A):
            total = filled(proof.q, 0.0)
            for b in range(s.B):
                total = total + proof.q[a * s.B + b]
            share = ratio(larger(pairs.p1[y * s.A + a] - total, 0.0), missing)
            for b in range(s.B):
                cell = a * s.B + b
                q = proof.q[cell] + share * proof.missing[b]
                term = x_ln_x(q)
                value, sizes = value + term, sizes + absolute(term)
                proof.q[cell], proof.total[cell] = q, proof.total[cell] + q
        exact = exact & margins_hold(s, y, pairs, proof.q)
    for c in range(s.C):
        term = x_ln_x(proof.total[c])
        value, sizes = value - term, sizes + absolute(term)
    return value, sizes, exact


@inner
def scale_down(s, y, pairs, proof):
    """q = Q e of a class with no row and no column above its margin; what is missing in all."""
    for a in range(s.A):
        total, p = filled(proof.q, 0.0), pairs.p1[y * s.A + a]
        for b in range(s.B):
            q = pairs.Q[a * s.B + b] * proof.exp_lam[y * s.A + a] * proof.exp_mu[y * s.B + b]
            proof.q[a * s.B + b], total = q, total + q
        scale = select(total > p, ratio(p, total), 1.0)
        for b in range(s.B):
            proof.q[a * s.B + b] = proof.q[a * s.B + b] * scale
    missing = filled(proof.q, 0.0)
    for b in range(s.B):
        total, p = filled(proof.q, 0.0), pairs.p2[y * s.B + b]
        for a in range(s.A):
            total = total + proof.q[a * s.B + b]
        scale = select(total > p, ratio(p, total), 1.0)
        total = filled(proof.q, 0.0)
        for a in range(s.A):
            q = proof.q[a * s.B + b] * scale
            proof.q[a * s.B + b], total = q, total + q
        proof.missing[b] = larger(p - total, 0.0)
        missing = missing + proof.missing[b]
    return missing


@inner
def margins_hold(s, y, pairs, q):
    """Whether q of a class has the margins given."""
    hold = filled(q, 0.0) >= 0.0
    for a in range(s.A):
        total = filled(q, 0.0)
        for b in range(s.B):
            total = total + q[a * s.B + b]
        hold = hold & (absolute(total - pairs.p1[y * s.A + a]) <= SAME_MARGIN)
    for b in range(s.B):
        total = filled(q, 0.0)
        for a in range(s.A):
            total = total + q[a * s.B + b]
        hold = hold & (absolute(total - pairs.p2[y * s.B + b]) <= SAME_MARGIN)
    return hold
