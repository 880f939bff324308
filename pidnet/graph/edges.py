"""Layer maps -> graphs."""

from __future__ import annotations

from typing import Any

import networkx
import numpy as np

from pidnet.arguments import check_arguments
from pidnet.graph.arrays import NEIGHBORS, redundancy_edges, weight_of
from pidnet.graph.kinds import RedundancyGraph, ReplacementGraph
from pidnet.maps import LayerMap, StoredMap
from pidnet.measures.blackwell import dominates

MOST_EDGES = 1_000_000
BYTES_AN_EDGE = 550  # of networkx, measured


def redundancy_graph(
    layer_map: LayerMap | StoredMap,
    *,
    alpha: float | None = 0.05,
    minimum_weight: float | None = None,
    neighbors: int = NEIGHBORS,
) -> RedundancyGraph:
    """The units of a layer, joined where they are redundant about the target.

    Parameters
    ----------
    layer_map : LayerMap or StoredMap
        The map of the layer.
    alpha : float, optional
        False-discovery rate of the edges, where the map has p-values of the redundancy. None joins every pair
        with redundancy or synergy.
    minimum_weight : float, optional
        Lighter edges are left out, 0 to 1; 0 keeps all that are significant. By default a significant edge is kept
        where its weight is at least 1/2, or where it is one of the heaviest of either of its units.
    neighbors : int
        How many of the heaviest edges of each unit those are.

    Returns
    -------
    RedundancyGraph
        A ``networkx.Graph``. Nodes are the units, with ``unit_information`` in bits. Edges carry ``redundancy`` and
        ``synergy`` in bits and ``weight``; where the map tests an atom, ``p_redundancy`` and ``q_redundancy``
        (``p_synergy``, ``q_synergy``) as well: its p-value, and the false-discovery rate at which it is
        significant. The graph itself carries layer, measure, and how many pairs were tested and were significant.

    Raises
    ------
    ValueError
        For minimum_weight or alpha outside [0, 1], a negative number of neighbors, or more than a million edges, which
        ``redundancy_edges`` keeps as arrays.

    Notes
    -----
    weight = R / I(Y;X1X2), the share of the information of the pair that both units carry. The rates are those
    of Benjamini & Hochberg over all pairs of the layer. In a trained layer nearly all pairs are significant: any
    two informed units share something. What is strong beside that is a choice, and this one is stated.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (400, 2), generator=torch.Generator().manual_seed(0))
    >>> twice = torch.cat([x, x[:, :1]], 1).float()  # unit 2 is unit 0 again
    >>> acts = pn.Activations({"fc1": twice}, x[:, 0], {"fc1": "none"})
    >>> pn.redundancy_graph(pn.layer_maps(pn.quantize(acts, 2))["fc1"]).edges
    EdgeView([(0, 2)])
    """
    check_arguments(redundancy_graph, locals())
    edges = redundancy_edges(layer_map, alpha=alpha, minimum_weight=minimum_weight, neighbors=neighbors)
    if len(edges.pairs) > MOST_EDGES:
        raise ValueError(
            f"{len(edges.pairs):,} edges are {len(edges.pairs) * BYTES_AN_EDGE / 1e9:.1f} GB as a graph of networkx; "
            "redundancy_edges keeps them as arrays, and its graph() makes the graph all the same"
        )
    return edges.graph()


def replacement_graph(
    layer_map: LayerMap, *, tolerance: float = 0.01, alpha: float = 0.05
) -> ReplacementGraph:
    """Which unit can replace which: an edge from a unit to each unit that can stand in for it.

    Parameters
    ----------
    layer_map : LayerMap
        The map of the layer.
    tolerance : float
        Bits of unique information that may be lost.
    alpha : float
        False-discovery rate at which both units carry information, where the map tests that.

    Returns
    -------
    ReplacementGraph
        A ``networkx.DiGraph``. Nodes are the units, with ``unit_information`` in bits. Edges carry ``cost``: the bits
        that are unique to the replaced unit, at most ``tolerance`` plus the gap of the pair; of a map with intervals
        also ``cost_high``, the upper end of their interval, and then that is what is within the tolerance.

    Raises
    ------
    ValueError
        For a tolerance that is negative or not a number, or alpha outside (0, 1).

    Notes
    -----
    The relation of ``pidnet.dominates``, which takes atoms, over the units of a layer. With I_BROJA it is
    Blackwell's order about the target; with a measure of amounts (I_min, I_mmi) an edge only means that the
    unit carries no more bits.

    A unit without information can be replaced by any other, which is no finding. Such units are nodes without edges:
    both units of an edge are informed by the p-values of the map; of a map without them, their information is above
    its noise floor, or above 0 where it has none.

    Without intervals an edge is an estimate; with them it is a test, in which few edges but those of near copies
    pass while samples are few.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (400, 2), generator=torch.Generator().manual_seed(0))
    >>> twice = torch.cat([x, x[:, :1]], 1).float()  # unit 2 is unit 0 again
    >>> acts = pn.Activations({"fc1": twice}, x[:, 0] * 2 + x[:, 1], {"fc1": "none"})
    >>> pn.replacement_graph(pn.layer_maps(pn.quantize(acts, 2))["fc1"]).edges
    OutEdgeView([(0, 2), (2, 0)])
    """
    check_arguments(replacement_graph, locals())
    first_replaces, second_replaces = dominates(layer_map.atoms, tolerance=tolerance).T
    informed = informed_pairs(layer_map, alpha)
    graph = ReplacementGraph(**_about(layer_map), tolerance=tolerance, tested=bool(layer_map.intervals))
    _add_units(graph, layer_map)
    of_second, of_first = (_costs(layer_map, name) for name in ("unique2", "unique1"))
    within = tolerance + layer_map.atoms.gap
    if layer_map.intervals:
        first_replaces = first_replaces & (of_second["cost_high"] <= within)
        second_replaces = second_replaces & (of_first["cost_high"] <= within)
    _add_edges(graph, layer_map.pairs[:, ::-1], of_second, first_replaces & informed)
    _add_edges(graph, layer_map.pairs, of_first, second_replaces & informed)
    return graph


def informed_pairs(layer_map: LayerMap, alpha: float = 0.05) -> np.ndarray:
    """Pairs of which both units carry information about the target.

    Parameters
    ----------
    layer_map : LayerMap
        The map of the layer.
    alpha : float
        False-discovery rate, where the map tests the redundancy.

    Returns
    -------
    ndarray of bool, (pair,)
        By the p-values of the map; without them, by information above the noise floor, or above 0.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"layer": [[0, 0], [0, 1], [1, 0], [1, 1]] * 10}, [0, 0, 1, 1] * 10)
    >>> pn.graph.informed_pairs(pn.layer_maps(codes)["layer"])
    array([False])
    """
    check_arguments(informed_pairs, locals())
    if "redundancy" in layer_map.p_values:
        return layer_map.significant("redundancy", alpha)
    floor = layer_map.noise_floor
    least = floor["redundancy"] + max(floor["unique1"], floor["unique2"]) if floor else 0.0
    return np.minimum(layer_map.atoms.information1, layer_map.atoms.information2) > least


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
    check_arguments(pair_weights, locals())
    return weight_of(layer_map.atoms)


def _costs(layer_map: LayerMap, name: str) -> dict[str, np.ndarray]:
    """The unique information of one side, with the upper end of its interval where there is one."""
    high = {"cost_high": layer_map.intervals[name][:, 1]} if layer_map.intervals else {}
    return {"cost": getattr(layer_map.atoms, name), **high}


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
