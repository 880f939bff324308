"""Vector registers as values of compiled code: eight pairs at once, one in each lane.

A ``Vector`` is eight numbers of one type, ``F8`` in float32 and ``D8`` in float64, with the arithmetic of numbers; a
number beside it stands in all lanes, and F8 beside D8 becomes D8. A comparison gives a ``Mask``, one truth a lane,
for ``select``; ``anywhere`` is whether one is true. Comparisons with nan are false. A ``Row`` is where vectors lie in a
numpy array that outlives it, which numba does not see:

    row[i]       vector i, read or written (a float32 row rounds what it is given)
    row[i, k]    the number in its lane k
    lane         0 1 2 3 4 5 6 7 | 0 1 2 3 4 5 6 7 | ...
    row          --- row[0] ---- | --- row[1] ---- | ...

Each operation is one instruction of LLVM, which splits it for registers that are narrower (AVX2: two for a D8) and
takes scalar code where a machine has no vectors. Loops over lanes in plain numba do not become vector code.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

LANES = 8
# What LLVM may do: fuse a product and a sum, ignore the sign of 0, divide by a reciprocal. Nan and inf stay.
FLAGS = ("contract", "nsz", "arcp")
INT32, INT64 = ir.IntType(32), ir.VectorType(ir.IntType(64), LANES)


class Vector(types.Type):
    """Eight floating-point numbers."""

    def __init__(self, element: types.Float) -> None:
        super().__init__(name=f"{element} x {LANES}")
        self.element = element
        self.scalar = ir.FloatType() if element == types.float32 else ir.DoubleType()
        self.llvm = ir.VectorType(self.scalar, LANES)


class Mask(types.Type):
    """Eight truth values."""

    def __init__(self) -> None:
        super().__init__(name=f"truth x {LANES}")
        self.llvm = ir.VectorType(ir.IntType(1), LANES)


class Row(types.Type):
    """Where vectors of one kind lie, one after another."""

    def __init__(self, vector: Vector) -> None:
        super().__init__(name=f"row of {vector}")
        self.vector = vector
        self.llvm = vector.llvm.as_pointer()


F8, D8, MASK = Vector(types.float32), Vector(types.float64), Mask()
ROWS = {types.float32: Row(F8), types.float64: Row(D8)}
Values = Vector | types.Number


def instruction(define: Callable) -> Callable[..., Any]:
    """A function of compiled code that emits instructions of LLVM: numba's ``intrinsic``, untyped."""
    return intrinsic(define)


@register_model(Vector)
@register_model(Mask)
@register_model(Row)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, kind.llvm)


def common_kind(*kinds: types.Type) -> Vector | None:
    """The vector that vectors and numbers meet in; None where that is no matter of ours."""
    vectors = [kind for kind in kinds if isinstance(kind, Vector)]
    if not vectors or not all(isinstance(kind, Values) for kind in kinds):
        return None
    return D8 if D8 in vectors else F8


def converted(context, builder, value, kind, wanted):
    """A vector or number as a vector of the kind wanted."""
    if kind == wanted:
        return value
    if isinstance(kind, Vector):
        return (builder.fpext if wanted == D8 else builder.fptrunc)(value, wanted.llvm)
    number = context.cast(builder, value, kind, wanted.element)
    empty = ir.Constant(wanted.llvm, ir.Undefined)
    first = builder.insert_element(empty, number, INT32(0))
    return builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES))


def _define(operation, result, emit):
    """An operator of two vectors, or a vector and a number: the type of its result, and its instruction."""

    @type_callable(operation)
    def _type(context):
        def typer(a, b):
            kind = common_kind(a, b)
            return kind and result(kind)

        return typer

    def lower(context, builder, signature, args):
        kind = common_kind(*signature.args)
        return emit(
            builder, *(converted(context, builder, *x, kind) for x in zip(args, signature.args, strict=True))
        )

    for a, b in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(operation, a, b)(lower)


for _operation, _name in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define(
        _operation, lambda kind: kind, lambda builder, a, b, n=_name: getattr(builder, n)(a, b, flags=FLAGS)
    )
for _operation, _name in ((operator.lt, "<"), (operator.gt, ">"), (operator.le, "<="), (operator.ge, ">=")):
    _define(_operation, lambda kind: MASK, lambda builder, a, b, n=_name: builder.fcmp_ordered(n, a, b))
for _operation, _name in ((operator.and_, "and_"), (operator.or_, "or_")):

    @type_callable(_operation)
    def _type_of_masks(context):
        return lambda a, b: MASK if a == b == MASK else None

    @lower_builtin(_operation, Mask, Mask)
    def _lower_masks(context, builder, signature, args, name=_name):
        return getattr(builder, name)(*args)


