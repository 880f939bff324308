"""Criteria that look at how units depend on each other and on the label, for comparison."""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr

from pidnet.codes import quantize
from pidnet.pruning.criteria.ranking import Ranking, in_order
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.tables import shannon


def correlation(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Of the two most correlated units that are left, the one that varies less goes; cost: 1 - |r|."""
    values = statistics.activations.layers[layer].double().cpu().numpy()
    deviation = values.std(0)
    standard = (values - values.mean(0)) / np.maximum(deviation, np.finfo(float).tiny)
    similar = np.abs(standard.T @ standard) / len(values)
    np.fill_diagonal(similar, -1)
    # A constant unit carries no information and goes first.
    similar[deviation == 0] = 2
    order, cost = [], []
    left = np.ones(len(similar), bool)
    while left.sum() > 1:
        closest = np.where(left[:, None] & left, similar, -2).max(1)
        candidates = np.flatnonzero(left & (closest >= closest[left].max()))
        unit = candidates[deviation[candidates].argmin()]
        order.append(unit)
        cost.append(1 - closest[unit])
        left[unit] = False
    return in_order([*order, int(left.argmax())], [*cost, 1.0], len(left))


def mrmr(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Units in the order of greedy choice by I(X;Y) minus the mean I(X;X_k) with the chosen ones, bits; the
    one chosen last goes first (Peng et al. 2005, minimum redundancy maximum relevance)."""
    codes = quantize(statistics.one_layer(layer), how="zero_level")
    onehot = np.eye(codes.levels)[codes.layer(layer).values.cpu().numpy()]
    relevance = _mutual_information(onehot, np.eye(len(codes.classes))[codes.target.cpu().numpy()][:, None])[
        :, 0
    ]
    shared = _mutual_information(onehot, onehot)
    chosen: list[int] = []
    gains = []
    total = np.zeros(len(relevance))
    for count in range(len(relevance)):
        gain = relevance - total / max(1, count)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        gains.append(gain.max())
        total += shared[:, chosen[-1]]
    return in_order(chosen[::-1], gains[::-1], len(relevance))


def _mutual_information(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """I(A;B) of all pairs of one-hot variables (sample, variable, level), bits, (variable of a, of b)."""
    joint = np.tensordot(a, b, axes=(0, 0)).transpose(0, 2, 1, 3) / len(a)
    return shannon.mutual_information(joint.reshape(-1, *joint.shape[2:])).reshape(joint.shape[:2])


def pivoted_qr(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Interpolative decomposition: pivoted QR of the units' activations, done on their covariance; the unit
    picked last goes first. Cost: the variance that the ones picked before leave it
    (Chee et al. 2022, arXiv:2108.00065)."""
    covariance = np.sum([_unit_covariance(statistics, layer, c) for c in statistics.consumers(layer)], axis=0)
    variance, axes = np.linalg.eigh(covariance)
    root = np.sqrt(variance.clip(0))[:, None] * axes.T  # root.T @ root is the covariance
    r, order = qr(root, mode="r", pivoting=True)
    return in_order(order[::-1].tolist(), (np.diag(r)[::-1] ** 2).tolist(), len(order))


def _unit_covariance(statistics: CalibrationStatistics, layer: str, consumer: str) -> np.ndarray:
    """Covariance of the units, summed over the features that belong to one unit, (unit, unit)."""
    _, owned = statistics.link(layer, consumer)
    return sum(statistics.covariance(consumer)[np.ix_(own, own)] for own in owned.T)
