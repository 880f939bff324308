"""The fast I_BROJA kernel: the interior-point method of ``_general`` for eight pairs in the lanes of vector registers.

    pairs            waiting            running                  leaving            answers
    0 1 2 3 ...  ->  eight that     ->  eight that take      ->  eight that     ->  upper, lower,
                     are started        steps together           are proven         lam, mu, Q

A lane whose pair is all but solved goes to those that leave, and takes the next one that waits: no lane stands idle
until the pairs run out. State and proof are in float64. The linear algebra is in the type of its memory: float32 first,
twice as many numbers in a register, and float64 for the pairs that this does not bring to the gap.

``_lanes_start`` finds the first point, ``_lanes_step`` the steps, by ``_kernels.lanes_system``, ``_lanes_proof`` the
ends. What this kernel does not bring to the gap either goes to ``_general``, which is the one to read first.
"""

from __future__ import annotations

import numpy as np

from pidnet.execution.compiling import inner, kernel
from pidnet.execution.lanes import LANES
from pidnet.measures._kernels.lanes_memory import Shape, system_size, take_system
from pidnet.measures._kernels.lanes_system import factor
from pidnet.measures.ibroja._lanes_memory import sketch_size, state_size, take_memory
from pidnet.measures.ibroja._lanes_proof import certify
from pidnet.measures.ibroja._lanes_start import fill_field, start
from pidnet.measures.ibroja._lanes_step import advance, clear_goal, correct_goal, solve

# A pair leaves when the second order is below so much of the tolerance. A bold guess saves a step; where the proof then
# fails, the next attempt costs two pairs.
TRUST = {np.float32: 0.2, np.float64: 0.01}
MOST_STEPS = {np.float32: 15, np.float64: 80}
TINY_PIVOT = {np.float32: 1e-6, np.float64: 1e-13}  # of the diagonal: what roundoff leaves of an exact zero


def solve_lanes(
    p1_PYA, p2_PYB, tolerance, upper_P, lower_P, lam_PYA, mu_PYB, Q_PC, *, algebra=np.float32, trust=None
):
    """Fill ends of min sum q ln(q/Q) of each pair, nats, the dual point and Q, as ``_general.solve_general`` does; the
    ends of a pair without a proof are infinite. ``trust``: that of the algebra by default, see ``TRUST``."""
    classes, levels1 = p1_PYA.shape[1:]
    shape = levels1, p2_PYB.shape[2], classes
    state, size = np.zeros(LANES * state_size(*shape)), LANES * system_size(*shape)
    narrow, wide = (np.zeros(size if algebra is kind else 0, kind) for kind in (np.float32, np.float64))
    trust = TRUST[algebra] if trust is None else trust
    limits = tolerance * trust, MOST_STEPS[algebra], TINY_PIVOT[algebra]
    sketch = np.zeros(LANES * sketch_size(*shape), np.float32)
    answers = upper_P, lower_P, lam_PYA, mu_PYB, Q_PC
    solve_pairs(p1_PYA, p2_PYB, limits, answers, (state, sketch), narrow, wide)


@kernel("I_BROJA")
def solve_pairs(p1_PYA, p2_PYB, limits, answers, state, narrow, wide):
    """Let all pairs through the lanes, with the algebra in the one of ``narrow`` and ``wide`` that is not empty: code
    for both, since code for each would be compiled twice."""
    classes, levels1 = p1_PYA.shape[1:]
    s = Shape(levels1, p2_PYB.shape[2], classes, levels1 * p2_PYB.shape[2])
    memory = take_memory(state[0], state[1], np.zeros(1, np.int64), s)
    single, double = (
        take_system(narrow, np.zeros(1, np.int64), s),
        take_system(wide, np.zeros(1, np.int64), s),
    )
    run_lanes(s, p1_PYA, p2_PYB, limits, answers, memory, (len(narrow) > 0, single, double))