@type_callable(operator.invert)
def _type_invert(context):
    return lambda a: MASK if a == MASK else None


@lower_builtin(operator.invert, Mask)
def _lower_invert(context, builder, signature, args):
    return builder.not_(args[0])


@type_callable(operator.neg)
def _type_negative(context):
    return lambda a: a if isinstance(a, Vector) else None


@lower_builtin(operator.neg, Vector)
def _lower_negative(context, builder, signature, args):
    return builder.fneg(args[0])


@instruction
def row_at(typingctx, array, start):
    """The row in a one-dimensional array that begins with its vector ``start``. The array must outlive it."""

    def emit(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        rows = builder.bitcast(data, signature.return_type.llvm)
        return builder.gep(rows, [context.cast(builder, args[1], signature.args[1], types.intp)])

    return ROWS[array.dtype](array, start), emit


@type_callable(operator.getitem)
def _type_item(context):
    def typer(row, index):
        if isinstance(row, Row):
            return row.vector.element if isinstance(index, types.BaseTuple) else row.vector
        return None

    return typer


@type_callable(operator.setitem)
def _type_set_item(context):
    def typer(row, index, value):
        if isinstance(row, Row) and isinstance(value, Values):
            return types.none
        return None

    return typer


def _number_at(context, builder, row, index, kinds):
    """Pointer to the number at (vector, lane)."""
    vector, lane = (
        context.cast(builder, builder.extract_value(index, n), kinds[1][n], types.intp) for n in (0, 1)
    )
    numbers = builder.bitcast(row, kinds[0].vector.scalar.as_pointer())
    return builder.gep(numbers, [builder.add(builder.mul(vector, vector.type(LANES)), lane)])


def _vector_at(context, builder, row, index, kinds):
    return builder.gep(row, [context.cast(builder, index, kinds[1], types.intp)])


def _alignment(row: Row) -> int:
    """Bytes: that of a number, since numpy promises no more."""
    return row.vector.element.bitwidth // 8


@lower_builtin(operator.getitem, Row, types.Integer)
def _lower_item(context, builder, signature, args):
    found = builder.load(_vector_at(context, builder, *args, signature.args))
    found.align = _alignment(signature.args[0])
    return found


@lower_builtin(operator.setitem, Row, types.Integer, Vector)
@lower_builtin(operator.setitem, Row, types.Integer, types.Number)
def _lower_set_item(context, builder, signature, args):
    row, _, kind = signature.args
    value = converted(context, builder, args[2], kind, row.vector)
    builder.store(value, _vector_at(context, builder, *args[:2], signature.args)).align = _alignment(row)


@lower_builtin(operator.getitem, Row, types.BaseTuple)
def _lower_number(context, builder, signature, args):
    return builder.load(_number_at(context, builder, *args, signature.args))


@lower_builtin(operator.setitem, Row, types.BaseTuple, types.Number)
def _lower_set_number(context, builder, signature, args):
    row, _, kind = signature.args
    number = context.cast(builder, args[2], kind, row.vector.element)
    builder.store(number, _number_at(context, builder, *args[:2], signature.args))


@instruction
def filled(typingctx, row, number):
    """The vector of a row's kind with a number in all lanes."""

    def emit(context, builder, signature, args):
        return converted(context, builder, args[1], signature.args[1], signature.return_type)

    return row.vector(row, number), emit


@instruction
def select(typingctx, mask, a, b):
    """``a`` where the mask is true, else ``b``; also where it is a number."""
    kind = common_kind(a, b)
    if kind is None:
        return None

    def emit(context, builder, signature, args):
        ends = (converted(context, builder, *x, kind) for x in zip(args[1:], signature.args[1:], strict=True))
        return builder.select(args[0], *ends)

    return kind(mask, a, b), emit


@instruction
def anywhere(typingctx, mask):
    """Whether the mask is true in a lane."""

    def emit(context, builder, signature, args):
        bits = builder.bitcast(args[0], ir.IntType(LANES))
        return builder.icmp_unsigned("!=", bits, bits.type(0))

    return types.boolean(mask), emit


def _function(name: str):
    """A function of one vector that LLVM has."""

    @instruction
    def function(typingctx, a):
        def emit(context, builder, signature, args):
            kind = args[0].type
            full = f"llvm.{name}.v{LANES}f{a.element.bitwidth}"
            known = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind, [kind]), full)
            return builder.call(known, args)

        return a(a), emit

    return function


square_root, absolute, floor = _function("sqrt"), _function("fabs"), _function("floor")
