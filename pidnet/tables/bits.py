"""Counting pairs of units by bits: one bit a sample, one row of them a unit and level.

The samples are in order of class, each class beginning at a word of its own:

    unit i at level a    |0110100..|..1001000|01000000|...      words of 64 samples
    class                |-------- 0 --------|-- 1 ---|...

How often unit i is at level a where unit j is at level b is the number of ones that the rows have in common, and
processors count ones quickly: of unit i and eight units j at once, whose words lie side by side. The last level needs
no row: what a unit has in all is known, so that it follows by subtraction. With many levels the rows outnumber the
samples of a word; then samples are counted one by one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.special import xlogy

from pidnet.execution.compiling import inner, kernel
from pidnet.execution.lane_bits import as_numbers, count_common, in_lane, no_counts
from pidnet.execution.lane_math import looked_up
from pidnet.execution.lanes import LANES, filled, row_at
from pidnet.execution.threads import share_pairs

WORD = 64
MOST_CLASSES = 64  # of targets that are counted by bits
MOST_LEVELS = 10  # (levels - 1)^2 rows meet for each word; with more, one by one is faster
MOST_SAMPLES = 2**24  # that a count in float32 holds exactly
UNITS_AT_ONCE = 256  # whose codes are copied together


class Bits(NamedTuple):
    """What pairs are counted from by bits.

    margins: int32 (unit, class, level), how often each occurs. rows: uint64 (unit, level but the last, word), or none
    with many levels. words: where each class begins in them, (class + 1,). row_eights: rows ``in_eights``.
    margin_eights: margins in them, float32.
    """

    margins: np.ndarray
    rows: np.ndarray
    words: np.ndarray
    row_eights: np.ndarray
    margin_eights: np.ndarray


class CodedUnits(NamedTuple):
    """The codes of some units in a form to count from: by bits, or with many levels from values, uint8 (unit, sample) in
    order of class, and samples: where each class begins in those, (class + 1,)."""

    bits: Bits
    values: np.ndarray
    samples: np.ndarray

    @property
    def margins(self) -> np.ndarray:
        """How often each level of a unit occurs in each class, int32 (unit, class, level)."""
        return self.bits.margins

    @property
    def by_bits(self) -> bool:
        """Whether there are rows to count from."""
        return self.bits.rows.shape[1] > 0


def code_units(values_SU: np.ndarray, target: np.ndarray, classes: int, levels: int) -> CodedUnits:
    """The codes of all units in a form to count from."""
    order = np.argsort(target, kind="stable")
    samples = np.searchsorted(target[order], np.arange(classes + 1))
    words = np.concatenate([[0], np.cumsum(-(-np.diff(samples) // WORD))])
    by_unit = values_SU.T.flags.c_contiguous
    values = values_SU.T[:, order] if by_unit else np.ascontiguousarray(values_SU[order].T)
    by_bits = levels <= MOST_LEVELS and len(target) <= MOST_SAMPLES
    rows = _rows(values, levels - 1 if by_bits else 0, samples, words)
    margins = np.zeros((len(values), classes, levels), np.int32)
    if by_bits:
        _count_ones(rows, words, np.diff(samples), margins)
    else:
        _count_units(values, samples, margins)
    bits = Bits(margins, rows, words, in_eights(rows), in_eights(margins.astype(np.float32)))
    return CodedUnits(bits, values, samples)


def in_eights(values: np.ndarray) -> np.ndarray:
    """Values (unit, ...) of eight units side by side, flat: (unit / 8, ..., 8); those after the last unit are 0."""
    eights, shape = -(-len(values) // LANES), values.shape[1:]
    padded = np.zeros((eights * LANES, *shape), values.dtype)
    padded[: len(values)] = values
    return np.moveaxis(padded.reshape(eights, LANES, *shape), 1, -1).ravel()


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
    if levels > MOST_LEVELS or classes > MOST_CLASSES or len(values_SU) > MOST_SAMPLES:
        for target, of_target in zip(targets_TS, margins, strict=True):
            of_target[:] = unit_margins(values_SU, target, classes, levels)
        return margins
    whole = np.array([0, values_SU.shape[0]])
    words = -(-whole // WORD)
    rows_TYW = _rows(targets_TS, classes, whole, words)
    memory = np.zeros(LANES * classes * levels, np.float32)
    margins[..., -1] = np.bitwise_count(rows_TYW).sum(2, dtype=np.int32)[:, None]
    for first in range(0, values_SU.shape[1], UNITS_AT_ONCE):
        block = slice(first, first + UNITS_AT_ONCE)
        rows = _rows(_units(values_SU, block).T, levels - 1, whole, words)
        _count_targets(rows_TYW, in_eights(rows), words, memory, margins[:, block])
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
        _tables_of_rows(coded.bits, pairs, coded.values.shape[1], _memory(coded), p_PABY)
    else:
        _tables_of_samples(coded.values, coded.samples, pairs, p_PABY)


def joint_terms(coded: CodedUnits, pairs: np.ndarray) -> np.ndarray:
    """sum n ln n over (x1, x2, y) less that over (x1, x2), of some pairs of units, (pair,), without a table in memory.

    Needs the rows of bits.
    """
    found, counts = np.empty(len(pairs)), np.arange(coded.values.shape[1] + 1)
    known = xlogy(counts, counts)
    share_pairs(
        lambda part: _fill_terms(coded.bits, pairs[part], known, _memory(coded), found[part]), len(pairs)
    )
    return found


def _memory(coded: CodedUnits) -> np.ndarray:
    """For the counts of eight pairs."""
    _, classes, levels = coded.margins.shape
    return np.zeros(LANES * classes * levels**2, np.float32)


@kernel("I_min and I_mmi")
def _fill_terms(bits, pairs, known, memory, found_P):
    (classes, levels), counts, first = bits.margins.shape[1:], row_at(memory, 0), 0
    while first < len(pairs):
        last = end_of_eight(pairs, first)
        count_eight(bits, pairs[first], counts)
        terms = add_terms(counts, levels * levels, classes, known)
        for pair in range(first, last):
            found_P[pair] = in_lane(terms, pairs[pair, 1] % LANES)
        first = last


@inner
def add_terms(counts, cells, classes, known):
    """Of eight pairs, sum n ln n over (x1, x2, y) less that over (x1, x2), with n ln n from a table in float64."""
    total = looked_up(known, filled(counts, 0.0))
    for cell in range(cells):
        both = filled(counts, 0.0)
        for y in range(classes):
            n = counts[cell * classes + y]
            both, total = both + n, total + looked_up(known, n)
        total = total - looked_up(known, both)
    return total


@kernel("counts")
def _count_units(values_US, samples, margins_UYA):
    for unit in range(len(values_US)):
        for y in range(len(samples) - 1):
            for sample in range(samples[y], samples[y + 1]):
                margins_UYA[unit, y, values_US[unit, sample]] += 1


@kernel("counts")
def _count_targets(rows_TYW, eights, words, memory, margins_TUYA):
    """Fill the levels that have rows."""
    units, classes, levels = margins_TUYA.shape[1:]
    counts = row_at(memory, 0)
    for target in range(len(rows_TYW)):
        for first in range(0, units, LANES):
            count_rows(rows_TYW[target], eights, first // LANES * (levels - 1), words, (levels, counts))
            for unit in range(first, min(first + LANES, units)):
                for y in range(classes):
                    for a in range(levels - 1):
                        margins_TUYA[target, unit, y, a] = counts[y * levels + a, unit - first]


@kernel("tables of counts")
def _tables_of_rows(bits, pairs, samples, memory, p_PABY):
    levels, classes = p_PABY.shape[2:]
    counts, first = row_at(memory, 0), 0
    while first < len(pairs):
        last = end_of_eight(pairs, first)
        count_eight(bits, pairs[first], counts)
        for pair in range(first, last):
            lane = pairs[pair, 1] % LANES
            for a in range(levels):
                for b in range(levels):
                    for y in range(classes):
                        count = np.float64(counts[(a * levels + b) * classes + y, lane])
                        p_PABY[pair, a, b, y] = count / samples
        first = last


@inner
def end_of_eight(pairs, first):
    """Where the pairs end that are counted together: of one unit with units that are side by side."""
    i, eight, last = pairs[first, 0], pairs[first, 1] // LANES, first + 1
    while last < len(pairs) and pairs[last, 0] == i and pairs[last, 1] // LANES == eight:
        last += 1
    return last


@inner
def count_eight(bits, pair, counts):
    """How often the levels of a unit and of the eight that the other is one of meet in each class: a row of
    (level1, level2, class)."""
    i, eight, (classes, levels) = pair[0], pair[1] // LANES, bits.margins.shape[1:]
    last, margins = levels - 1, row_at(bits.margin_eights, 0)
    count_rows(bits.rows[i], bits.row_eights, eight * last, bits.words, (levels, counts))
    for y in range(classes):  # the last level, from the margins
        corner = filled(counts, bits.margins[i, y, last])
        for a in range(last):
            first = filled(counts, bits.margins[i, y, a])
            second = margins[(eight * classes + y) * levels + a]
            for b in range(last):
                first = first - counts[(a * levels + b) * classes + y]
                second = second - counts[(b * levels + a) * classes + y]
            counts[(a * levels + last) * classes + y] = first
            counts[(last * levels + a) * classes + y] = second
            corner = corner - second
        counts[(last * levels + last) * classes + y] = corner


@inner
def count_rows(first_AW, eights, start, words, out):
    """The counts of all levels that have rows, those of the eight beginning at row ``start``."""
    (levels, counts), classes = out, len(words) - 1
    for a in range(len(first_AW)):
        for b in range(levels - 1):
            at = (start + b) * first_AW.shape[1]
            for y in range(classes):
                common = no_counts()
                for word in range(words[y], words[y + 1]):
                    common = count_common(common, first_AW[a, word], eights, at + word)
                counts[(a * levels + b) * classes + y] = as_numbers(common)


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
