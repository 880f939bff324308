"""The general I_BROJA kernel: an interior-point method on the dual, one pair at a time.

With the margins p1(x1,y), p2(x2,y) fixed, the minimum of sum q ln(q / Q), Q(x1,x2) = sum_y q, is the maximum of

    sum p1 lam + sum p2 mu   subject to   load(x1,x2) = sum_y exp( lam(x1,y) + mu(x2,y) ) <= 1 for every cell,

and Q holds the multipliers of the cells: q = Q e, e = exp(lam + mu). Every iterate is dual feasible. With
slack = 1 - load, a step of Newton's method towards

    sum_b q = p1,      sum_a q = p2,      Q slack = tau

is d = (step of lam, step of mu) and the step of Q, and with L the class systems of q and E those of e (see
``_kernels.class_systems``) it solves

    L d + E response = p - E tau / slack,      response = (step of Q) - (tau / slack - Q) = Q / slack * E^T d.

So one system in the cells, (G + slack / Q) response = E^T L^+ (p - E tau / slack), gives the response, and the
class systems give d. With more cells than levels G has not the rank of its size, and the cells are eliminated
instead (``_by_levels``). ``_twin.minimum_nats`` is the same method in dense NumPy.

Arrays are class-major: Y class, A level of source 1, B level of source 2, C = A*B cells.
"""

from __future__ import annotations

import numpy as np

from pidnet.execution.compiling import FAST, inner, kernel
from pidnet.measures._kernels.class_systems import (
    cell_matrix,
    factor_blocks,
    solve_blocks,
    solve_definite,
)
from pidnet.measures._kernels.margins import copy_levels
from pidnet.measures.ibroja._by_levels import find_levels
from pidnet.measures.ibroja._certificate import certify
from pidnet.measures.ibroja._workspace import allocate

MOST_STEPS = 80
SHRINK = 0.1  # of tau after a step that was mostly taken
STAY_INSIDE = 0.99  # of the way to the boundary at most
LONGEST_MOVE = 3.0  # of lam + mu in a step: exponentials are not linear beyond
LEAST_TAU = 1e-16  # the slack is roundoff below


@kernel("I_BROJA one pair at a time")
def solve_general(p1_PYA, p2_PYB, tolerance, upper_P, lower_P, lam_PYA, mu_PYB, Q_PC):
    """Fill certified ends of min sum q ln(q/Q) of each pair, nats, at most ``tolerance`` apart where reached, the
    dual point (lam, mu): how the minimum changes with the margins, and Q."""
    pairs, classes, levels1 = p1_PYA.shape
    work = allocate(levels1, p2_PYB.shape[2], classes)
    for pair in range(pairs):
        copy_levels(p1_PYA[pair], work.given.p1)
        copy_levels(p2_PYB[pair], work.given.p2)
        upper_P[pair], lower_P[pair] = solve_pair(
            work.given, work.iterate, work.step, work.system, work.proof, tolerance
        )
        copy_levels(work.iterate.lam, lam_PYA[pair])
        copy_levels(work.iterate.mu, mu_PYB[pair])
        for cell in range(Q_PC.shape[1]):
            Q_PC[pair, cell] = work.iterate.Q[cell]


@inner
def solve_pair(given, at, step, system, proof, tolerance):
    """The best certified ends (upper, lower) that the steps reach, nats."""
    start(given.p1, given.p2, at)
    cells = len(at.Q)
    best_upper, best_lower = np.inf, -np.inf
    tau = SHRINK * complementarity(at)
    for _ in range(MOST_STEPS):
        find_step(given, at, step, system, tau)
        length = advance(given, at, step)
        tau = complementarity(at)
        if cells * tau < tolerance:
            upper, lower = certify(given, at, proof)
            if upper < best_upper:
                best_upper = upper
            if lower > best_lower:
                best_lower = lower
            if best_upper - best_lower <= tolerance:
                break
        if not tau > LEAST_TAU:
            break
        tau *= SHRINK if length > 0.5 else 1.0
    return best_upper, best_lower


