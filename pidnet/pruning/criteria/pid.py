"""The information about the network's output that goes with a unit when the others take over what they can.

Source 1 is the unit, source 2 the units of its layer that stay, the target the network's output. In
the local Gaussian channel around the trained network, removing unit j and repairing optimally costs to second
order

    KL(dense || pruned) = 1/2 w_j^T M w_j / [C^-1]_jj   nats,

with C the covariance of the inputs of the next layer, w_j the weights on unit j after the repairs so far, and
M the Fisher information of the output about the next layer's pre-activations. 1 / [C^-1]_jj is the variance
of unit j given the others: the cost is its unique plus synergistic information with respect to the whole
kept set. With M = identity this is the optimal brain surgeon on activations (Hassibi & Stork 1993; Frantar &
Alistarh 2022).

All of it is one joint covariance of the inputs and of T = M^(1/2) W times them, swept over the units that stay
(Goodnight 1979): sweeping a unit in or out keeps the regression, its coefficients and what it leaves unexplained
up to date, and the same quotient is the cost of a unit that is in and the gain of one that is out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs, get_lapack_funcs

from pidnet.pruning.criteria.ranking import Ranking, in_order
from pidnet.pruning.criteria.statistics import CalibrationStatistics

RIDGE = 1e-4
# Wider layers are eliminated in blocks while they are wide.
WIDE = 256
PARTS = 32
GEMM: Any = get_blas_funcs("gemm", dtype=np.float64)
POTRF, POTRI = get_lapack_funcs(("potrf", "potri"), dtype=np.float64)


def pid(statistics: CalibrationStatistics, layer: str, *, temperature: float = 1.0) -> Ranking:
    """Backward elimination by unique + synergistic information about the output, bits per sample.

    temperature: of the softmax that makes the target from the scores, see ``CalibrationStatistics.fisher``.
    """
    statistics.prefetch(None, temperature)
    return _in_bits(_eliminate(channels(statistics, layer, temperature), range(statistics.width(layer))))


def removal_costs(statistics: CalibrationStatistics, layer: str, units: Sequence[int]) -> Ranking:
    """What it costs, in bits, to remove the given units, the cheapest first."""
    return _in_bits(_eliminate(channels(statistics, layer, 1.0), units))


def obs(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Backward elimination by the squared error of the next pre-activations after the best repair."""
    statistics.prefetch()
    ranking = _eliminate(channels(statistics, layer, None), range(statistics.width(layer)))
    return Ranking(ranking.order, ranking.cost)


def choose(
    statistics: CalibrationStatistics,
    layer: str,
    width: int,
    temperature: float | None,
    *,
    forward: bool = False,
    exchange: bool = True,
) -> np.ndarray:
    """The ``width`` units to keep: chosen greedily, then exchanged one by one while that loses less.

    temperature: of the target's softmax; None for the next layer's pre-activations. forward: build the set up
    from nothing instead of eliminating from the whole layer. exchange: False for the greedy choice alone.
    Returns ascending unit indices.
    """
    joint = channels(statistics, layer, temperature, kept=not forward)
    while (present := int(joint[0].kept.sum())) != width:
        _sweep(joint, _cheapest(joint)[0] if present > width else _most_gain(joint)[0])
    if exchange:
        _exchange(joint)
    return np.flatnonzero(joint[0].kept)


