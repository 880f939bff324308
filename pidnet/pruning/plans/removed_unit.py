"""One unit that goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pidnet.printing import Printed, number


@dataclass(frozen=True, repr=False)
class RemovedUnit(Printed):
    """One unit that goes: what its removal costs given the ones before it, and who takes over.

    Attributes
    ----------
    unit
        Its index in the dense network.
    cost
        What its removal costs, given the units before it in the plan, in ``scale``.
    scale
        "bits" for the information criteria, "score" for a criterion with a scale of its own.
    substitutes
        (unit, share) of the kept units with the largest shares in its least-squares replacement.
    redundancy
        Bits about the output that the unit carries and the units not yet removed could take over; None where
        the plan was not made by least squares.

    Examples
    --------
    >>> from pidnet.pruning import RemovedUnit
    >>> removed = RemovedUnit(2, 0.00125, "bits", ((3, 0.75), (0, 0.25)))
    >>> removed.row("fc1")["taken over by"]
    '3 (75%), 0 (25%)'
    """

    unit: int
    cost: float
    scale: str
    substitutes: tuple[tuple[int, float], ...]
    redundancy: float | None = None

    def row(self, layer: str) -> dict[str, Any]:
        """The removed unit as one row of a table.

        Parameters
        ----------
        layer : str
            Its layer.

        Returns
        -------
        dict
            Column -> value.
        """
        shares = ", ".join(f"{unit} ({share:.0%})" for unit, share in self.substitutes)
        return {
            "layer": layer,
            "unit": self.unit,
            "cost": self.cost,
            "redundancy": "-" if self.redundancy is None else self.redundancy,
            "scale": self.scale,
            "taken over by": shares or "-",
        }

    def _lines(self) -> list[str]:
        shares = self.row("")["taken over by"]
        return [f"RemovedUnit {self.unit}: costs {number(self.cost)} ({self.scale}), taken over by {shares}"]
