"""Stage 3: codes -> joint tables of all pairs of units with the target.

Pairs are counted by bits (see ``bits``) block by block, so that the tables of a wide layer never stand in memory
together.

Axis letters: P pair, A/B level of source 1/2, Y class, S sample, U unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.execution.blocks import TABLE_BYTES
from pidnet.execution.threads import share_pairs
from pidnet.printing import Printed, counted, number
from pidnet.tables import shannon
from pidnet.tables.bits import (
    CodedUnits,
    code_units,
    fill_tables,
    joint_terms,
    permuted_margins,
    unit_margins,
)

if TYPE_CHECKING:  # tables need no torch: its import would cost seconds
    from pidnet.codes import Codes


@dataclass(frozen=True, eq=False, repr=False)
class PairTables(Printed):
    """Joint distributions of pairs of units with the target.

    Attributes
    ----------
    pairs : ndarray
        int (pair, 2), unit indices; -1 for tables that were given. A unit has one table with the target, in whichever
        pair it stands.
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
        source = f"counted from {number(self.samples)} samples" if self.samples else "given"
        return [
            f"PairTables: {counted(pairs, 'pair')}, {levels1} x {levels2} levels, {classes} classes, {source}"
        ]

    @cached_property
    def units(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of the first and of the second units, their tables (unit, level, class), and where that of each pair is, (pair,).

        Where the pairs name their units, a unit has one: a layer has many more pairs than units."""
        found = []
        for source in range(2):
            where = unit_P = np.arange(len(self))
            if self.samples > 0 and bool((self.pairs[:, 0] < self.pairs[:, 1]).all()):
                _, where, unit_P = np.unique(self.pairs[:, source], return_index=True, return_inverse=True)
            found.append((self.p[where].sum(2 - source), unit_P))
        return found

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
    check_arguments(pair_tables, locals())
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
    check_arguments(iterate_pair_tables, locals())
    pairs = varying_pairs(codes, layer)
    coded, shape = coded_units(codes, layer), (codes.levels, codes.levels, len(codes.classes))
    for block in np.array_split(pairs, -(-len(pairs) * 8 * prod(shape) // TABLE_BYTES)):
        yield _count(coded, block, shape)


def _count(coded: CodedUnits, pairs: np.ndarray, shape: tuple[int, int, int]) -> PairTables:
    p_PABY = np.empty((len(pairs), *shape))
    share_pairs(lambda part: fill_tables(coded, pairs[part], p_PABY[part]), len(pairs))
    return PairTables(pairs, p_PABY, coded.values.shape[1])


def unit_tables(codes: Codes, layer: str) -> np.ndarray:
    """Joint tables of each unit with the target, float64 (unit, level, class), constant units included."""
    values, target = codes.layer(layer).values, codes.target.numpy()
    return unit_margins(values, target, len(codes.classes), codes.levels).swapaxes(1, 2) / len(codes)


def permuted_unit_tables(codes: Codes, layer: str, targets_TS: np.ndarray) -> Iterator[np.ndarray]:
    """The same for one after another of other targets of the samples."""
    values, classes = codes.layer(layer).values, len(codes.classes)
    for margins_UYX in permuted_margins(values, targets_TS, classes, codes.levels):
        yield margins_UYX.swapaxes(1, 2) / len(codes)


def values_of_units(
    tables: PairTables, function: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """A function of tables (unit, level, class), for the first and the second unit of each pair, (pair, ...) both."""
    first, second = (function(p_UXY)[unit_P] for p_UXY, unit_P in tables.units)
    return first, second


def joint_informations(codes: Codes, layer: str) -> np.ndarray:
    """I(Y;X1X2) of all pairs of the units of a layer that vary, (pair,), bits; the tables are never in memory."""
    pairs = varying_pairs(codes, layer)
    coded = coded_units(codes, layer)
    if not coded.by_bits:
        return np.concatenate(
            [shannon.source_informations(t.p)[2] for t in iterate_pair_tables(codes, layer)]
        )
    target = shannon.entropy(coded.margins[0].sum(1) / len(codes))
    return target + joint_terms(coded, pairs) / (len(codes) * np.log(2))


def varying_pairs(codes: Codes, layer: str) -> np.ndarray:
    """The pairs of a layer; ValueError where there are none."""
    varying = codes.layer(layer).varying
    if len(varying) < 2:
        raise ValueError(f"layer {layer!r} has {len(varying)} units that vary; pairs need at least 2")
    return codes.layer(layer).pairs


def coded_units(codes: Codes, layer: str) -> CodedUnits:
    """The codes of all units of a layer in a form to count from."""
    values, target = codes.layer(layer).values.numpy(), codes.target.numpy()
    return code_units(values, target, len(codes.classes), codes.levels)
