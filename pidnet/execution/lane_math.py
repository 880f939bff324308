"""Exponential and logarithm of eight numbers in the lanes of a vector, by the methods of fdlibm (Sun Microsystems 1993),
functions from tables, and rows of a memory.

The logarithm is right to about one unit in the last place, as the proofs count on; the exponential, which no proof
rests on, to 1e-14 of itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types

from pidnet.execution.compiling import inner
from pidnet.execution.lanes import (
    D8,
    F8,
    INT32,
    INT64,
    LANES,
    common_kind,
    converted,
    instruction,
    row_at,
    select,
)

LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
ROUND = 6755399441055744.0  # 1.5 * 2^52: what is added to it is rounded, and stands in its low bits
ROOT_HALF = 0x3FE6A09E667F3BCD  # the bits of sqrt(1/2)


def _bits(x: int) -> ir.Constant:
    return ir.Constant(INT64, [x] * LANES)


@instruction
def _scaled(typingctx, rounded, x):
    """x 2^k with k in the low bits of ``rounded``."""

    def emit(context, builder, signature, args):
        k = builder.shl(builder.bitcast(args[0], INT64), _bits(52))
        return builder.bitcast(builder.add(builder.bitcast(args[1], INT64), k), D8.llvm)

    return D8(rounded, x), emit


def _exponent_bits(builder, bits):
    return builder.ashr(builder.sub(bits, _bits(ROOT_HALF)), _bits(52))


@instruction
def _exponent(typingctx, x):
    """k of x = 2^k m with m within sqrt(1/2) and sqrt(2)."""

    def emit(context, builder, signature, args):
        k = _exponent_bits(builder, builder.bitcast(args[0], INT64))
        shifted = builder.bitcast(builder.add(k, _bits(0x4338000000000000)), D8.llvm)
        return builder.fsub(shifted, ir.Constant(D8.llvm, [ROUND] * LANES))

    return D8(x), emit


@instruction
def _mantissa(typingctx, x):
    """m of x = 2^k m with m within sqrt(1/2) and sqrt(2)."""

    def emit(context, builder, signature, args):
        bits = builder.bitcast(args[0], INT64)
        k = builder.shl(_exponent_bits(builder, bits), _bits(52))
        return builder.bitcast(builder.sub(bits, k), D8.llvm)

    return D8(x), emit


def _picked(sign: str) -> Callable[..., Any]:
    """Of two in each lane the one that is so compared to the other; the second where one is nan."""

    @instruction
    def picked(typingctx, a, b):
        kind = common_kind(a, b)

        def emit(context, builder, signature, args):
            one, other = (
                converted(context, builder, *x, kind) for x in zip(args, signature.args, strict=True)
            )
            return builder.select(builder.fcmp_ordered(sign, one, other), one, other)

        return None if kind is None else (kind(a, b), emit)

    return picked


larger, smaller = _picked(">"), _picked("<")


@inner
def exp(x):
    """e^x of a D8, within e^-700 and e^700."""
    x = smaller(larger(x, -700.0), 700.0)
    rounded = x * 1.4426950408889634 + ROUND
    k = rounded - ROUND
    r = x - k * LN2_HIGH - k * LN2_LOW
    p = r * (1 / 39916800) + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 0.5
    p = p * r + 1.0
    return _scaled(rounded, p * r + 1.0)


@inner
def log(x):
    """ln x of a D8 of normal positive numbers."""
    k, f = _exponent(x), _mantissa(x) - 1.0
    s = f / (f + 2.0)
    z, half = s * s, 0.5 * f * f
    r = z * 1.479819860511658591e-01 + 1.531383769920937332e-01
    r = r * z + 1.818357216161805012e-01
    r = r * z + 2.222219843214978396e-01
    r = r * z + 2.857142874366239149e-01
    r = r * z + 3.999999999940941908e-01
    r = (r * z + 6.666666666666735130e-01) * z
    return k * LN2_HIGH - ((half - (s * (half + r) + k * LN2_LOW)) - f)


@inner
def x_ln_x(x):
    """x ln x of a D8, 0 below 1e-300."""
    some = x > 1e-300
    return select(some, x * log(select(some, x, 1.0)), 0.0)


@inner
def ratio(a, b):
    """a / b, 0 where b is not above 0."""
    some = b > 0.0
    return select(some, a / select(some, b, 1.0), 0.0)


def _pointers(context, builder, signature, args):
    """Of each lane where its place in a table is."""
    data = context.make_array(signature.args[0])(context, builder, args[0]).data
    places = builder.fptosi(args[1], ir.VectorType(INT32, LANES))
    return [builder.gep(data, [builder.extract_element(places, INT32(lane))]) for lane in range(LANES)]


@instruction
def looked_up(typingctx, table, place):
    """Of each lane the number of a table, a one-dimensional array, at a place that is a whole number in it."""
    vector = {types.float32: F8, types.float64: D8}[table.dtype]

    def emit(context, builder, signature, args):
        found = ir.Constant(vector.llvm, ir.Undefined)
        for lane, at in enumerate(_pointers(context, builder, signature, args)):
            found = builder.insert_element(found, builder.load(at), INT32(lane))
        return found

    return vector(table, place), emit


@instruction
def looked_up_twice(typingctx, table, place):
    """The same, and the number behind it: both in one load."""
    vector = {types.float32: F8, types.float64: D8}[table.dtype]
    both = ir.VectorType(vector.scalar, 2)

    def emit(context, builder, signature, args):
        parts = []
        for at in _pointers(context, builder, signature, args):
            parts.append(builder.load(builder.bitcast(at, both.as_pointer())))
            parts[-1].align = table.dtype.bitwidth // 8
        while len(parts) > 1:
            parts = [_joined(builder, *parts[k : k + 2]) for k in range(0, len(parts), 2)]
        ends = (_every_other(builder, parts[0], first) for first in (0, 1))
        return context.make_tuple(builder, signature.return_type, ends)

    return types.UniTuple(vector, 2)(table, place), emit


def _joined(builder, a, b):
    """Two vectors, one after the other."""
    return builder.shuffle_vector(a, b, _places(range(2 * a.type.count)))


def _every_other(builder, a, first):
    return builder.shuffle_vector(a, a, _places(range(first, a.type.count, 2)))


def _places(numbers):
    return ir.Constant(ir.VectorType(INT32, len(numbers)), list(numbers))


@inner
def take(array, cursor, size):
    """The next row of ``size`` vectors of an array."""
    row = row_at(array, cursor[0])
    cursor[0] += size
    return row
