"""The memory of the I_BROJA kernel in lanes, by the names of its formulas: rows of vectors, eight pairs in each.

Everything is flat and class-major. With A, B levels of the sources, Y classes and C = A*B cells:

    of_a   y*A + a            (class, level of source 1)          table   (y*A + a)*B + b    (class, cell)
    of_b   y*B + b            (class, level of source 2)          cells   a*B + b
"""

from __future__ import annotations

from typing import NamedTuple

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import take
from pidnet.execution.lanes import Row

MOST_BYTES = 2**26  # of scratch a thread; larger tables go to the general kernel


class Shape(NamedTuple):
    """A, B levels of the sources, Y classes, C = A * B cells."""

    A: int
    B: int
    Y: int
    C: int


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


class System(NamedTuple):
    """The linear algebra of a step, all in the precision of its memory; see ``_kernels.class_systems``.

    e: table. inverse_alpha: of_a. ratio: table. factor: (Y, B, B), ``schur`` (B, B) that of one class.
    root: (even(C), Y*B), ``matrix`` (even(C), even(C)), diagonal (cells): G + slack / Q.
    right1, right2, step1, step2: of_a, of_b. response: cells. right, half: (B,), scratch of one class.
    """

    e: Row
    inverse_alpha: Row
    ratio: Row
    factor: Row
    schur: Row
    root: Row
    matrix: Row
    diagonal: Row
    right1: Row
    right2: Row
    step1: Row
    step2: Row
    response: Row
    right: Row
    half: Row


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


def system_size(A: int, B: int, Y: int) -> int:
    """Vectors that ``take_system`` takes."""
    even = A * B + A * B % 2
    return 2 * Y * A * B + (Y + 1) * B * B + 3 * Y * A + 2 * Y * B + even * (Y * B + even) + 2 * A * B + 2 * B


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


@inner
def take_system(array, cursor, s):
    """The linear algebra of eight pairs; the array must be zero and outlive it."""
    even = s.C + s.C % 2
    return System(
        e=take(array, cursor, s.Y * s.C),
        inverse_alpha=take(array, cursor, s.Y * s.A),
        ratio=take(array, cursor, s.Y * s.C),
        factor=take(array, cursor, s.Y * s.B * s.B),
        schur=take(array, cursor, s.B * s.B),
        root=take(array, cursor, even * s.Y * s.B),
        matrix=take(array, cursor, even * even),
        diagonal=take(array, cursor, s.C),
        right1=take(array, cursor, s.Y * s.A),
        right2=take(array, cursor, s.Y * s.B),
        step1=take(array, cursor, s.Y * s.A),
        step2=take(array, cursor, s.Y * s.B),
        response=take(array, cursor, s.C),
        right=take(array, cursor, s.B),
        half=take(array, cursor, s.B),
    )
