"""The memory of the fit in ``_mixture``, by the names of its formulas: rows of vectors, eight pairs in each.

With A, B levels of the sources, Y classes and C = A * B cells (x1,x2):

    of_a   a*Y + y       of_b   b*Y + y       cells   a*B + b       table   (a*B + b)*Y + y
"""

from __future__ import annotations

from typing import NamedTuple

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import take
from pidnet.execution.lanes import Row

COMPONENTS = 8
STATISTICS = 3  # of a pair: bias, statistic, freedom


class Shape(NamedTuple):
    """A, B levels of the sources, Y classes, C = A * B cells."""

    A: int
    B: int
    Y: int
    C: int


class Counts(NamedTuple):
    """The counts n (table) with their margins a, b, y, ab (cells), ay (of_a), by (of_b), and what the fit expects in
    place of n and ab."""

    n: Row
    a: Row
    b: Row
    y: Row
    ab: Row
    ay: Row
    by: Row
    fitted: Row
    fitted_ab: Row


class LeftOut(NamedTuple):
    """The same without one sample of the cell: n, ay, by, y less one, and their ratios: along = by / y (of_b) and
    chain = ay by / y (table), ab over a, b and the number of samples (cells), and a and b over that (A, B)."""

    n: Row
    ay: Row
    by: Row
    y: Row
    along: Row
    chain: Row
    of_a: Row
    of_b: Row
    of_all: Row
    a: Row
    b: Row


class Weights(NamedTuple):
    """Weights of the components: those of the fit, after one and two steps, where these point to, and a step from
    there."""

    now: Row
    one: Row
    two: Row
    far: Row
    there: Row


class Compared(NamedTuple):
    """Values of the levels of both units (of_a, of_b); sums by class of their differences, then of the squares (2 Y);
    the bias, and statistic and freedom of the test that both have the same codes."""

    values1: Row
    values2: Row
    moments: Row
    statistics: Row


class Memory(NamedTuple):
    """Of eight pairs."""

    counts: Counts
    left_out: LeftOut
    weights: Weights
    compared: Compared


def memory_size(A: int, B: int, Y: int) -> int:
    """Vectors that ``take_memory`` takes."""
    return 4 * A * B * Y + 5 * A * B + Y * (3 * A + 4 * B + 4) + 2 * (A + B) + 5 * COMPONENTS + STATISTICS


@inner
def take_memory(array, at, s):
    """The state of eight pairs; the array must outlive it."""
    counts = Counts(
        n=take(array, at, s.C * s.Y),
        a=take(array, at, s.A),
        b=take(array, at, s.B),
        y=take(array, at, s.Y),
        ab=take(array, at, s.C),
        ay=take(array, at, s.A * s.Y),
        by=take(array, at, s.B * s.Y),
        fitted=take(array, at, s.C * s.Y),
        fitted_ab=take(array, at, s.C),
    )
    left_out = LeftOut(
        n=take(array, at, s.C * s.Y),
        ay=take(array, at, s.A * s.Y),
        by=take(array, at, s.B * s.Y),
        y=take(array, at, s.Y),
        along=take(array, at, s.B * s.Y),
        chain=take(array, at, s.C * s.Y),
        of_a=take(array, at, s.C),
        of_b=take(array, at, s.C),
        of_all=take(array, at, s.C),
        a=take(array, at, s.A),
        b=take(array, at, s.B),
    )
    M = COMPONENTS
    weights = Weights(
        take(array, at, M), take(array, at, M), take(array, at, M), take(array, at, M), take(array, at, M)
    )
    compared = Compared(
        values1=take(array, at, s.A * s.Y),
        values2=take(array, at, s.B * s.Y),
        moments=take(array, at, 2 * s.Y),
        statistics=take(array, at, STATISTICS),
    )
    return Memory(counts, left_out, weights, compared)
