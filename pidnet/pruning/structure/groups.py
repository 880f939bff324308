"""The units of a layer and everything that hangs on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

UnitsByLayer = Mapping[str, Sequence[int]]


@dataclass(frozen=True, eq=False)
class UnitGroup:
    """The units of one layer, or of layers that are coupled because their outputs are added.

    name: the first layer. units: how many there are; for attention a unit is a whole head.
    producers: layer -> int (unit, row), the output rows of each unit.
    consumers: layer -> int (unit, column), the input channels of each unit.
    followers: layer that hands units on, such as a BatchNorm or a depthwise convolution -> int (unit, output channel).
    counters: module -> attribute -> how much of it one unit makes up (heads of an attention module).
    tied_width: groups with the same name here must keep the same number of units.
    """

    name: str
    units: int
    producers: dict[str, np.ndarray]
    consumers: dict[str, np.ndarray]
    followers: dict[str, np.ndarray] = field(default_factory=dict)
    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    tied_width: str = ""

    def others(self, units: Sequence[int]) -> list[int]:
        """The units that are not among these, ascending."""
        return sorted(set(range(self.units)) - set(units))