@inner
def run_lanes(s, p1_PYA, p2_PYB, limits, answers, memory, systems):
    """Steps, until no pair is left."""
    enough, most_steps, tiny = limits
    running, field, goal = memory.running, memory.field, memory.goal
    pair_of, steps, leaver = np.full(LANES, -1), np.zeros(LANES, np.int64), np.full(LANES, -1)
    line = np.zeros(3, np.int64)  # pairs that were started, of them those that wait, those that leave
    while fill_lanes(s, p1_PYA, p2_PYB, memory, pair_of, steps, line):
        fill_field(s, running, field)
        factor_in(systems, s, field, running.Q, tiny)
        clear_goal(s, goal)
        solve_in(systems, s, running, field.e, goal, memory.step)
        memory.left[0] = correct_goal(s, running, field, memory.step, goal)
        for k in range(LANES):
            if pair_of[k] < 0:
                continue
            steps[k] += 1
            if not memory.left[0, k] >= enough or steps[k] >= most_steps:
                copy_pair(s, running, k, memory.leaving, line[2])
                copy_step(s, memory.step, k, memory.last_step, line[2])
                leaver[line[2]], pair_of[k], memory.busy[0, k] = pair_of[k], -1, 0.0
                line[2] += 1
                if line[2] == LANES:
                    dismiss(s, memory, leaver, line, answers)
        solve_in(systems, s, running, field.e, goal, memory.step)
        advance(s, running, field, memory.step, goal, memory.proof, memory.busy[0])
    dismiss(s, memory, leaver, line, answers)


@inner
def factor_in(systems, s, field, Q, tiny):
    """``factor`` in the algebra asked for."""
    narrow, single, double = systems
    if narrow:
        factor(s, field.e, Q, field.slack, tiny, single)
    else:
        factor(s, field.e, Q, field.slack, tiny, double)


@inner
def solve_in(systems, s, pairs, e, goal, step):
    """``solve`` in the algebra asked for."""
    narrow, single, double = systems
    if narrow:
        solve(s, pairs, e, goal, single, step)
    else:
        solve(s, pairs, e, goal, double, step)


@inner
def fill_lanes(s, p1_PYA, p2_PYB, memory, pair_of, steps, line):
    """Give the free lanes the next pairs; whether any lane has one."""
    some = False
    for k in range(LANES):
        if pair_of[k] < 0 and line[1] == 0 and line[0] < len(p1_PYA):
            line[1] = min(LANES, len(p1_PYA) - line[0])
            for lane in range(LANES):  # lanes beyond the last pair repeat it
                read_pair(s, p1_PYA, p2_PYB, min(line[0] + lane, len(p1_PYA) - 1), memory.waiting, lane)
            start(s, memory.waiting, memory.field, memory.sketch)
            line[0] += line[1]
        if pair_of[k] < 0 and line[1] > 0:
            first = (line[0] - 1) % LANES + 1 - line[1]
            copy_pair(s, memory.waiting, first, memory.running, k)
            pair_of[k], steps[k], memory.busy[0, k] = line[0] - line[1], 0, 1.0
            line[1] -= 1
        some |= pair_of[k] >= 0
    return some


@inner
def read_pair(s, p1_PYA, p2_PYB, pair, into, lane):
    """The margins of a pair into a lane."""
    for y in range(s.Y):
        for a in range(s.A):
            into.p1[y * s.A + a, lane] = p1_PYA[pair, y, a]
        for b in range(s.B):
            into.p2[y * s.B + b, lane] = p2_PYB[pair, y, b]


@inner
def copy_pair(s, pairs, lane, into, other):
    """A pair from a lane into another one."""
    for i in range(s.Y * s.A):
        into.p1[i, other], into.exp_lam[i, other] = pairs.p1[i, lane], pairs.exp_lam[i, lane]
    for i in range(s.Y * s.B):
        into.p2[i, other], into.exp_mu[i, other] = pairs.p2[i, lane], pairs.exp_mu[i, lane]
    for c in range(s.C):
        into.Q[c, other] = pairs.Q[c, lane]


@inner
def copy_step(s, step, lane, into, other):
    """The step of a pair from a lane into another one."""
    for i in range(s.Y * s.A):
        into.lam[i, other] = step.lam[i, lane]
    for i in range(s.Y * s.B):
        into.mu[i, other] = step.mu[i, lane]
    for c in range(s.C):
        into.Q[c, other] = step.Q[c, lane]


@inner
def dismiss(s, memory, leaver, line, answers):
    """Prove the pairs that leave, and write their answers."""
    upper_P, lower_P, lam_PYA, mu_PYB, Q_PC = answers
    proof = memory.proof
    certify(s, memory.leaving, memory.last_step, proof)
    for lane in range(line[2]):
        pair = leaver[lane]
        upper_P[pair], lower_P[pair] = proof.upper[0, lane], proof.lower[0, lane]
        for y in range(s.Y):
            for a in range(s.A):
                x = proof.exp_lam[y * s.A + a, lane]
                lam_PYA[pair, y, a] = np.log(x) if x > 0.0 else 0.0
            for b in range(s.B):
                x = proof.exp_mu[y * s.B + b, lane]
                mu_PYB[pair, y, b] = np.log(x) if x > 0.0 else 0.0
        for c in range(s.C):
            Q_PC[pair, c] = memory.leaving.Q[c, lane]
    line[2] = 0
