"""Who takes over what a unit did: the kept units that it is predicted by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pidnet.networks.linear_map import feature_count
from pidnet.pruning.criteria.pid import ridged
from pidnet.pruning.criteria.statistics import CalibrationStatistics

MOST_FEATURES = 4096


def substitutes(
    statistics: CalibrationStatistics, layer: str, removed: Sequence[int], kept: np.ndarray, most: int = 3
) -> list[tuple[tuple[int, float], ...]]:
    """For each unit that goes, the kept units with the largest standardized weights in its regression, and their
    shares; none for a dead unit or where all go, which nobody replaces, and none before a consumer of very many features."""
    consumer = statistics.consumers(layer)[0]
    if not removed or not len(kept) or feature_count(statistics.network.weighted(consumer)) > MOST_FEATURES:
        return [()] * len(removed)
    (_, owned), covariance = statistics.link(layer, consumer), ridged(statistics.covariance(consumer))
    inputs, outputs = owned[kept].ravel(), owned[removed].ravel()
    weight = np.linalg.solve(covariance[np.ix_(inputs, inputs)], covariance[np.ix_(inputs, outputs)])
    strength = np.abs(weight) * np.sqrt(np.diag(covariance)[inputs])[:, None]
    share = strength.reshape(len(kept), owned.shape[1], len(removed), -1).sum((1, 3))
    share = (share / share.sum(0).clip(min=np.finfo(float).tiny)).round(4)
    best = np.argsort(-share, axis=0, kind="stable")[:most]
    return [
        tuple((int(kept[k]), float(share[k, column])) for k in best[:, column] if share[k, column])
        for column in range(len(removed))
    ]
