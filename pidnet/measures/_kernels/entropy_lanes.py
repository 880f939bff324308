"""The table of largest entropy for eight pairs in the lanes of vector registers: what ``maximum_entropy`` does, which is the
one to read first, vector by vector. A lane whose pair is fitted stays as it is, whoever its neighbors are.
"""

from __future__ import annotations

from typing import NamedTuple

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import exp, larger, ratio, take
from pidnet.execution.lanes import Row, absolute, anywhere, filled, select
from pidnet.measures._kernels.lanes_system import (
    add_eliminated,
    cholesky,
    factor_classes,
    fill_lift,
    solve_blocks,
    solve_cells,
    take_response,
)
from pidnet.measures._kernels.maximum_entropy import LONGEST_MOVE, RIDGE, ROUNDOFF, SWEEPS

MOST_ROUNDS = 12
TINY_PIVOT = 1e-13  # of the diagonal


class Tables(NamedTuple):
    """q, proposal: table. given, margin (that of q), growth: cells. given1, growth1: of_a. given2, growth2: of_b. ones: 1
    in every cell. The step of the exponents stands in the system: response, step1, step2. Rows as in
    ``lanes_memory``."""

    q: Row
    proposal: Row
    given: Row
    margin: Row
    growth: Row
    ones: Row
    given1: Row
    growth1: Row
    given2: Row
    growth2: Row


def tables_size(A: int, B: int, Y: int) -> int:
    """Vectors that ``take_tables`` takes."""
    return 2 * Y * A * B + 4 * A * B + 2 * Y * (A + B)


@inner
def take_tables(array, cursor, s):
    """The tables of eight pairs; the array must outlive them."""
    of_a, of_b, table = s.Y * s.A, s.Y * s.B, s.Y * s.C
    return Tables(
        q=take(array, cursor, table),
        proposal=take(array, cursor, table),
        given=take(array, cursor, s.C),
        margin=take(array, cursor, s.C),
        growth=take(array, cursor, s.C),
        ones=take(array, cursor, s.C),
        given1=take(array, cursor, of_a),
        growth1=take(array, cursor, of_a),
        given2=take(array, cursor, of_b),
        growth2=take(array, cursor, of_b),
    )


@inner
def open_tables(s, t):
    """Take the margins of q, then make it 1 where all three are positive."""
    zero = filled(t.q, 0.0)
    for c in range(s.C):
        t.given[c], t.ones[c] = zero, zero + 1.0
    for i in range(s.Y * s.A):
        t.given1[i] = zero
    for i in range(s.Y * s.B):
        t.given2[i] = zero
    for y in range(s.Y):
        for a in range(s.A):
            for b in range(s.B):
                p, cell = t.q[(y * s.A + a) * s.B + b], a * s.B + b
                t.given[cell] = t.given[cell] + p
                t.given1[y * s.A + a] = t.given1[y * s.A + a] + p
                t.given2[y * s.B + b] = t.given2[y * s.B + b] + p
    for y in range(s.Y):
        for a in range(s.A):
            for b in range(s.B):
                both = t.given1[y * s.A + a] * t.given2[y * s.B + b]
                is_open = t.given[a * s.B + b] * both > 0.0
                t.q[(y * s.A + a) * s.B + b] = select(is_open, 1.0, zero)


@inner
def fit_tables(s, t, tolerance, system):
    """Bring q to the given margins until a Newton step, which stays in the system, would move less than ``tolerance`` of
    the mass of each pair, or the rounds end."""
    going = filled(t.q, 0.0) <= 0.0
    for _ in range(SWEEPS):
        scale_tables(s, t, going)
    for _ in range(MOST_ROUNDS):
        scale_tables(s, t, going)
        find_step(s, t, system)
        longest, moved = measure_steps(s, t.q, system)
        going = going & (moved > tolerance)
        if not anywhere(going):
            break
        take_steps(s, t, 1.0 / larger(longest / LONGEST_MOVE, 1.0), system, going)