@inner(fastmath=FAST)
def complementarity(at):
    """Mean of Q * slack over the cells."""
    total = 0.0
    for cell in range(len(at.Q)):
        total += at.Q[cell] * at.slack[cell]
    return total / len(at.Q)


@inner
def start(p1_YA, p2_YB, at):
    """q = p1 p2 / p(y), and a dual point that touches no constraint."""
    for y in range(len(p1_YA)):
        total = 0.0
        for a in range(p1_YA.shape[1]):
            at.exp_lam[y, a] = p1_YA[y, a]
            total += p1_YA[y, a]
        for b in range(p2_YB.shape[1]):
            at.exp_mu[y, b] = p2_YB[y, b] / total if total > 0.0 else 0.0
    fill_exponentials(at)
    for cell in range(len(at.Q)):
        at.Q[cell] = at.load[cell]
    touch(at)
    fill_exponentials(at)
    fill_logarithms(at.exp_lam, at.lam)
    fill_logarithms(at.exp_mu, at.mu)
    for cell in range(len(at.Q)):
        at.Q[cell] = at.Q[cell] / at.load[cell] if at.load[cell] > 0.0 else 0.0
    least = 1e-3 * complementarity(at)
    for cell in range(len(at.Q)):
        at.Q[cell] = max(at.Q[cell], least)


@inner
def fill_logarithms(values, out):
    """ln of a matrix, 0 where it is 0."""
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            out[i, j] = np.log(values[i, j]) if values[i, j] > 0.0 else 0.0


@inner(fastmath=FAST)
def fill_exponentials(at):
    """e = exp_lam exp_mu, load = sum_y e and slack = 1 - load."""
    classes, levels1, levels2 = at.e.shape
    for cell in range(len(at.load)):
        at.load[cell] = 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                value = at.exp_lam[y, a] * at.exp_mu[y, b]
                at.e[y, a, b] = value
                at.load[a * levels2 + b] += value
    for cell in range(len(at.load)):
        at.slack[cell] = 1.0 - at.load[cell]


@inner
def touch(at):
    """Scale the levels so that every load is at most a half and each level has one that is."""
    classes, levels1, levels2 = at.e.shape
    for a in range(levels1):
        most = 0.0
        for b in range(levels2):
            most = max(most, at.load[a * levels2 + b])
        if most > 0.0:
            for b in range(levels2):
                at.load[a * levels2 + b] /= most
            for y in range(classes):
                at.exp_lam[y, a] *= 0.5 / most
    for b in range(levels2):
        most = 0.0
        for a in range(levels1):
            most = max(most, at.load[a * levels2 + b])
        if most > 0.0:
            for y in range(classes):
                at.exp_mu[y, b] /= most


@inner(fastmath=FAST)
def find_step(given, at, step, system, tau):
    """Newton step of lam, mu and Q towards exact margins and Q * slack = tau."""
    fill_right(given, at, system, tau)
    if len(system.matrix) < len(at.Q):
        find_levels(at, system, step)
        fill_lift(at.e, step.lam, step.mu, system.lift)
        for cell in range(len(at.Q)):
            system.response[cell] = at.Q[cell] / at.slack[cell] * system.lift[cell]
    else:
        find_response(at, system)
        fill_rest(at.e, system.response, system.right1, system.rest1, system.right2, system.rest2)
        solve_blocks(system.blocks, system.rest1, system.rest2, step.lam, step.mu)
    for cell in range(len(at.Q)):
        step.Q[cell] = system.response[cell] + (tau / at.slack[cell] - at.Q[cell])


@inner(fastmath=FAST)
def find_response(at, system):
    """Solve (G + slack / Q) response = E^T L^+ right."""
    factor_blocks(system.q, system.blocks)
    cell_matrix(system.blocks, at.e, system.root, system.matrix)
    for cell in range(len(at.Q)):
        system.matrix[cell, cell] += at.slack[cell] / at.Q[cell]
    solve_blocks(system.blocks, system.right1, system.right2, system.held1, system.held2)
    fill_lift(at.e, system.held1, system.held2, system.lift)
    solve_definite(system.matrix, system.lift, system.response)


