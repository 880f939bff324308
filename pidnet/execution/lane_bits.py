"""Words of 64 bits of eight units in the lanes of a vector: how many bits each has in common with one more unit."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import models, register_model

from pidnet.execution.lanes import F8, INT32, INT64, LANES, Vector, instruction


class Counts(types.Type):
    """Eight whole numbers."""

    def __init__(self) -> None:
        super().__init__(name=f"count x {LANES}")


COUNTS = Counts()


@register_model(Counts)
class _Model(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, INT64)


@instruction
def no_counts(typingctx):
    """Eight times 0."""

    def emit(context, builder, signature, args):
        return ir.Constant(INT64, [0] * LANES)

    return COUNTS(), emit


@instruction
def count_common(typingctx, counts, word, words, place):
    """The counts, and the bits that a word shares with each of eight: those at a place of an array, in vectors."""

    def emit(context, builder, signature, args):
        data = context.make_array(signature.args[2])(context, builder, args[2]).data
        at = builder.gep(builder.bitcast(data, INT64.as_pointer()), [args[3]])
        eight = builder.load(at)
        eight.align = 8
        first = builder.insert_element(ir.Constant(INT64, ir.Undefined), args[1], INT32(0))
        same = builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(INT32, LANES), [0] * LANES))
        name = f"llvm.ctpop.v{LANES}i64"
        ones = cgutils.get_or_insert_function(builder.module, ir.FunctionType(INT64, [INT64]), name)
        return builder.add(args[0], builder.call(ones, [builder.and_(eight, same)]))

    return COUNTS(COUNTS, types.uint64, words, types.intp), emit


@instruction
def as_numbers(typingctx, counts):
    """Counts as an F8, which holds them exactly up to 2^24."""

    def emit(context, builder, signature, args):
        return builder.sitofp(builder.trunc(args[0], ir.VectorType(INT32, LANES)), F8.llvm)

    return F8(COUNTS), emit


@instruction
def in_lane(typingctx, vector, lane):
    """The number in a lane of a vector."""

    def emit(context, builder, signature, args):
        return builder.extract_element(args[0], args[1])

    return (vector.element if isinstance(vector, Vector) else types.int64)(vector, types.intp), emit