@dataclass(eq=False)
class Channel:
    """One consumer of the layer's units.

    table: (feature, feature + output), the rows of the features in the joint covariance swept over the kept features F:
    among them -C_FF^-1, from them to everything else the coefficients of the regression on them, and elsewhere
    what that regression leaves. owned: int (unit, feature). kept: bool (unit,). covariance: C.
    """

    table: np.ndarray
    owned: np.ndarray
    kept: np.ndarray
    covariance: np.ndarray

    @staticmethod
    def of(
        statistics: CalibrationStatistics, layer: str, consumer: str, temperature: float | None, *, kept: bool
    ) -> Channel:
        """The channel to a consumer. Features that belong to no unit of the layer always stay."""
        weight, owned = statistics.link(layer, consumer)
        if temperature is not None:
            weight = _square_root(statistics.fisher(consumer, temperature)) @ weight
        covariance = ridged(statistics.covariance(consumer))
        if kept:  # what sweeping all features in comes to
            table = np.hstack([-_inverse(covariance), weight.T])
            return Channel(table, owned, np.full(len(owned), True), covariance)
        table = np.hstack([covariance, covariance @ weight.T])
        channel = Channel(table, owned, np.full(len(owned), False), covariance)
        channel._sweep_in(np.setdiff1d(np.arange(len(covariance)), owned))
        return channel

    def alone(self, unit: int) -> float:
        """1/2 tr(V_j C_jj V_j^T): the information of a kept unit when no other unit carries any."""
        own = self.owned[unit]
        carried = self.table[own, len(self.covariance) :]
        return float(0.5 * np.sum(carried * (self.covariance[own[:, None], own] @ carried)))

    def change(self, units: np.ndarray) -> np.ndarray:
        """The cost of removing each of these units if they are kept, the gain of adding them if not, (unit,)."""
        own = self.owned[units]
        columns = self.table[own, len(self.covariance) :]
        if own.shape[1] == 1:
            return 0.5 * np.square(columns[:, 0]).sum(1) / np.abs(self.table[own[:, 0], own[:, 0]])
        blocks = self.table[own[:, :, None], own[:, None, :]]
        return 0.5 * np.abs(np.einsum("ufo,ufo->u", columns, np.linalg.solve(blocks, columns)))

    def part(self, units: np.ndarray) -> Channel:
        """The channel from some kept units alone, given all others."""
        own = self.owned[units]
        rows = own.ravel()
        columns = np.concatenate([rows, np.arange(len(self.covariance), self.table.shape[1])])
        return Channel(
            self.table[np.ix_(rows, columns)],
            np.arange(own.size).reshape(own.shape),
            np.full(len(units), True),
            self.covariance[np.ix_(rows, rows)],
        )

    def sweep(self, units: int | np.ndarray) -> None:
        """Take a unit out, or in, or several that are all kept or all not."""
        own = self.owned[units].ravel()
        if np.all(self.kept[units]):
            self._sweep_in(own)
            self.table[own] *= -1
            self.table[:, own] *= -1
        else:
            self._sweep_in(own)
        self.kept[units] ^= True

    def _sweep_in(self, own: np.ndarray) -> None:
        rows = self.table[own]
        block = rows[:, own]
        inverse = np.linalg.inv(block) if len(own) > 1 else 1 / block
        carry, features = inverse @ rows, len(self.table)
        # In place, a transposed table in the order of Fortran: table - rows.T @ carry without another table.
        self.table = GEMM(
            -1, carry.T, rows[:, :features].T, 1, self.table.T, trans_b=True, overwrite_c=True
        ).T
        self.table[:, own], self.table[own] = carry[:, :features].T, carry
        self.table[own[:, None], own] = -inverse


def channels(
    statistics: CalibrationStatistics, layer: str, temperature: float | None, *, kept: bool = True
) -> list[Channel]:
    """The channels from a layer to its consumers, with all of its units kept or none."""
    consumers = statistics.consumers(layer)
    statistics.prefetch(consumers, temperature)
    return [Channel.of(statistics, layer, consumer, temperature, kept=kept) for consumer in consumers]


def ridged(covariance: np.ndarray) -> np.ndarray:
    """The covariance plus ``RIDGE`` times its mean variance on the diagonal: invertible, also with dead units
    and with fewer samples than units."""
    variances = np.diag(covariance)
    return covariance + (RIDGE * variances.mean() + np.finfo(float).tiny) * np.eye(len(variances))


