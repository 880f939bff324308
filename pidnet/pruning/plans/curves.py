"""What a network loses by the width of each layer, measured on samples that nothing was decided by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pidnet.networks.inputs import Inputs
from pidnet.networks.running import class_scores
from pidnet.printing import Printed
from pidnet.progress import shown
from pidnet.pruning.criteria.ranking import Ranking
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.plans._folding import folded
from pidnet.pruning.repair.replay import Replay
from pidnet.pruning.structure.network import CuttableNetwork

# The shares of a layer's units at which its loss is measured.
SHARES = (0.125, 0.25, 0.375, 0.5, 0.75)


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


@dataclass(frozen=True, eq=False)
class Judge:
    """Measures what folded cuts lose. statistics: what decides, by its samples. rankings: layer -> who goes first. held: samples that nothing was decided by, and what the dense network puts out for them."""

    statistics: CalibrationStatistics
    rankings: Mapping[str, Ranking]
    held: Inputs
    scores: Tensor

    @staticmethod
    def of(statistics: CalibrationStatistics, rankings: Mapping[str, Ranking], held: Inputs) -> Judge:
        """A judge on these samples."""
        with torch.no_grad():
            return Judge(statistics, rankings, held, statistics.network.run(held))

    @property
    def orders(self) -> dict[str, np.ndarray]:
        """Layer -> its units, the first to go first."""
        return {layer: ranking.order for layer, ranking in self.rankings.items()}

    def loss(self, widths: Mapping[str, int]) -> float:
        """Bits lost at these widths, a mean over the held-out samples."""
        network = self._cut(widths)
        return self._bits(Replay(network.model, [self.held]), network)

    def curves(
        self, widths: Mapping[str, int], round_to: int = 1, near: Sequence[float] | None = None
    ) -> list[LossCurve]:
        """The curve of each layer with all others at their widths; front to back, so that what stands before a layer
        runs once. near: the shares of a layer more or less than its width to measure at; None for ``SHARES`` of it and
        the whole."""
        network = self.statistics.network
        replay = Replay(self._cut(widths).model, [self.held])
        places = network.order([p for g in network.groups.values() for p in g.producers], self.held)
        firsts = {names: min(self._producers(names), key=places.index) for names in network.tied}
        found = {}
        for names in shown(
            sorted(network.tied, key=lambda names: places.index(firsts[names])), "measuring loss curves"
        ):
            replay.reach(firsts[names])
            tried = self._tried(names[0], widths[names[0]], round_to, near)
            cuts = ({**widths, **dict.fromkeys(names, width)} for width in tried)
            bits = [self._bits(replay, self._cut(cut)) for cut in cuts]
            found[names] = LossCurve(names, tuple(tried), tuple(bits))
        return [found[names] for names in network.tied]

    def _tried(self, name: str, width: int, round_to: int, near: Sequence[float] | None) -> list[int]:
        """The widths to measure a layer at, ascending."""
        full = self.statistics.network.groups[name].units
        step = min(round_to, full)
        wanted = (
            [share * full for share in SHARES] if near is None else [width + share * full for share in near]
        )
        tried = {min(full, max(step, round(one / step) * step)) for one in wanted}
        return sorted(tried | ({full} if near is None else {width}))

    def _producers(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            yield from self.statistics.network.groups[name].producers

    def _cut(self, widths: Mapping[str, int]) -> CuttableNetwork:
        cut = {name: order[: len(order) - widths[name]].tolist() for name, order in self.orders.items()}
        return folded(self.statistics, cut)

    @torch.no_grad()
    def _bits(self, replay: Replay, network: CuttableNetwork) -> float:
        scores = class_scores(replay.run(0, network.model))
        return float(network.reading.divergence(self.scores, scores).mean())
