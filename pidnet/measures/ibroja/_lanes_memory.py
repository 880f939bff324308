"""The memory of the I_BROJA kernel in lanes, by the names of its formulas: rows of vectors, eight pairs in each.

See ``_kernels.lanes_memory`` for the order of a row.
"""

from __future__ import annotations

from typing import NamedTuple

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import take
from pidnet.execution.lanes import Row


class Pairs(NamedTuple):
    """Margins p1 (of_a), p2 (of_b), and where the method is: exp_lam (of_a), exp_mu (of_b), Q (cells)."""

    p1: Row
    p2: Row
    exp_lam: Row
    exp_mu: Row
    Q: Row


class Step(NamedTuple):
    """Where it goes. lam: of_a. mu: of_b. Q: cells."""

    lam: Row
    mu: Row
    Q: Row


class Field(NamedTuple):
    """What follows from the point. e = exp_lam exp_mu: table. load = sum_y e, slack = 1 - load: cells."""

    e: Row
    load: Row
    slack: Row


class Goal(NamedTuple):
    """What a step heads for. tau: cells, of Q slack = tau, over slack. pull1 (of_a), pull2 (of_b): of the margins,
    what the second order of the step would add to them. slope, bend: cells, by how much the slack changes with the
    step to first and second order."""

    tau: Row
    pull1: Row
    pull2: Row
    slope: Row
    bend: Row


class Proof(NamedTuple):
    """A trial point exp_lam (of_a), exp_mu (of_b), load (cells), and of a class the table q (cells) and what its
    columns miss (B). total = sum_y q: cells. upper, lower: one vector."""

    exp_lam: Row
    exp_mu: Row
    load: Row
    q: Row
    missing: Row
    total: Row
    upper: Row
    lower: Row


class Sketch(NamedTuple):
    """The pairs that wait, and the load (cells) of their point, in float32: what the sweeps of the start work on."""

    pairs: Pairs
    load: Row


class Memory(NamedTuple):
    """Of the pairs in the lanes, of those that wait for one, and of those whose steps are done. left: one vector, what
    the affine step would leave of the gap. busy: one vector, 1 in lanes that have a pair."""

    running: Pairs
    waiting: Pairs
    leaving: Pairs
    step: Step
    last_step: Step
    field: Field
    goal: Goal
    proof: Proof
    left: Row
    busy: Row
    sketch: Sketch


def state_size(A: int, B: int, Y: int) -> int:
    """Vectors of float64 that ``take_memory`` takes."""
    return 12 * Y * (A + B) + Y * A * B + 14 * A * B + B + 4


def sketch_size(A: int, B: int, Y: int) -> int:
    """Vectors of float32 that ``take_memory`` takes."""
    return 2 * Y * (A + B) + 2 * A * B


@inner
def take_pairs(array, cursor, s):
    of_a, of_b = s.Y * s.A, s.Y * s.B
    p1, p2 = take(array, cursor, of_a), take(array, cursor, of_b)
    return Pairs(p1, p2, take(array, cursor, of_a), take(array, cursor, of_b), take(array, cursor, s.C))


@inner
def take_step(array, cursor, s):
    return Step(take(array, cursor, s.Y * s.A), take(array, cursor, s.Y * s.B), take(array, cursor, s.C))


@inner
def take_memory(array, of_sketch, cursor, s):
    """The state of eight pairs; both arrays must be zero and outlive it."""
    of_a, of_b = s.Y * s.A, s.Y * s.B
    running, waiting, leaving = (
        take_pairs(array, cursor, s),
        take_pairs(array, cursor, s),
        take_pairs(array, cursor, s),
    )
    step, last_step = take_step(array, cursor, s), take_step(array, cursor, s)
    field = Field(take(array, cursor, s.Y * s.C), take(array, cursor, s.C), take(array, cursor, s.C))
    goal = Goal(
        take(array, cursor, s.C),
        take(array, cursor, of_a),
        take(array, cursor, of_b),
        take(array, cursor, s.C),
        take(array, cursor, s.C),
    )
    proof = Proof(
        take(array, cursor, of_a),
        take(array, cursor, of_b),
        take(array, cursor, s.C),
        take(array, cursor, s.C),
        take(array, cursor, s.B),
        take(array, cursor, s.C),
        take(array, cursor, 1),
        take(array, cursor, 1),
    )
    left, busy = take(array, cursor, 1), take(array, cursor, 1)
    cursor[0] = 0
    sketch = Sketch(take_pairs(of_sketch, cursor, s), take(of_sketch, cursor, s.C))
    return Memory(running, waiting, leaving, step, last_step, field, goal, proof, left, busy, sketch)