def _eliminate(joint: list[Channel], candidates: Sequence[int]) -> Ranking:
    """Remove the cheapest of the candidates again and again, until they are all gone.

    While more than ``WIDE`` are left, the cheapest of ``PARTS`` parts of them are taken together, and eliminated one by
    one among themselves: costs are exact, only which units are in the next block is decided once a block. When half of
    the units are gone, the channels, in place, are those from the others alone: what is gone is not looked at again.
    """
    width, left = len(joint[0].kept), np.asarray(candidates, int)
    places = left  # of the units that are left, in the channels as they are
    gone: list[tuple[int, float, float]] = []
    while len(left) > WIDE:
        changes = np.sum([channel.change(places) for channel in joint], axis=0)
        block = np.argsort(changes, kind="stable")[: len(left) // PARTS]
        among = _one_by_one([channel.part(places[block]) for channel in joint], range(len(block)))
        gone += [(int(left[block[unit]]), cost, shared) for unit, cost, shared in among]
        _sweep(joint, places[block])
        left, places = np.delete(left, block), np.delete(places, block)
        if 2 * len(left) <= len(joint[0].kept):
            for k, channel in enumerate(joint):
                joint[k] = channel.part(places)
            places = np.arange(len(left))
    numbers = dict(zip(places.tolist(), left.tolist(), strict=True))
    gone += [(numbers[place], cost, shared) for place, cost, shared in _one_by_one(joint, places)]
    units, costs, redundancy = zip(*gone, strict=True) if gone else ((), (), ())
    return in_order(units, costs, width, redundancy)


def _one_by_one(
    joint: list[Channel], candidates: Sequence[int] | np.ndarray
) -> list[tuple[int, float, float]]:
    """(unit, its cost, its redundancy with what is left) in the order in which they go."""
    left = np.asarray(candidates, int)
    gone = []
    while len(left):
        unit, cost = _cheapest(joint, left)
        gone.append((unit, cost, max(0.0, sum(channel.alone(unit) for channel in joint) - cost)))
        _sweep(joint, unit)
        left = left[left != unit]
    return gone


def _exchange(joint: list[Channel]) -> None:
    """Add the unit that gains most and remove the cheapest, while these are two units and something is won."""
    for _ in range(int((~joint[0].kept).sum())):
        unit, gain = _most_gain(joint)
        _sweep(joint, unit)
        cheapest, cost = _cheapest(joint)
        _sweep(joint, cheapest)
        if cheapest == unit or cost >= gain * (1 - 1e-9):
            return


def _cheapest(joint: list[Channel], units: np.ndarray | None = None) -> tuple[int, float]:
    """The kept unit, among the given ones, whose removal costs least, and its cost."""
    units = np.flatnonzero(joint[0].kept) if units is None else units
    changes = np.sum([channel.change(units) for channel in joint], axis=0)
    return int(units[changes.argmin()]), float(changes.min())


def _most_gain(joint: list[Channel]) -> tuple[int, float]:
    """The unit that is out and would gain most, and its gain."""
    units = np.flatnonzero(~joint[0].kept)
    changes = np.sum([channel.change(units) for channel in joint], axis=0)
    return int(units[changes.argmax()]), float(changes.max())


def _sweep(joint: list[Channel], units: int | np.ndarray) -> None:
    for channel in joint:
        channel.sweep(units)


def _in_bits(ranking: Ranking) -> Ranking:
    """Nats as bits."""
    bits = np.log(2)
    return Ranking(ranking.order, ranking.cost / bits, "bits", ranking.redundancy / bits)


def _inverse(covariance: np.ndarray) -> np.ndarray:
    """Of a covariance that is ``ridged``. Where sums in single precision over thousands of features left it indefinite,
    its lowest eigenvalues are raised to the ridge, below which those of exact sums cannot lie."""
    factor, failed = POTRF(covariance, lower=True)
    if failed:
        values, vectors = np.linalg.eigh(covariance)
        return (vectors / values.clip(min=RIDGE * np.diag(covariance).mean())) @ vectors.T
    lower, _ = POTRI(factor, lower=True)
    lower = np.tril(lower)
    return lower + np.tril(lower, -1).T


def _square_root(matrix: np.ndarray) -> np.ndarray:
    """M^(1/2) of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
