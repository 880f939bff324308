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
    layer, moments = small.weighted(name), ridged(statistics.covariance(name))
    sketch = statistics.sketches.get(name)
    weight, mean = statistics.weights(name)[rows], statistics.mean(name)
    lost = np.setdiff1d(np.arange(weight.shape[1]), kept)
    missing = weight[:, lost] @ (sketch.mean if sketch else mean)[lost]
    weight, places = (sketch.weights(weight), sketch.of(kept)) if sketch else (weight, kept)
    gone = np.setdiff1d(np.arange(len(mean)), places)
    if layer.bias is None:
        moments = moments + np.outer(mean, mean)
    shares = np.linalg.solve(moments[np.ix_(places, places)], moments[np.ix_(places, gone)])
    added = weight[:, gone] @ shares.T
    with torch.no_grad():
        if layer.bias is not None:
            layer.bias.add_(torch.as_tensor(missing - added @ mean[places]).to(layer.bias))
        matrix = weight_matrix(layer)
        added = sketch.spread(added, kept) if sketch else added
        write_matrix(layer, matrix + torch.as_tensor(added).to(matrix))
