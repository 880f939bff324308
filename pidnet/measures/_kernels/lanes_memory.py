"""The memory of the linear algebra in ``lanes_system``, by the names of its formulas: rows of vectors, eight pairs in each.

Everything is flat and class-major. With A, B levels of the sources, Y classes and C = A*B cells:

    of_a   y*A + a            (class, level of source 1)          table   (y*A + a)*B + b    (class, cell)
    of_b   y*B + b            (class, level of source 2)          cells   a*B + b
"""

from __future__ import annotations

from typing import NamedTuple

from pidnet.execution.compiling import inner
from pidnet.execution.lane_math import take
from pidnet.execution.lanes import LANES, Row

MOST_BYTES = 2**26  # of scratch a thread; pairs of larger tables are solved one by one


class Shape(NamedTuple):
    """A, B levels of the sources, Y classes, C = A * B cells."""

    A: int
    B: int
    Y: int
    C: int


class System(NamedTuple):
    """The linear algebra of a step, all in the precision of its memory; see ``class_systems``.

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


def system_size(A: int, B: int, Y: int) -> int:
    """Vectors that ``take_system`` takes."""
    even = A * B + A * B % 2
    return 2 * Y * A * B + (Y + 1) * B * B + 3 * Y * A + 2 * Y * B + even * (Y * B + even) + 2 * A * B + 2 * B


def fits(levels1: int, levels2: int, classes: int) -> bool:
    """Whether the memory of eight pairs of a shape stays within bounds."""
    return 8 * LANES * system_size(levels1, levels2, classes) <= MOST_BYTES


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
