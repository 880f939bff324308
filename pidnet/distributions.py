"""Stage 3: codes -> joint tables of all pairs of units with the target.

Counting is one matrix product of one-hot codes for each class. It runs over blocks of units, so that the
tables of a wide layer never stand in memory together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class PairTables:
    """Joint distributions of pairs of units with the target.

    pairs: int (pair, 2), unit indices. p: float64 (pair, level1, level2, class), each table sums to 1.
    samples: how many samples were counted; 0 for tables that were given, not counted.
    """

    pairs: np.ndarray
    p: np.ndarray
    samples: int = 0

    def __len__(self) -> int:
        return len(self.p)
