"""The answer of a criterion: in which order the units of a layer go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Ranking:
    """order: int (unit,), the unit that goes first comes first. cost: float64 (unit,), in the same order,
    what each removal costs given the ones before it, in ``scale``: "bits" or the criterion's own "score".
    redundancy: float64 (unit,), in the same order and scale, what the units that stay can take over."""

    order: np.ndarray
    cost: np.ndarray
    scale: str = "score"
    redundancy: np.ndarray | None = None

    @property
    def redundancies(self) -> list[float | None]:
        """The redundancy of each unit in the order in which they go; None where it is not known."""
        return [None] * len(self.order) if self.redundancy is None else self.redundancy.tolist()


def ascending(score: np.ndarray) -> Ranking:
    """The lowest score goes first; ties in the order of the units."""
    order = np.argsort(score, kind="stable")
    return Ranking(order, np.asarray(score, float)[order])