@inner
def scale_tables(s, t, going):
    """Fit the margins (x1,y), (x2,y) and (x1,x2) in turn, in some lanes."""
    zero = filled(t.q, 0.0)
    for c in range(s.C):
        t.margin[c] = zero
    for y in range(s.Y):
        for a in range(s.A):
            row, total = (y * s.A + a) * s.B, zero
            for b in range(s.B):
                total = total + t.q[row + b]
            factor = select(going, ratio(t.given1[y * s.A + a], total), 1.0)
            for b in range(s.B):
                t.q[row + b] = t.q[row + b] * factor
        for b in range(s.B):
            total = zero
            for a in range(s.A):
                total = total + t.q[(y * s.A + a) * s.B + b]
            factor = select(going, ratio(t.given2[y * s.B + b], total), 1.0)
            for a in range(s.A):
                q = t.q[(y * s.A + a) * s.B + b] * factor
                t.q[(y * s.A + a) * s.B + b] = q
                t.margin[a * s.B + b] = t.margin[a * s.B + b] + q
    for c in range(s.C):
        factor = select(going, ratio(t.given[c], t.margin[c]), 1.0)
        for y in range(s.Y):
            t.q[y * s.C + c] = t.q[y * s.C + c] * factor


@inner
def find_step(s, t, system):
    """Newton step of the exponents, see ``solve_exponents``."""
    zero = filled(t.q, 0.0)
    for c in range(s.C):
        t.margin[c] = zero
    for i in range(s.Y * s.B):
        system.right2[i] = t.given2[i]
    for y in range(s.Y):
        for a in range(s.A):
            total = t.given1[y * s.A + a]
            for b in range(s.B):
                q = t.q[(y * s.A + a) * s.B + b]
                total = total - q
                system.right2[y * s.B + b] = system.right2[y * s.B + b] - q
                t.margin[a * s.B + b] = t.margin[a * s.B + b] + q
            system.right1[y * s.A + a] = total
    factor_classes(s, t.q, t.ones, TINY_PIVOT, system)
    add_eliminated(s, system)
    even = s.C + s.C % 2
    for i in range(s.C):
        for j in range(i + 1):
            system.matrix[i * even + j] = -system.matrix[i * even + j]
        system.matrix[i * even + i] = system.matrix[i * even + i] + (1.0 + RIDGE) * t.margin[i]
    cholesky(s.C, TINY_PIVOT, system)
    solve_blocks(s, system)
    fill_lift(s, system)
    for c in range(s.C):
        system.response[c] = t.given[c] - t.margin[c] - system.response[c]
    solve_cells(s.C, system)
    take_response(s, system)
    solve_blocks(s, system)


@inner
def measure_steps(s, q, system):
    """Largest change of an exponent, and the mass that the step moves."""
    longest, moved = filled(q, 0.0), filled(q, 0.0)
    for y in range(s.Y):
        for a in range(s.A):
            for b in range(s.B):
                now, change = q[(y * s.A + a) * s.B + b], absolute(change_of(s, y, a, b, system))
                longest = select(now > 0.0, larger(change, longest), longest)
                moved = select(now > 0.0, moved + now * change, moved)
    return longest, moved


@inner
def change_of(s, y, a, b, system):
    """The change of the exponent of a cell in the step."""
    return system.response[a * s.B + b] + system.step1[y * s.A + a] + system.step2[y * s.B + b]


@inner
def take_steps(s, t, length, system, going):
    """Move the exponents along the step in those lanes where sum p ln q - sum q grows."""
    gain = grow(s.C, length, t.given, system.response, t.growth)
    gain = gain + grow(s.Y * s.A, length, t.given1, system.step1, t.growth1)
    gain = gain + grow(s.Y * s.B, length, t.given2, system.step2, t.growth2)
    for y in range(s.Y):
        for a in range(s.A):
            for b in range(s.B):
                at = (y * s.A + a) * s.B + b
                factor = t.growth[a * s.B + b] * t.growth1[y * s.A + a] * t.growth2[y * s.B + b]
                t.proposal[at] = t.q[at] * factor
                gain = gain - (t.proposal[at] - t.q[at])
    better = going & (gain > -ROUNDOFF)
    for i in range(s.Y * s.C):
        t.q[i] = select(better, t.proposal[i], t.q[i])


@inner
def grow(size, length, given, step, growth):
    """The factors of a step, and what the given margins gain by it."""
    gain = filled(given, 0.0)
    for i in range(size):
        gain = gain + length * given[i] * step[i]
        growth[i] = exp(length * step[i])
    return gain