@inner(fastmath=FAST)
def fill_right(given, at, system, tau):
    """q = Q e and right = p - E tau / slack."""
    classes, levels1, levels2 = at.e.shape
    copy_levels(given.p1, system.right1)
    copy_levels(given.p2, system.right2)
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                cell = a * levels2 + b
                system.q[y, a, b] = at.Q[cell] * at.e[y, a, b]
                centered = at.e[y, a, b] * (tau / at.slack[cell])
                system.right1[y, a] -= centered
                system.right2[y, b] -= centered


@inner(fastmath=FAST)
def fill_lift(e_YAB, held1_YA, held2_YB, lift_C):
    """lift = E^T held: what the step held would add to the load of each cell, to first order."""
    classes, levels1, levels2 = e_YAB.shape
    for cell in range(len(lift_C)):
        lift_C[cell] = 0.0
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                lift_C[a * levels2 + b] += e_YAB[y, a, b] * (held1_YA[y, a] + held2_YB[y, b])


@inner(fastmath=FAST)
def fill_rest(e_YAB, response_C, right1_YA, rest1_YA, right2_YB, rest2_YB):
    """rest = right - E response."""
    classes, levels1, levels2 = e_YAB.shape
    copy_levels(right1_YA, rest1_YA)
    copy_levels(right2_YB, rest2_YB)
    for y in range(classes):
        for a in range(levels1):
            for b in range(levels2):
                pull = e_YAB[y, a, b] * response_C[a * levels2 + b]
                rest1_YA[y, a] -= pull
                rest2_YB[y, b] -= pull


@inner
def advance(given, at, step):
    """Take as much of the step as keeps Q and the slack positive; return the length taken."""
    longest = 1.0 / max(1.0, longest_move(given, step) / LONGEST_MOVE)
    for cell in range(len(at.Q)):
        if step.Q[cell] < 0.0:
            longest = min(longest, -STAY_INSIDE * at.Q[cell] / step.Q[cell])
        step.least_slack[cell] = (1.0 - STAY_INSIDE) * at.slack[cell]
    shift(at, step, longest)
    length = longest
    while too_far(at.slack, step.least_slack) and length > 1e-12:
        shift(at, step, -0.4 * length)
        length *= 0.6
    for cell in range(len(at.Q)):
        at.Q[cell] += length * step.Q[cell]
    return length


@inner
def too_far(slack_C, least_C):
    """Whether a cell has less slack than its least."""
    found = False
    for cell in range(len(slack_C)):
        found |= slack_C[cell] < least_C[cell]
    return found


@inner(fastmath=FAST)
def longest_move(given, step):
    """Largest change of lam + mu that the whole step would make."""
    classes, levels1 = given.p1.shape
    longest = 0.0
    for y in range(classes):
        for a in range(levels1):
            if given.p1[y, a] > 0.0:
                for b in range(given.p2.shape[1]):
                    if given.p2[y, b] > 0.0:
                        longest = max(longest, abs(step.lam[y, a] + step.mu[y, b]))
    return longest


@inner(fastmath=FAST)
def shift(at, step, length):
    """Move lam and mu along the step."""
    shift_levels(at.lam, at.exp_lam, step.lam, length)
    shift_levels(at.mu, at.exp_mu, step.mu, length)
    fill_exponentials(at)


@inner(fastmath=FAST)
def shift_levels(logs, values, step, length):
    """Move logarithms along their step, and their exponentials with them; levels that are not taken stay at 0."""
    for i in range(logs.shape[0]):
        for j in range(logs.shape[1]):
            if values[i, j] > 0.0:
                logs[i, j] += length * step[i, j]
                values[i, j] = np.exp(logs[i, j])
