"""Counting pairs of units by bits: one bit a sample, one row of them a unit and level.

The samples are in order of class, each class beginning at a word of its own:

    unit i at level a    |0110100..|..1001000|01000000|...      words of 64 samples
    class                |-------- 0 --------|-- 1 ---|...

How often unit i is at level a where unit j is at level b is the number of ones that the rows have in common, and
processors count ones quickly. The last level needs no row: what a unit has in all is known, so that it follows by
subtraction. With many levels the rows outnumber the samples of a word; then samples are counted one by one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from scipy.special import xlogy

from pidnet.execution.compiling import inner, kernel
from pidnet.execution.threads import share_pairs

WORD = 64
MOST_CLASSES = 64  # of targets that are counted by bits
MOST_LEVELS = 10  # (levels - 1)^2 rows meet for each word; with more, one by one is faster
UNITS_AT_ONCE = 256  # whose codes are copied together


class CodedUnits(NamedTuple):
    """The codes of some units in a form to count from.

    margins: int32 (unit, class, level), how often each occurs. rows: uint64 (unit, level but the last, word), or none
    with many levels. words: where each class begins in them, (class + 1,). values: uint8 (unit, sample) in order of
    class, for many levels. samples: where each class begins in those, (class + 1,).
    """

    margins: np.ndarray
    rows: np.ndarray
    words: np.ndarray
    values: np.ndarray
    samples: np.ndarray

    @property
    def by_bits(self) -> bool:
        """Whether there are rows to count from."""
        return self.rows.shape[1] > 0


def code_units(values_SU: np.ndarray, target: np.ndarray, classes: int, levels: int) -> CodedUnits:
    """The codes of all units in a form to count from."""
    order = np.argsort(target, kind="stable")
    samples = np.searchsorted(target[order], np.arange(classes + 1))
    words = np.concatenate([[0], np.cumsum(-(-np.diff(samples) // WORD))])
    by_unit = values_SU.T.flags.c_contiguous
    values = values_SU.T[:, order] if by_unit else np.ascontiguousarray(values_SU[order].T)
    rows = _rows(values, levels - 1 if levels <= MOST_LEVELS else 0, samples, words)
    margins = np.zeros((len(values), classes, levels), np.int32)
    if levels <= MOST_LEVELS:
        _count_ones(rows, words, np.diff(samples), margins)
    else:
        _count_units(values, samples, margins)
    return CodedUnits(margins, rows, words, values, samples)


def unit_margins(values_SU: Any, target: np.ndarray, classes: int, levels: int) -> np.ndarray:
    """How often each level of a unit meets each class, int32 (unit, class, level). The codes may lie on disk: those of
    some units at a time are read."""
    order = np.argsort(target, kind="stable")
    samples = np.searchsorted(target[order], np.arange(classes + 1))
    margins = np.zeros((values_SU.shape[1], classes, levels), np.int32)
    for first in range(0, len(margins), UNITS_AT_ONCE):
        block = slice(first, first + UNITS_AT_ONCE)
        _count_units(np.ascontiguousarray(_units(values_SU, block)[order].T), samples, margins[block])
    return margins


def permuted_margins(values_SU: Any, targets_TS: np.ndarray, classes: int, levels: int) -> np.ndarray:
    """The same for several targets of the samples, such as permuted ones, int32 (target, unit, class, level)."""
    margins = np.zeros((len(targets_TS), values_SU.shape[1], classes, levels), np.int32)
    if levels > MOST_LEVELS or classes > MOST_CLASSES:
        for target, of_target in zip(targets_TS, margins, strict=True):
            of_target[:] = unit_margins(values_SU, target, classes, levels)
        return margins
    whole = np.array([0, values_SU.shape[0]])
    words = -(-whole // WORD)
    rows_TYW = _rows(targets_TS, classes, whole, words)
    for first in range(0, values_SU.shape[1], UNITS_AT_ONCE):
        block = slice(first, first + UNITS_AT_ONCE)
        rows = _rows(_units(values_SU, block).T, levels - 1, whole, words)
        _count_targets(rows, rows_TYW, margins[:, block])
        margins[:, block, :, -1] -= margins[:, block, :, :-1].sum(3, dtype=np.int32)
    return margins


def _units(values_SU: Any, block: slice) -> np.ndarray:
    """The codes of some units, of a Tensor or of what lies on disk."""
    return np.asarray(values_SU[:, block])


def _count_ones(rows_UAW: np.ndarray, words: np.ndarray, sizes: np.ndarray, margins_UYA: np.ndarray) -> None:
    """The margins of units from their rows; the last level from the sizes of the classes."""
    ones_UAW = np.bitwise_count(rows_UAW)
    for y in range(len(sizes)):
        margins_UYA[:, y, :-1] = ones_UAW[:, :, words[y] : words[y + 1]].sum(2, dtype=np.int32)
    margins_UYA[:, :, -1] = sizes - margins_UYA.sum(2, dtype=np.int32)


def _rows(values_US: np.ndarray, levels: int, samples: np.ndarray, words: np.ndarray) -> np.ndarray:
    """A row of bits for each of the first levels, uint64 (unit, level, word); a class begins at a sample and at a word."""
    padded = np.full((len(values_US), WORD * int(words[-1])), levels, np.uint8)  # the level that has no row
    for first, last, word in zip(samples[:-1], samples[1:], words[:-1], strict=True):
        padded[:, WORD * word : WORD * word + last - first] = values_US[:, first:last]
    rows = np.empty((len(values_US), levels, int(words[-1])), np.uint64)
    for level in range(levels):
        rows[:, level] = np.packbits(padded == level, axis=1, bitorder="little").view("<u8")
    return rows


def fill_tables(coded: CodedUnits, pairs: np.ndarray, p_PABY: np.ndarray) -> None:
    """The joint tables of some pairs of units, given as positions (pair, 2)."""
    if coded.by_bits:
        _tables_of_rows(coded[:3], pairs, coded.values.shape[1], p_PABY)
    else:
        _tables_of_samples(coded.values, coded.samples, pairs, p_PABY)


def joint_terms(coded: CodedUnits, pairs: np.ndarray) -> np.ndarray:
    """sum n ln n over (x1, x2, y) less that over (x1, x2), of some pairs of units, (pair,), without a table in memory.

    Needs the rows of bits.
    """
    found, counts = np.empty(len(pairs)), np.arange(coded.values.shape[1] + 1)
    known = xlogy(counts, counts)
    share_pairs(lambda part: _fill_terms(coded[:3], pairs[part], known, found[part]), len(pairs))
    return found


@kernel("I_min and I_mmi")
def _fill_terms(coded, pairs, known, found_P):
    levels, classes = coded[0].shape[2], coded[0].shape[1]
    count_YAB, both = np.zeros((classes, levels, levels), np.int64), np.zeros((levels, levels), np.int64)
    for pair in range(len(pairs)):
        both[:], total = 0, 0.0
        count_pair(coded, pairs[pair, 0], pairs[pair, 1], count_YAB)
        for y in range(classes):
            for a in range(levels):
                for b in range(levels):
                    both[a, b] += count_YAB[y, a, b]
                    total += known[count_YAB[y, a, b]]
        for a in range(levels):
            for b in range(levels):
                total -= known[both[a, b]]
        found_P[pair] = total


@kernel("counts")
def _count_units(values_US, samples, margins_UYA):
    for unit in range(len(values_US)):
        for y in range(len(samples) - 1):
            for sample in range(samples[y], samples[y + 1]):
                margins_UYA[unit, y, values_US[unit, sample]] += 1


@kernel("counts")
def _count_targets(rows_UAW, rows_TYW, margins_TUYA):
    """Fill the levels that have rows; the last one gets all samples of the class."""
    classes, levels = margins_TUYA.shape[2:]
    whole, count = np.array([0, rows_TYW.shape[2]]), np.zeros((1, levels, classes), np.int64)
    for target in range(len(rows_TYW)):
        for y in range(classes):
            size = 0
            for word in range(rows_TYW.shape[2]):
                size += np.int64(ones(rows_TYW[target, y, word]))
            margins_TUYA[target, :, y, levels - 1] = size
        for unit in range(len(rows_UAW)):
            _count_rows(rows_UAW, rows_TYW, (unit, target), whole, count)
            for y in range(classes):
                for a in range(levels - 1):
                    margins_TUYA[target, unit, y, a] = count[0, a, y]


def _ones(typingctx: Any, word: Any) -> Any:
    """How many bits of a word are set."""

    def emit(context, builder, signature, args):
        kind = ir.IntType(WORD)
        known = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind, [kind]), "llvm.ctpop.i64"
        )
        return builder.call(known, args)

    return types.uint64(types.uint64), emit


ones: Any = intrinsic(_ones)


@kernel("tables of counts")
def _tables_of_rows(coded, pairs, samples, p_PABY):
    levels, classes = p_PABY.shape[2:]
    count_YAB = np.zeros((classes, levels, levels), np.int64)
    for pair in range(len(pairs)):
        count_pair(coded, pairs[pair, 0], pairs[pair, 1], count_YAB)
        for a in range(levels):
            for b in range(levels):
                for y in range(classes):
                    p_PABY[pair, a, b, y] = count_YAB[y, a, b] / samples


@inner
def count_pair(coded, i, j, count_YAB):
    """How often the levels of two units meet in each class; coded: margins, rows and words of ``CodedUnits``."""
    margins_UYA, rows_UAW, words = coded
    _count_rows(rows_UAW, rows_UAW, (i, j), words, count_YAB)
    last = count_YAB.shape[1] - 1
    for y in range(len(count_YAB)):  # the last level, from the margins
        corner = np.int64(margins_UYA[i, y, last])
        for a in range(last):
            first, second = np.int64(margins_UYA[i, y, a]), np.int64(margins_UYA[j, y, a])
            for b in range(last):
                first -= count_YAB[y, a, b]
                second -= count_YAB[y, b, a]
            count_YAB[y, a, last], count_YAB[y, last, a] = first, second
            corner -= second
        count_YAB[y, last, last] = corner


@inner
def _count_rows(first_UAW, second_UAW, pair, words, count_YAB):
    """The counts of all levels that have rows, of a unit of each array: three levels by three at a time, so that words are
    read once for nine counts; the rest one by one."""
    rows_A, rows_B = first_UAW.shape[1], second_UAW.shape[1]
    threes_A, threes_B = rows_A // 3 * 3, rows_B // 3 * 3
    for a in range(0, threes_A, 3):
        for b in range(0, threes_B, 3):
            _count_nine(first_UAW, second_UAW, (pair[0], pair[1], a, b), words, count_YAB)
    for y in range(len(words) - 1):
        for a in range(rows_A):
            for b in range(threes_B if a < threes_A else 0, rows_B):
                common = np.uint64(0)
                for word in range(words[y], words[y + 1]):
                    common += ones(first_UAW[pair[0], a, word] & second_UAW[pair[1], b, word])
                count_YAB[y, a, b] = common


@inner
def _count_nine(first_UAW, second_UAW, where, words, count_YAB):
    """The counts of three levels by three; written out, since an array of nine would lie in memory."""
    i, j, p, q = where
    for y in range(len(words) - 1):
        n00, n01, n02 = np.uint64(0), np.uint64(0), np.uint64(0)
        n10, n11, n12, n20, n21, n22 = n00, n00, n00, n00, n00, n00
        for word in range(words[y], words[y + 1]):
            a, b, c = first_UAW[i, p, word], first_UAW[i, p + 1, word], first_UAW[i, p + 2, word]
            d, e, f = second_UAW[j, q, word], second_UAW[j, q + 1, word], second_UAW[j, q + 2, word]
            n00, n01, n02 = n00 + ones(a & d), n01 + ones(a & e), n02 + ones(a & f)
            n10, n11, n12 = n10 + ones(b & d), n11 + ones(b & e), n12 + ones(b & f)
            n20, n21, n22 = n20 + ones(c & d), n21 + ones(c & e), n22 + ones(c & f)
        count_YAB[y, p, q], count_YAB[y, p, q + 1], count_YAB[y, p, q + 2] = n00, n01, n02
        count_YAB[y, p + 1, q], count_YAB[y, p + 1, q + 1], count_YAB[y, p + 1, q + 2] = n10, n11, n12
        count_YAB[y, p + 2, q], count_YAB[y, p + 2, q + 1], count_YAB[y, p + 2, q + 2] = n20, n21, n22


@kernel("tables of counts")
def _tables_of_samples(values_US, samples, pairs, p_PABY):
    levels = p_PABY.shape[1]
    count = np.zeros((levels, levels), np.int64)
    for pair in range(len(pairs)):
        first, second = values_US[pairs[pair, 0]], values_US[pairs[pair, 1]]
        for y in range(len(samples) - 1):
            count[:] = 0
            for sample in range(samples[y], samples[y + 1]):
                count[first[sample], second[sample]] += 1
            for a in range(levels):
                for b in range(levels):
                    p_PABY[pair, a, b, y] = count[a, b] / len(first)
