"""Stage 7: a layer map as a graph over its units."""

from __future__ import annotations

import networkx
import numpy as np

from pidnet.maps import LayerMap


def redundancy_graph(map: LayerMap, *, minimum_weight: float = 0.0) -> networkx.Graph:
    """The units of a layer, joined where they are redundant about the target.

    Nodes are the units, with ``information`` = I(Y;X) in bits. Edges carry ``redundancy`` and ``synergy`` in
    bits and ``weight`` = R / I(Y;X1X2), the share of what the pair knows that both units know. Pairs with a
    weight below ``minimum_weight``, or with neither redundancy nor synergy, have no edge. The graph itself
    names its layer and measure.
    Raises ValueError when minimum_weight is outside [0, 1].
    """
    if not 0 <= minimum_weight <= 1:
        raise ValueError(f"minimum_weight={minimum_weight}; expected a share between 0 and 1")
    weight = pair_weights(map)
    edges = np.flatnonzero(
        ((map.atoms.redundancy > 0) | (map.atoms.synergy > 0)) & (weight >= minimum_weight)
    )
    graph = networkx.Graph(layer=map.layer, measure=map.measure)
    graph.add_nodes_from(
        (unit, {"information": bits})
        for unit, bits in zip(map.units.tolist(), map.information.tolist(), strict=True)
    )
    columns = (*map.pairs[edges].T, map.atoms.redundancy[edges], map.atoms.synergy[edges], weight[edges])
    graph.add_edges_from(
        (i, j, {"redundancy": redundancy, "synergy": synergy, "weight": share})
        for i, j, redundancy, synergy, share in zip(*(c.tolist() for c in columns), strict=True)
    )
    return graph


def pair_weights(map: LayerMap) -> np.ndarray:
    """R / I(Y;X1X2) of each pair, (pair,); 0 where the pair knows nothing."""
    total = map.atoms.total
    return np.divide(map.atoms.redundancy, total, out=np.zeros_like(total), where=total > 0)
