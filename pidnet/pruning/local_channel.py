"""The information about the network's output that goes with a unit when the others take over what they can.

Source 1 is the unit, source 2 the units of its layer that stay, the target what the network puts out. In
the local Gaussian channel around the trained network, removing unit j and repairing optimally costs to second
order

    KL(dense || pruned) = 1/2 w_j^T M w_j / [C^-1]_jj   nats,

with C the covariance of the inputs of the next layer, w_j the weights on unit j after the repairs so far, and
M the Fisher information of the output about the next layer's pre-activations. 1 / [C^-1]_jj is the variance
of unit j given the others: the cost is its unique plus synergistic information with respect to the whole
kept set. With M = identity this is the optimal brain surgeon on activations (Hassibi & Stork 1993; Frantar &
Alistarh 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pidnet.pruning.evidence import Evidence
from pidnet.pruning.ranking import Ranking

RIDGE = 1e-4


def pid(evidence: Evidence, layer: str, *, temperature: float = 1.0) -> Ranking:
    """Backward elimination by unique + synergistic information about the output, bits per sample.

    temperature: of the softmax that makes the target from the scores, see ``Evidence.fisher``.
    """
    return _in_bits(_eliminate(_channels(evidence, layer, temperature)))


def priced(evidence: Evidence, layer: str, order: Sequence[int]) -> Ranking:
    """What it costs, in bits, to remove units in the given order: the costs of ``pid`` for another's choice."""
    return _in_bits(_eliminate(_channels(evidence, layer, 1.0), order))


def obs(evidence: Evidence, layer: str) -> Ranking:
    """Backward elimination by the squared error of the next pre-activations after the best repair."""
    ranking = _eliminate([_Channel.of(evidence, layer, c, None) for c in evidence.outgoing(layer)])
    return Ranking(ranking.order, ranking.cost)


@dataclass(eq=False)
class _Channel:
    """One consumer of the layer's units; removing a unit updates ``weight`` and ``inverse`` in place.

    weight: (output, feature), already multiplied by M^(1/2). inverse: C^-1, (feature, feature).
    owned: int (unit, feature), the features of each unit. covariance: C of the features.
    """

    weight: np.ndarray
    inverse: np.ndarray
    owned: np.ndarray
    covariance: np.ndarray

    @staticmethod
    def of(evidence: Evidence, layer: str, consumer: str, factor: np.ndarray | None) -> _Channel:
        weight = evidence.weights(consumer)
        if factor is not None:
            weight = _square_root(factor) @ weight
        covariance = ridged(evidence.covariance(consumer))
        owned = evidence.owned(layer, consumer)
        return _Channel(weight.copy(), np.linalg.inv(covariance), owned, covariance)

    def alone(self, unit: int) -> float:
        """1/2 tr(V_j C_jj V_j^T): what the unit says when no other unit says anything."""
        own = self.owned[unit]
        columns = self.weight[:, own]
        return float(0.5 * np.einsum("of,fg,og->", columns, self.covariance[np.ix_(own, own)], columns))

    def costs(self, units: np.ndarray) -> np.ndarray:
        """1/2 tr(V_j C_j V_j^T) with C_j = ([C^-1]_jj)^-1, for each of the units, (unit,)."""
        own = self.owned[units]
        blocks = self.inverse[own[:, :, None], own[:, None, :]]
        columns = self.weight[:, own].transpose(1, 2, 0)
        return 0.5 * np.einsum("ufo,ufo->u", columns, np.linalg.solve(blocks, columns))

    def remove(self, unit: int) -> None:
        """Fold the unit into the ones that are left."""
        own = self.owned[unit]
        carry = np.linalg.solve(self.inverse[np.ix_(own, own)], self.inverse[own])
        self.weight -= self.weight[:, own] @ carry
        self.inverse -= self.inverse[:, own] @ carry


def _channels(evidence: Evidence, layer: str, temperature: float) -> list[_Channel]:
    return [
        _Channel.of(evidence, layer, consumer, evidence.fisher(consumer, temperature))
        for consumer in evidence.outgoing(layer)
    ]


def _in_bits(ranking: Ranking) -> Ranking:
    """Nats as bits."""
    redundancy = np.array(ranking.redundancies, float) / np.log(2)
    return Ranking(ranking.order, ranking.cost / np.log(2), "bits", redundancy)


def ridged(covariance: np.ndarray) -> np.ndarray:
    """The covariance plus ``RIDGE`` times its mean variance on the diagonal: invertible, also with dead units
    and with fewer samples than units."""
    variances = np.diag(covariance)
    return covariance + (RIDGE * variances.mean() + np.finfo(float).tiny) * np.eye(len(variances))


def _eliminate(channels: list[_Channel], order: Sequence[int] | None = None) -> Ranking:
    """Remove the cheapest unit again and again, or the units of a given order."""
    left = np.arange(len(channels[0].owned))
    gone, cost, redundancy = [], [], []
    for step in range(len(left) if order is None else len(order)):
        costs = np.sum([channel.costs(left) for channel in channels], axis=0)
        place = int(costs.argmin()) if order is None else int(np.flatnonzero(left == order[step])[0])
        unit = int(left[place])
        gone.append(unit)
        cost.append(costs[place])
        redundancy.append(max(0.0, sum(channel.alone(unit) for channel in channels) - costs[place]))
        for channel in channels:
            channel.remove(unit)
        left = np.delete(left, place)
    return Ranking(np.array(gone, int), np.array(cost), redundancy=np.array(redundancy))


def _square_root(matrix: np.ndarray) -> np.ndarray:
    """M^(1/2) of a positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
