"""How many units each layer keeps: a share of units, of multiply-accumulates, of modelled joules or of measured seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from pidnet.energy import count, modelled_energy
from pidnet.energy.modelled import total
from pidnet.networks.inputs import take
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.plans._latency import LatencyTable
from pidnet.pruning.plans.curves import LossCurve

# A global budget leaves each layer at least this share of what a uniform one would leave it.
MIN_SHARE = 0.5
# Steps of what is to be saved, in the dynamic program.
BUCKETS = 2000


@dataclass(frozen=True, eq=False)
class Budget:
    """A share of one resource of the dense network: units (keep), MACs (macs), modelled joules with every word in SRAM
    (energy), or seconds by a table measured here (latency). round_to: widths are multiples of this where a layer has as many units."""

    resource: str
    share: float
    statistics: CalibrationStatistics
    round_to: int = 1
    _known: dict[tuple, float] = field(default_factory=dict, init=False)

    @staticmethod
    def of(statistics: CalibrationStatistics, shares: Mapping[str, float | None], round_to: int) -> Budget:
        """The one budget that is given. Raises ValueError for none, several, or a share outside (0, 1]."""
        given = {name: share for name, share in shares.items() if share is not None}
        if len(given) != 1:
            names = [f"{name}=" for name in shares]
            said = ", ".join(f"{name}={share}" for name, share in given.items()) or "none"
            raise ValueError(
                f"the budget is {said}; give exactly one: {', '.join(names[:-1])} or {names[-1]}, e.g. keep=0.5"
            )
        ((resource, share),) = given.items()
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 1:
            raise ValueError(f"the budget {resource}={share} is not a share above 0 and at most 1")
        if round_to < 1:
            raise ValueError(f"round_to={round_to}; expected at least 1")
        return Budget(resource, float(share), statistics, round_to)

    @cached_property
    def table(self) -> LatencyTable:
        """How long layers take by their widths, measured when it is first asked for."""
        return LatencyTable.of(self.statistics.network, self.statistics.x)

    @cached_property
    def dense(self) -> float:
        """What the dense network needs."""
        return self.needs(self.statistics.network.widths)

    def needs(self, widths: Mapping[str, int]) -> float:
        """What the network needs at these widths; which units go does not matter, so the first ones do."""
        widths = self.statistics.network.idle(widths)
        if self.resource == "keep":
            return float(sum(widths.values()))
        if self.resource == "latency":
            return self.table.seconds(widths)
        if (key := tuple(widths.items())) not in self._known:
            self._known[key] = self._counted(widths)
        return self._known[key]

    def fits(self, widths: Mapping[str, int]) -> bool:
        """Whether the network is within the budget at these widths."""
        return self.needs(widths) <= self.share * self.dense

    def fit(self, widths: Mapping[str, int]) -> bool:
        """Time the network at these widths, by which from now on all others are judged; False for a budget that is counted."""
        if self.resource == "latency":
            self.table.fit(self.statistics.network.idle(widths))
        return self.resource == "latency"

    def _counted(self, widths: Mapping[str, int]) -> float:
        network = self.statistics.network
        gone = {name: range(width - widths[name]) for name, width in network.widths.items()}
        small = network.without({name: units for name, units in gone.items() if units}, shared=True)
        counts = count(small.model, take(self.statistics.x, slice(1)))
        return float(counts.macs if self.resource == "macs" else total(modelled_energy(counts)).sram)

    @cached_property
    def uniform(self) -> dict[str, int]:
        """Layer -> units that stay, the same share everywhere: the largest share that meets the budget.

        Raises ValueError where that leaves a layer without a unit.
        """
        if self.resource == "keep":
            return self.widths(self.share)
        if self.share == 1:
            return self.widths(1.0)
        found = self._largest_uniform()
        return self._largest_uniform() if self.fit(found) else found

    def _largest_uniform(self) -> dict[str, int]:
        low, high = 0.0, 1.0
        for _ in range(12):
            middle = (low + high) / 2
            low, high = (middle, high) if self.fits(self.widths(middle)) else (low, middle)
        if not low:
            smallest = self.needs(self.widths(0.0)) / self.dense
            raise ValueError(
                f"{self.resource}={self.share} leaves less than one unit per layer; one unit per layer needs "
                f"{smallest:.2g} of the dense network"
            )
        return self.widths(low)

    def widths(self, share: float) -> dict[str, int]:
        """Layer -> units at a share of each layer, at least one step of ``round_to``."""
        dense = self.statistics.network.widths
        return {name: self._width(units, share) for name, units in dense.items()}

    def _width(self, units: int, share: float) -> int:
        step = min(self.round_to, units)
        return max(step, round(share * units / step) * step)

    def spend(
        self, widths: Mapping[str, int], costs: Mapping[str, list[float]], share: float
    ) -> dict[str, int]:
        """Widths at most ``share`` of the dense network's needs: what costs least per saving goes first.

        widths: the present ones. costs: layer -> cost of its removals, in their order. No layer falls below
        ``MIN_SHARE`` times its uniform width. Layers that must keep the same number of units shrink together.
        """
        widths = dict(widths)
        start = dict(widths)
        least = {name: max(1, round(MIN_SHARE * width)) for name, width in self.uniform.items()}
        while (need := self.needs(widths)) > share * self.dense:
            savings = self._savings(widths, least, need)
            if not savings:
                break
            gap = min(need - share * self.dense, 0.05 * self.dense)
            while savings and gap > 0:
                names = min(savings, key=lambda g: self._cost(g, start, widths, costs) / savings[g])
                gap -= savings[names]
                for name in names:
                    widths[name] -= self._step(widths, names)
                if any(widths[name] - self._step(widths, names) < least[name] for name in names):
                    del savings[names]
        return widths

    def _step(self, widths: Mapping[str, int], names: tuple[str, ...]) -> int:
        width = widths[names[0]]
        return width % self.round_to or min(self.round_to, width)

    def _savings(
        self, widths: Mapping[str, int], least: Mapping[str, int], need: float
    ) -> dict[tuple[str, ...], float]:
        """What the next step of each group saves, for those that may still shrink."""
        found = {}
        for names in self.statistics.network.tied:
            fewer = {name: widths[name] - self._step(widths, names) for name in names}
            if all(fewer[name] >= least[name] for name in names):
                found[names] = max(need - self.needs({**widths, **fewer}), 1e-12 * need)
        return found

    def _cost(
        self,
        names: tuple[str, ...],
        start: Mapping[str, int],
        widths: Mapping[str, int],
        costs: Mapping[str, list[float]],
    ) -> float:
        """Bits that the next step of a group costs."""
        step = self._step(widths, names)
        return sum(sum(costs[n][start[n] - widths[n] :][:step]) for n in names)


def divided(budget: Budget, curves: Sequence[LossCurve], at: Mapping[str, int]) -> dict[str, int]:
    """The widths whose curves have the least sum, within the budget; ``at`` where the curves do not reach so low.

    What a width needs is taken as a straight line, or a parabola, with the others as they are in ``at``; where that is
    not the whole truth, because neighbors both shrink, the aim is lowered until the network really fits.
    """
    options = [np.array(_options(curve, budget.round_to)) for curve in curves]
    needs = [_needs(budget, curve, at) for curve in curves]
    whole = budget.needs(at) + sum(
        float(need(curve.widths[-1]) - need(at[curve.layers[0]]))
        for curve, need in zip(curves, needs, strict=True)
    )
    saved = [need(curve.widths[-1]) - need(w) for curve, need, w in zip(curves, needs, options, strict=True)]
    wanted = whole - budget.share * budget.dense
    while wanted <= sum(float(one.max()) for one in saved):
        chosen = _least(curves, options, saved, wanted)
        over = budget.needs(chosen) - budget.share * budget.dense
        if over <= 0:
            return chosen
        wanted += 1.05 * over
    return dict(at)


def _options(curve: LossCurve, step: int) -> list[int]:
    """The widths to choose from, ascending."""
    (least, *more), high = curve.widths, curve.widths[-1]
    low = least or (more or [high])[0]
    return sorted({least, *range(low, high, min(step, high)), high})


def _needs(budget: Budget, curve: LossCurve, at: Mapping[str, int]) -> Callable:
    """What the network needs, as a function of the width of one layer: of first degree where no layer both makes and
    reads its units; without any unit, what it then needs."""
    if budget.resource == "latency":  # which is no straight line
        return np.vectorize(
            lambda width: budget.needs({**at, **dict.fromkeys(curve.layers, int(width))}), otypes=[float]
        )
    low, high = next(width for width in curve.widths if width), curve.widths[-1]
    now = at[curve.layers[0]] or low
    groups = [budget.statistics.network.groups[name] for name in curve.layers]
    bilinear = not any(set(group.producers) & set(group.consumers) for group in groups)
    ends = [low if now - low > high - now else high] if bilinear else [low, high]
    known = sorted({now, *ends})
    found = [budget.needs({**at, **dict.fromkeys(curve.layers, width)}) for width in known]
    line = partial(np.polyval, np.polyfit(known, found, len(known) - 1))
    if curve.widths[0]:
        return line
    nothing = budget.needs({**at, **dict.fromkeys(curve.layers, 0)})
    return lambda widths: np.where(np.asarray(widths) > 0, line(widths), nothing)


def _least(
    curves: Sequence[LossCurve], options: Sequence[np.ndarray], saved: Sequence[np.ndarray], wanted: float
) -> dict[str, int]:
    """Choose a width of each curve so that at least ``wanted`` is saved and the sum of the bits is least."""
    size = max(wanted, 1e-9) / BUCKETS
    before_all = np.arange(BUCKETS + 1)[:, None]
    best = np.full(BUCKETS + 1, np.inf)
    best[0] = 0
    choices = []
    for curve, widths, one in zip(curves, options, saved, strict=True):
        # Rounded up by a hair: what is just enough must not fail for the last digit.
        before = np.maximum(before_all - np.floor(one / size + 1e-6).clip(0, BUCKETS).astype(int), 0)
        total = best[before] + curve.at(widths)
        choices.append((total.argmin(1), before))
        best = total.min(1)
    chosen, bucket = {}, BUCKETS
    for curve, widths, (choice, before) in reversed(list(zip(curves, options, choices, strict=True))):
        pick = choice[bucket]
        chosen |= dict.fromkeys(curve.layers, int(widths[pick]))
        bucket = before[bucket, pick]
    return chosen
