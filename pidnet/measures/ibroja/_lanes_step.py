"""Steps of eight pairs in lanes: the affine step is looked at, then one that corrects it is taken.

With d the change of lam + mu in a cell, its e becomes e exp(d) = e (1 + d + d^2/2 + ...). The affine step heads for
the optimum (tau = 0) to first order; what d^2/2 leaves of the margins and of Q slack is known once it is found. If
little is left, the pair goes to its proof. If not, a second solution with the same factors heads for tau > 0 and
takes what the second order leaves into account (Mehrotra 1992); the step is as long as the quadratic model of the
slack lets it be.
"""

from __future__ import annotations

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import exp, larger, smaller
from pidnet.execution.lanes import absolute, anywhere, filled, select, square_root
from pidnet.measures._kernels.lanes_system import fill_lift, solve_blocks, solve_cells, take_response
from pidnet.measures.ibroja._lanes_start import fill_load

INSIDE = 0.01  # of Q and of the slack that a step leaves at least
SHRINK = 0.1  # of tau, at most
LONGEST_MOVE = 3.0  # of lam + mu in a step: exponentials are not linear beyond
MOST_TRIALS = 40


@inner
def longest(s, pairs, step):
    """The length at which no lam + mu of a cell that is taken moves farther than LONGEST_MOVE, at most 1."""
    most = filled(pairs.Q, 0.0)
    for y in range(s.Y):
        for a in range(s.A):
            exp_lam, move = pairs.exp_lam[y * s.A + a], step.lam[y * s.A + a]
            for b in range(s.B):
                taken = exp_lam * pairs.exp_mu[y * s.B + b] > 0.0
                most = larger(select(taken, absolute(move + step.mu[y * s.B + b]), 0.0), most)
    return 1.0 / larger(most / LONGEST_MOVE, 1.0)


@inner
def fill_model(s, e, step, goal):
    """slack(t) = slack + t slope - t^2 bend along a step, to second order."""
    for c in range(s.C):
        goal.slope[c] = goal.bend[c] = filled(e, 0.0)
    for y in range(s.Y):
        for a in range(s.A):
            for b in range(s.B):
                d = step.lam[y * s.A + a] + step.mu[y * s.B + b]
                moved = e[(y * s.A + a) * s.B + b] * d
                goal.slope[a * s.B + b] = goal.slope[a * s.B + b] - moved
                goal.bend[a * s.B + b] = goal.bend[a * s.B + b] + 0.5 * moved * d


@inner
def clear_goal(s, goal):
    """Head for the optimum itself."""
    zero = filled(goal.tau, 0.0)
    for c in range(s.C):
        goal.tau[c] = zero
    for i in range(s.Y * s.A):
        goal.pull1[i] = zero
    for i in range(s.Y * s.B):
        goal.pull2[i] = zero


@inner
def correct_goal(s, pairs, field, step, goal):
    """Where to head after the affine step; what that step would leave of the gap, to second order, nats."""
    fill_model(s, field.e, step, goal)
    now, after, left = filled(goal.tau, 0.0), filled(goal.tau, 0.0), filled(goal.tau, 0.0)
    length = longest(s, pairs, step)
    for c in range(s.C):
        Q, slack, move, slope = pairs.Q[c], field.slack[c], step.Q[c], goal.slope[c]
        length = smaller(select(move < 0.0, -Q / select(move < 0.0, move, -1.0), 1.0), length)
        length = smaller(select(slope < 0.0, -slack / select(slope < 0.0, slope, -1.0), 1.0), length)
        beyond = larger(-(Q + move), 0.0) * (slack + absolute(slope))
        left = left + Q * goal.bend[c] + absolute(move * slope) + beyond
        now = now + Q * slack
    for c in range(s.C):
        after = after + (pairs.Q[c] + length * step.Q[c]) * (field.slack[c] + length * goal.slope[c])
    share = after / now
    target = larger(smaller(share * share * share, 0.5), SHRINK) * now / s.C
    damping = length * length
    for c in range(s.C):
        second = step.Q[c] * goal.slope[c] - pairs.Q[c] * goal.bend[c]
        goal.tau[c] = (target - damping * second) / field.slack[c]
    fill_pull(s, pairs, field.e, step, damping, goal)
    return left


