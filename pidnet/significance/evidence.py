"""What the counts of pairs tell about their own sampling error, found in one pass over them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from pidnet.execution.lanes import LANES
from pidnet.execution.threads import share_pairs
from pidnet.measures.derivatives import log2_ratio
from pidnet.significance._mixture_cells import PARTS
from pidnet.significance._mixture_memory import STATISTICS, memory_size
from pidnet.significance._one_pass import fill_evidence
from pidnet.tables import shannon
from pidnet.tables.bits import Bits, CodedUnits, in_eights
from pidnet.tables.discrete import PairTables


class Evidence(NamedTuple):
    """Of some pairs.

    joint_bias: what samples add to I(Y;X1X2) on average, see ``joint_information_bias``, (pair,), bits. statistic,
    freedom: of the test that both units have the same codes in each class, see ``distinct``, (pair,). mean, square: of
    log2( p(x1,y) / p(x1)p(y) ) - log2( p(x2,y) / p(x2)p(y) ), the parts of each class, (pair, class). samples: how many.
    """

    joint_bias: np.ndarray
    statistic: np.ndarray
    freedom: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    samples: int

    def difference_error(self) -> np.ndarray:
        """Standard error of I1 - I2, to first order, (pair,), bits."""
        return self._error(self.mean.sum(1, np.float64), self.square.sum(1, np.float64))

    def difference_errors(self) -> np.ndarray:
        """The same of the parts of each class, (pair, class)."""
        return self._error(self.mean, self.square)

    def _error(self, mean: np.ndarray, square: np.ndarray) -> np.ndarray:
        return np.sqrt((square - mean**2).clip(0) / self.samples)


def evidence_of_tables(tables: PairTables) -> Evidence:
    """From tables that were counted."""
    none, units = np.empty(0, np.float32), tables.units
    rows = np.empty((0, 0, 0), np.uint64)
    bits = Bits(np.empty((0, 0, 0), np.int32), rows, np.empty(0, np.int64), rows.ravel(), none)
    values = [np.ascontiguousarray(log2_ratio(p_UXY), np.float32) for p_UXY, _ in units]
    where = np.stack([unit_P for _, unit_P in units], 1)
    return _found(tables.p, bits, (*values, none, where), tables.samples)[1]


def evidence_of_codes(
    coded: CodedUnits, pairs: np.ndarray, values_UXY: np.ndarray
) -> tuple[np.ndarray, Evidence]:
    """I(Y;X1X2), (pair,), bits, and the evidence, counted by bits: no table is in memory. Needs the rows of bits, and
    ``log2_ratio`` of the units."""
    _, classes, levels = coded.margins.shape
    samples, values_UXY = coded.values.shape[1], np.ascontiguousarray(values_UXY, np.float32)
    none = np.empty((0, levels, levels, classes))
    units = values_UXY, values_UXY, in_eights(values_UXY), pairs
    terms, evidence = _found(none, coded.bits, units, samples)
    return shannon.entropy(coded.margins[0].sum(1) / samples) + terms / (samples * np.log(2)), evidence


def _found(p_PABY: np.ndarray, bits: Bits, units: tuple, samples: int) -> tuple[np.ndarray, Evidence]:
    """Sums of n ln n where pairs are counted by bits, and the evidence; units: values of the first and of the second
    ones, those ``in_eights``, and which pair has which."""
    *values, unit_P2 = units
    pairs, classes, counts = len(unit_P2), p_PABY.shape[3], np.arange(0 if len(p_PABY) else samples + 1)
    known = xlogy(counts, counts)
    found = np.empty(pairs), np.zeros((pairs, STATISTICS)), np.empty((pairs, 2, classes), np.float32)

    def fill(part: slice) -> None:
        memory = np.zeros(LANES * memory_size(*p_PABY.shape[1:]), np.float32)
        tables = p_PABY[part] if len(p_PABY) else p_PABY, bits, known
        fill_evidence(
            tables, (*values, unit_P2[part]), samples, PARTS, memory, tuple(of[part] for of in found)
        )

    share_pairs(fill, pairs)
    bias, statistic, freedom = found[1].T
    bias = bias / (samples * np.log(2))
    return found[0], Evidence(bias, statistic, freedom.astype(int), found[2][:, 0], found[2][:, 1], samples)
