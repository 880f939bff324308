"""The fold in closed form, from statistics that are there already: no run of the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from scipy.linalg import solve

from pidnet.networks.linear_map import features, weight_matrix, write_matrix
from pidnet.pruning.criteria.pid import ridged
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.structure.groups import UnitsByLayer
from pidnet.pruning.structure.network import CuttableNetwork


class Regression(NamedTuple):
    """What a layer gains, for its lost features, in the weights on the kept ones (output, feature) and the bias (output,)."""

    kept: np.ndarray
    weight: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, eq=False)
class Folder:
    """Folds cuts of one network. Each layer's last regression is remembered: most layers are alike in two cuts."""

    statistics: CalibrationStatistics
    _last: dict[str, Regression] = field(default_factory=dict)

    def folded(self, units: UnitsByLayer) -> CuttableNetwork:
        """The network without these units, with their regression on the kept ones added to the layers that read them; the
        rest of it is the dense one's and must not be changed."""
        units = {name: indices for name, indices in units.items() if len(indices)}
        dense = self.statistics.network
        consumers = dense.consumers(units)
        self.statistics.prefetch(consumers)
        small = dense.without(units, shared=True)
        for name in consumers:
            columns, rows = dense.left_of(name, units)
            self._fold(small, name, features(dense.weighted(name), columns), rows)
        return small

    @torch.no_grad()
    def _fold(self, small: CuttableNetwork, name: str, kept: np.ndarray, rows: np.ndarray) -> None:
        last = self._last.get(name)
        if last is None or not np.array_equal(last.kept, kept):
            last = self._last[name] = regression(self.statistics, name, kept)
        layer = small.weighted(name)
        if layer.bias is not None:
            layer.bias.add_(torch.as_tensor(last.bias[rows]).to(layer.bias))
        matrix = weight_matrix(layer)
        write_matrix(layer, matrix + torch.as_tensor(last.weight[rows]).to(matrix))


def regression(statistics: CalibrationStatistics, name: str, kept: np.ndarray) -> Regression:
    """Of a layer's lost features on the kept ones, through the origin where the layer has no bias."""
    moments, mean = ridged(statistics.covariance(name)), statistics.mean(name)
    sketch, weight = statistics.sketches.get(name), statistics.weights(name)
    lost = np.setdiff1d(np.arange(weight.shape[1]), kept)
    missing = weight[:, lost] @ (sketch.mean if sketch else mean)[lost]
    weight, places = (sketch.weights(weight), sketch.of(kept)) if sketch else (weight, kept)
    gone = np.setdiff1d(np.arange(len(mean)), places)
    if statistics.network.weighted(name).bias is None:
        moments = moments + np.outer(mean, mean)
    # The right-hand side is what the layer makes of the lost features: fewer columns than these.
    wanted = moments[np.ix_(places, gone)] @ weight[:, gone].T
    added = solve(moments[np.ix_(places, places)], wanted, assume_a="pos").T
    bias = missing - added @ mean[places]
    return Regression(kept, sketch.spread(added, kept) if sketch else added, bias)
