"""Layer maps -> graphs."""

from __future__ import annotations

from typing import Any

import networkx
import numpy as np
from scipy.stats import false_discovery_control

from pidnet.graph.kinds import RedundancyGraph, ReplacementGraph
from pidnet.maps import LayerMap
from pidnet.measures.blackwell import dominates


def redundancy_graph(
    layer_map: LayerMap, *, alpha: float | None = 0.05, minimum_weight: float = 0.0
) -> RedundancyGraph:
    """The units of a layer, joined where they are redundant about the target.

    Parameters
    ----------
    layer_map : LayerMap
        The map of the layer.
    alpha : float, optional
        False-discovery rate of the edges, where the map has p-values of the redundancy. None joins every pair
        with redundancy or synergy.
    minimum_weight : float
        Lighter edges are left out, 0 to 1.

    Returns
    -------
    RedundancyGraph
        A ``networkx.Graph``. Nodes are the units, with ``unit_information`` in bits. Edges carry ``redundancy`` and
        ``synergy`` in bits and ``weight``; where the map tests an atom, ``p_redundancy`` and ``q_redundancy``
        (``p_synergy``, ``q_synergy``) as well: its p-value, and the false-discovery rate at which it is
        significant. The graph itself carries layer, measure and how many pairs were tested.

    Raises
    ------
    ValueError
        For minimum_weight or alpha outside [0, 1].

    Notes
    -----
    weight = R / I(Y;X1X2), the share of the information of the pair that both units carry. The rates are those
    of Benjamini & Hochberg over all pairs of the layer.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (400, 2), generator=torch.Generator().manual_seed(0))
    >>> twice = torch.cat([x, x[:, :1]], 1).float()  # unit 2 is unit 0 again
    >>> acts = pn.Activations({"fc1": twice}, x[:, 0], {"fc1": "none"})
    >>> pn.redundancy_graph(pn.layer_maps(pn.quantize(acts, 2))["fc1"]).edges
    EdgeView([(0, 2)])
    """
    if not 0 <= minimum_weight <= 1:
        raise ValueError(f"minimum_weight={minimum_weight}; expected a share between 0 and 1")
    tested = alpha is not None and "redundancy" in layer_map.p_values
    atoms, weight = layer_map.atoms, pair_weights(layer_map)
    together = (atoms.redundancy > 0) | (atoms.synergy > 0)
    joined = layer_map.significant("redundancy", alpha) if tested else together
    columns = {"redundancy": atoms.redundancy, "synergy": atoms.synergy, "weight": weight}
    for atom in ("redundancy", "synergy"):
        if atom in layer_map.p_values:
            p_values = layer_map.p_values[atom]
            columns |= {f"p_{atom}": p_values, f"q_{atom}": false_discovery_control(p_values)}
    graph = RedundancyGraph(**_about(layer_map), tested=len(layer_map.pairs) if tested else 0)
    _add_units(graph, layer_map)
    _add_edges(graph, layer_map.pairs, columns, joined & (weight >= minimum_weight))
    return graph


def replacement_graph(layer_map: LayerMap, *, tolerance: float = 0.01) -> ReplacementGraph:
    """Which unit can replace which: an edge from a unit to each unit that can stand in for it.

    Parameters
    ----------
    layer_map : LayerMap
        The map of the layer.
    tolerance : float
        Bits of unique information that may be lost.

    Returns
    -------
    ReplacementGraph
        A ``networkx.DiGraph``. Nodes are the units, with ``unit_information`` in bits. Edges carry ``cost``: the bits
        that are unique to the replaced unit, at most ``tolerance`` plus the gap of the pair.

    Raises
    ------
    ValueError
        For a tolerance that is negative or not a number.

    Notes
    -----
    The relation of ``pidnet.dominates``, which takes atoms, over the units of a layer. With I_BROJA it is
    Blackwell's order about the target; with a measure of amounts (I_min, I_mmi) an edge only means that the
    unit carries no more bits.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (400, 2), generator=torch.Generator().manual_seed(0))
    >>> twice = torch.cat([x, x[:, :1]], 1).float()  # unit 2 is unit 0 again
    >>> acts = pn.Activations({"fc1": twice}, x[:, 0] * 2 + x[:, 1], {"fc1": "none"})
    >>> pn.replacement_graph(pn.layer_maps(pn.quantize(acts, 2))["fc1"]).edges
    OutEdgeView([(0, 2), (2, 0)])
    """
    first_replaces, second_replaces = dominates(layer_map.atoms, tolerance=tolerance).T
    graph = ReplacementGraph(**_about(layer_map), tolerance=tolerance)
    _add_units(graph, layer_map)
    pairs, atoms = layer_map.pairs, layer_map.atoms
    _add_edges(graph, pairs[:, ::-1], {"cost": atoms.unique2}, first_replaces)
    _add_edges(graph, pairs, {"cost": atoms.unique1}, second_replaces)
    return graph


def pair_weights(layer_map: LayerMap) -> np.ndarray:
    """The share of a pair's information that is redundant.

    Parameters
    ----------
    layer_map : LayerMap
        The atoms of all pairs.

    Returns
    -------
    ndarray
        R / I(Y;X1X2) of each pair, (pair,), between 0 and 1; 0 where the pair carries no information.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"layer": [[0, 0], [0, 0], [1, 1], [1, 1]] * 10}, [0, 0, 1, 1] * 10)
    >>> pn.graph.pair_weights(pn.layer_maps(codes, "i_mmi", correction="none", null="none")["layer"])
    array([1.])
    """
    total = layer_map.atoms.total
    share = np.divide(layer_map.atoms.redundancy, total, out=np.zeros_like(total), where=total > 0)
    return share.clip(0, 1)


def _about(layer_map: LayerMap) -> dict[str, Any]:
    return {"layer": layer_map.layer, "measure": layer_map.measure}


def _add_units(graph: networkx.Graph, layer_map: LayerMap) -> None:
    """The units of a map with the information of each."""
    rows = zip(layer_map.units.tolist(), layer_map.unit_information.tolist(), strict=True)
    graph.add_nodes_from((unit, {"unit_information": bits}) for unit, bits in rows)


def _add_edges(
    graph: networkx.Graph, pairs: np.ndarray, columns: dict[str, np.ndarray], chosen: np.ndarray
) -> None:
    """An edge for each chosen pair, with what the columns hold of it."""
    rows = zip(*(values[chosen].tolist() for values in columns.values()), strict=True)
    for (i, j), row in zip(pairs[chosen].tolist(), rows, strict=True):
        graph.add_edge(i, j, **dict(zip(columns, row, strict=True)))
