"""Stage 3: codes -> joint tables of all pairs of units with the target.

Counting is one matrix product of one-hot codes for each class. It runs over blocks of units, so that the
tables of a wide layer never stand in memory together.

Axis letters: P pair, A/B level of source 1/2, Y class, S sample, U unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pidnet.execution.blocks import SAMPLES_AT_ONCE, TABLE_BYTES
from pidnet.printing import Printed, number

if TYPE_CHECKING:  # tables need no torch: its import would cost seconds
    from pidnet.codes import Codes


@dataclass(frozen=True, eq=False, repr=False)
class PairTables(Printed):
    """Joint distributions of pairs of units with the target.

    Attributes
    ----------
    pairs : ndarray
        int (pair, 2), unit indices; -1 for tables that were given.
    p : ndarray
        float64 (pair, level1, level2, class), each table sums to 1.
    samples : int
        How many samples were counted; 0 for tables that were given, not counted.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"layer": [[0, 1, 0], [1, 1, 0], [1, 0, 1]]}, [0, 1, 1])
    >>> pn.pair_tables(codes, "layer")
    PairTables: 3 pairs, 2 x 2 levels, 2 classes, counted from 3 samples
    """

    pairs: np.ndarray
    p: np.ndarray
    samples: int = 0

    def __len__(self) -> int:
        return len(self.p)

    def _lines(self) -> list[str]:
        pairs, levels1, levels2, classes = self.p.shape
        counted = f"counted from {number(self.samples)} samples" if self.samples else "given"
        return [
            f"PairTables: {number(pairs)} pairs, {levels1} x {levels2} levels, {classes} classes, {counted}"
        ]

    def __add__(self, other: PairTables) -> PairTables:
        """The tables of both sets of samples together. Raises ValueError unless the pairs are the same."""
        if self.p.shape != other.p.shape or not np.array_equal(self.pairs, other.pairs):
            raise ValueError("tables of different pairs or shapes do not add up")
        samples = self.samples + other.samples
        if not samples:
            raise ValueError("tables that were given, not counted, have no weight to add them by")
        return PairTables(self.pairs, (self.p * self.samples + other.p * other.samples) / samples, samples)


def pair_tables(codes: Codes, layer: str) -> PairTables:
    """Count the tables of all pairs i < j of the units of a layer that are not constant, at once.

    Parameters
    ----------
    codes : Codes
        The codes of the layer, among others.
    layer : str
        The name of the layer.

    Returns
    -------
    PairTables
        All pairs in order. Needs 8 bytes for each cell; `iterate_pair_tables` gives the same tables in blocks.

    Raises
    ------
    ValueError
        For an unknown layer or one with fewer than two units that vary.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"layer": [[0, 1], [1, 1], [1, 0], [0, 0]]}, [0, 1, 0, 1])
    >>> pn.pair_tables(codes, "layer").p[0, :, :, 0]
    array([[0.  , 0.25],
           [0.25, 0.  ]])
    """
    blocks = list(iterate_pair_tables(codes, layer))
    return PairTables(
        pairs=np.concatenate([block.pairs for block in blocks]),
        p=np.concatenate([block.p for block in blocks]),
        samples=blocks[0].samples,
    )


def iterate_pair_tables(codes: Codes, layer: str) -> Iterator[PairTables]:
    """Count the tables of all pairs i < j of the units of a layer that are not constant, block by block.

    Parameters
    ----------
    codes : Codes
        The codes of the layer, among others.
    layer : str
        The name of the layer.

    Yields
    ------
    PairTables
        The next block of pairs, in order; the whole of a wide layer never is in memory.

    Raises
    ------
    ValueError
        For an unknown layer or one with fewer than two units that vary.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"layer": [[0, 1, 0], [1, 1, 0], [1, 0, 1]]}, [0, 1, 1])
    >>> sum(len(block) for block in pn.iterate_pair_tables(codes, "layer"))
    3
    """
    units, code_SU, bounds = _sorted_by_class(codes, layer)
    rows = max(1, TABLE_BYTES // (8 * len(units) * codes.levels**2 * len(codes.classes)))
    for start in range(0, len(units) - 1, rows):
        stop = min(start + rows, len(units))
        count_YUAVB = _count(code_SU, bounds, (start, stop), codes.levels)
        i, j = np.nonzero(np.arange(start, stop)[:, None] < np.arange(start, len(units)))
        p_PABY = np.ascontiguousarray(count_YUAVB[:, i, :, j, :].transpose(0, 2, 3, 1) / len(code_SU))
        yield PairTables(np.stack([units[i + start], units[j + start]], 1), p_PABY, len(code_SU))


def unit_tables(codes: Codes, layer: str) -> np.ndarray:
    """Joint tables of each unit with the target, float64 (unit, level, class), constant units included."""
    code_SU, target, classes = codes.layer(layer).values.numpy(), codes.target.numpy(), len(codes.classes)
    cells = codes.levels * classes
    flat_SU = code_SU.astype(np.int64) * classes + target[:, None]
    count = np.stack([np.bincount(column, minlength=cells) for column in flat_SU.T])
    return count.reshape(-1, codes.levels, classes) / len(target)


def _sorted_by_class(codes: Codes, layer: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The units that vary, their codes with samples in order of class, and where each class begins."""
    units = codes.layer(layer).varying
    if len(units) < 2:
        raise ValueError(f"layer {layer!r} has {len(units)} units that vary; pairs need at least 2")
    target = codes.target.numpy()
    order = np.argsort(target, kind="stable")
    bounds = np.searchsorted(target[order], np.arange(len(codes.classes) + 1))
    return units, codes.layer(layer).values.numpy()[order][:, units], bounds


def _count(code_SU: np.ndarray, bounds: np.ndarray, rows: tuple[int, int], levels: int) -> np.ndarray:
    """How often each pair of codes occurs: units rows[0]:rows[1] against units rows[0]: in each class.

    Returns int32 (class, unit, level, unit, level).
    """
    start, stop = rows
    wide, tall = (code_SU.shape[1] - start) * levels, (stop - start) * levels
    count = np.zeros((len(bounds) - 1, tall, wide), np.int32)
    for y, (begin, end) in enumerate(pairwise(bounds)):
        for chunk in range(begin, end, SAMPLES_AT_ONCE):
            code = code_SU[chunk : min(chunk + SAMPLES_AT_ONCE, end), start:]
            onehot = (code[:, :, None] == np.arange(levels, dtype=code.dtype)).reshape(len(code), wide)
            onehot = onehot.astype(np.float32)
            # Products of float32 ones are exact up to 2^24 a chunk; the sum over chunks is kept in integers.
            np.add(count[y], onehot[:, :tall].T @ onehot, out=count[y], casting="unsafe")
    return count.reshape(-1, stop - start, levels, wide // levels, levels)
