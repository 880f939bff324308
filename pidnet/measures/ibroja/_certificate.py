"""The proof that goes with an I_BROJA answer of the general kernel.

The upper end is the value sum q ln(q/Q) of a table q whose margins are exact, the lower end the value
sum p1 lam + sum p2 mu of a feasible dual point; weak duality holds them apart, whatever the solver did. Both are
widened by the roundoff of their sums. ``_twin.ends_nats`` is the same in NumPy.

Arrays as in ``_general``.
"""

from __future__ import annotations

import numpy as np

from pidnet.execution.compiling import FAST, inner

EPSILON = 2.0**-52
OTHER_ROUNDINGS = 64  # of terms and ends, on top of one addition a cell: a generous count


@inner
def certify(given, at, proof):
    """Upper and lower end of the minimum, nats, from a feasible q and a feasible (lam, mu)."""
    repair_margins(given.p1, given.p2, at, proof)
    upper, roundoff = value_nats(proof)
    lower = 0.0
    for y in range(len(given.p1)):
        for a in range(given.p1.shape[1]):
            lower += given.p1[y, a] * at.lam[y, a]
            roundoff += abs(given.p1[y, a] * at.lam[y, a])
        for b in range(given.p2.shape[1]):
            lower += given.p2[y, b] * at.mu[y, b]
            roundoff += abs(given.p2[y, b] * at.mu[y, b])
    widen = EPSILON * (proof.q.size + OTHER_ROUNDINGS) * roundoff
    return upper + widen, lower - widen


@inner
def repair_margins(p1_YA, p2_YB, at, proof):
    """q = Q e with its margins made exact: scale rows and columns down, then fill in what is missing."""
    classes, levels1, levels2 = proof.q.shape
    for y in range(classes):
        q_AB = proof.q[y]
        for a in range(levels1):
            total = 0.0
            for b in range(levels2):
                q_AB[a, b] = at.Q[a * levels2 + b] * at.e[y, a, b]
                total += q_AB[a, b]
            if total > p1_YA[y, a]:
                for b in range(levels2):
                    q_AB[a, b] *= p1_YA[y, a] / total
        missing = 0.0
        for b in range(levels2):
            total = sum_of_column(q_AB, b)
            if total > p2_YB[y, b]:
                for a in range(levels1):
                    q_AB[a, b] *= p2_YB[y, b] / total
            proof.missing[b] = max(p2_YB[y, b] - sum_of_column(q_AB, b), 0.0)
            missing += proof.missing[b]
        if missing > 0.0:
            for a in range(levels1):
                total = 0.0
                for b in range(levels2):
                    total += q_AB[a, b]
                share = max(p1_YA[y, a] - total, 0.0) / missing
                for b in range(levels2):
                    q_AB[a, b] += share * proof.missing[b]


@inner
def sum_of_column(values_AB, b):
    """The sum of a column."""
    total = 0.0
    for a in range(len(values_AB)):
        total += values_AB[a, b]
    return total


@inner(fastmath=FAST)
def value_nats(proof):
    """sum q ln(q/Q), nats, and the sum of the sizes of its terms."""
    classes, levels1, levels2 = proof.q.shape
    value, size = 0.0, 1.0
    for cell in range(len(proof.Q)):
        proof.Q[cell] = 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                q = proof.q[y, a, b]
                proof.Q[a * levels2 + b] += q
                if q > 0.0:
                    term = q * np.log(q)
                    value += term
                    size += abs(term)
    for cell in range(len(proof.Q)):
        if proof.Q[cell] > 0.0:
            term = proof.Q[cell] * np.log(proof.Q[cell])
            value -= term
            size += abs(term)
    return value, size