@inner
def fill_pull(s, pairs, e, step, damping, goal):
    """What the second order of the step adds to the margins."""
    for y in range(s.Y):
        for b in range(s.B):
            goal.pull2[y * s.B + b] = filled(e, 0.0)
        for a in range(s.A):
            total = filled(e, 0.0)
            for b in range(s.B):
                d = step.lam[y * s.A + a] + step.mu[y * s.B + b]
                moved = e[(y * s.A + a) * s.B + b] * d * damping
                second = moved * (step.Q[a * s.B + b] + 0.5 * d * pairs.Q[a * s.B + b])
                total = total + second
                goal.pull2[y * s.B + b] = goal.pull2[y * s.B + b] + second
            goal.pull1[y * s.A + a] = total


@inner
def shift(s, pairs, step, length, exp_lam, exp_mu):
    """The point that lies ``length`` along the step."""
    for i in range(s.Y * s.A):
        exp_lam[i] = pairs.exp_lam[i] * exp(length * step.lam[i])
    for i in range(s.Y * s.B):
        exp_mu[i] = pairs.exp_mu[i] * exp(length * step.mu[i])


@inner
def step_length(s, pairs, field, step, goal):
    """How far Q and, by its quadratic model, the slack stay inside."""
    fill_model(s, field.e, step, goal)
    length = longest(s, pairs, step)
    for c in range(s.C):
        Q, move = pairs.Q[c], step.Q[c]
        length = smaller(select(move < 0.0, (INSIDE - 1.0) * Q / select(move < 0.0, move, -1.0), 1.0), length)
        most, slope = (1.0 - INSIDE) * field.slack[c], goal.slope[c]
        root = square_root(slope * slope + 4.0 * goal.bend[c] * most)
        length = smaller(2.0 * most / larger(root - slope, 1e-300), length)
    return length


@inner
def advance(s, pairs, field, step, goal, proof, busy):
    """Take the step, shortened where the slack would not hold."""
    length = step_length(s, pairs, field, step, goal)
    for _ in range(MOST_TRIALS):
        shift(s, pairs, step, length, proof.exp_lam, proof.exp_mu)
        fill_load(s, proof.exp_lam, proof.exp_mu, proof.total)
        outside = busy < 0.0
        for c in range(s.C):
            outside = outside | ~(1.0 - proof.total[c] >= 0.1 * INSIDE * field.slack[c])
        outside = outside & (busy > 0.0)
        if not anywhere(outside):
            break
        length = select(outside, length * 0.7, length)
    for i in range(s.Y * s.A):
        pairs.exp_lam[i] = proof.exp_lam[i]
    for i in range(s.Y * s.B):
        pairs.exp_mu[i] = proof.exp_mu[i]
    for c in range(s.C):
        pairs.Q[c] = pairs.Q[c] + length * step.Q[c]


@inner
def solve(s, pairs, e, goal, system, step):
    """Newton step towards margins p - pull and Q slack = tau slack; ``factor`` must have been called."""
    for y in range(s.Y):
        for a in range(s.A):
            total = pairs.p1[y * s.A + a] - goal.pull1[y * s.A + a]
            for b in range(s.B):
                total = total - e[(y * s.A + a) * s.B + b] * goal.tau[a * s.B + b]
            system.right1[y * s.A + a] = total
        for b in range(s.B):
            total = pairs.p2[y * s.B + b] - goal.pull2[y * s.B + b]
            for a in range(s.A):
                total = total - e[(y * s.A + a) * s.B + b] * goal.tau[a * s.B + b]
            system.right2[y * s.B + b] = total
    solve_blocks(s, system)
    fill_lift(s, system)
    solve_cells(s.C, system)
    take_response(s, system)
    solve_blocks(s, system)
    for i in range(s.Y * s.A):
        step.lam[i] = system.step1[i]
    for i in range(s.Y * s.B):
        step.mu[i] = system.step2[i]
    for c in range(s.C):
        step.Q[c] = system.response[c] + goal.tau[c] - pairs.Q[c]
