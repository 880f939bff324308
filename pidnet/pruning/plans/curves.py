"""What a network loses by the width of each layer, measured on samples that nothing was decided by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pidnet.printing import Printed


@dataclass(frozen=True, eq=False, repr=False)
class LossCurve(Printed):
    """What the network loses when one layer is cut to a width and folded.

    Attributes
    ----------
    layers
        The layer, or layers that keep the same number of units.
    widths
        Ascending numbers of units that stay.
    bits
        KL(dense || cut) in bits at each width: a mean over held-out samples. Where other layers were cut as well, their
        loss is a part of it.

    Examples
    --------
    >>> from pidnet.pruning import LossCurve
    >>> curve = LossCurve(("fc1",), (4, 8, 16), (0.5, 0.1, 0.0))
    >>> curve
    LossCurve of fc1: 4 units lose 0.5 bits, 8 units 0.1, 16 units 0
    >>> float(curve.at(12))
    0.05
    """

    layers: tuple[str, ...]
    widths: tuple[int, ...]
    bits: tuple[float, ...]

    def at(self, widths: int | np.ndarray) -> np.ndarray:
        """The loss at any width.

        Parameters
        ----------
        widths : int or ndarray
            Numbers of units.

        Returns
        -------
        ndarray
            Bits; straight lines between the measured widths, of losses that never rise with the width.
        """
        falling = np.maximum.accumulate(np.array(self.bits)[::-1])[::-1]
        return np.interp(widths, self.widths, falling)

    @property
    def points(self) -> list[tuple[int, float]]:
        """(width, bits) of each measurement, the narrowest first."""
        return [(width, round(bits, 6)) for width, bits in zip(self.widths, self.bits, strict=True)]

    def rows(self) -> list[dict[str, Any]]:
        """One row for each measured width."""
        name = ", ".join(self.layers)
        return [
            {"layer": name, "units": w, "bits lost": b} for w, b in zip(self.widths, self.bits, strict=True)
        ]

    def _lines(self) -> list[str]:
        points = [f"{w} units {b:.2g}" for w, b in zip(self.widths, self.bits, strict=True)]
        points[0] = f"{self.widths[0]} units lose {self.bits[0]:.2g} bits"
        return [f"LossCurve of {', '.join(self.layers)}: {', '.join(points)}"]
