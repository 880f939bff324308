"""The answer of a criterion: in which order the units of a layer go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pidnet.printing import Printed, listed


@dataclass(frozen=True, eq=False, repr=False)
class Ranking(Printed):
    """The units of a layer in the order in which they go.

    Attributes
    ----------
    order
        int (unit,), the unit that goes first comes first.
    cost
        float64 (unit,), by unit: what its removal costs given the ones before it in the order; nan for units
        that are not in the order.
    scale
        "bits", or "score" for a criterion's own scale.
    redundancy
        float64 (unit,), by unit and in the same scale: what the units that stay can take over.

    Examples
    --------
    >>> from pidnet.pruning import Ranking, ascending
    >>> ascending([0.3, 0.1, 0.2])
    Ranking in score: units 1, 2, 0 go in this order
    """

    order: np.ndarray
    cost: np.ndarray
    scale: str = "score"
    redundancy: np.ndarray | None = None

    def _lines(self) -> list[str]:
        return [f"Ranking in {self.scale}: units {listed(self.order.tolist())} go in this order"]


def ascending(score: Sequence[float] | np.ndarray) -> Ranking:
    """The unit with the lowest score goes first; ties in the order of the units.

    Parameters
    ----------
    score
        float (unit,).

    Returns
    -------
    Ranking
        With the scores as costs.

    Examples
    --------
    >>> from pidnet.pruning import ascending
    >>> ascending([0.3, 0.1, 0.2]).order
    array([1, 2, 0])
    """
    score = np.asarray(score, float)
    return Ranking(np.argsort(score, kind="stable"), score)


def in_order(
    order: Sequence[int],
    cost: Sequence[float],
    units: int,
    redundancy: Sequence[float] | None = None,
) -> Ranking:
    """A ranking from costs and redundancies in the order in which units go, of ``units`` in all."""

    def by_unit(values: Sequence[float]) -> np.ndarray:
        found = np.full(units, np.nan)
        found[np.asarray(order, int)] = values
        return found

    known = None if redundancy is None else by_unit(redundancy)
    return Ranking(np.asarray(order, int), by_unit(cost), redundancy=known)
