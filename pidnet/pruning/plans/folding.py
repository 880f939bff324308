"""The fold in closed form, from statistics that are there already: no run of the network."""

from __future__ import annotations

import numpy as np
import torch

from pidnet.networks.linear_map import features, weight_matrix, write_matrix
from pidnet.pruning.criteria.pid import ridged
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.structure.groups import UnitsByLayer
from pidnet.pruning.structure.network import CuttableNetwork


def folded(statistics: CalibrationStatistics, units: UnitsByLayer) -> CuttableNetwork:
    """The network without these units, with their regression on the kept ones added to the layers that read them."""
    units = {name: indices for name, indices in units.items() if len(indices)}
    dense = statistics.network
    consumers = dense.consumers(units)
    statistics.prefetch(consumers)
    small = dense.without(units)
    for name in consumers:
        columns, rows = dense.left_of(name, units)
        _fold(statistics, small, name, features(dense.weighted(name), columns), rows)
    return small


def _fold(
    statistics: CalibrationStatistics, small: CuttableNetwork, name: str, kept: np.ndarray, rows: np.ndarray
) -> None:
    """The regression on the kept features, through the origin where the layer has no bias."""
    layer, mean = small.weighted(name), statistics.mean(name)
    moments = ridged(statistics.covariance(name))
    if layer.bias is None:
        moments = moments + np.outer(mean, mean)
    gone = np.setdiff1d(np.arange(len(mean)), kept)
    weight = statistics.weights(name)[rows]
    shares = np.linalg.solve(moments[np.ix_(kept, kept)], moments[np.ix_(kept, gone)])
    added = weight[:, gone] @ shares.T
    with torch.no_grad():
        matrix = weight_matrix(layer)
        write_matrix(layer, matrix + torch.as_tensor(added).to(matrix))
        if layer.bias is not None:
            offset = weight[:, gone] @ mean[gone] - added @ mean[kept]
            layer.bias.add_(torch.as_tensor(offset).to(layer.bias))
