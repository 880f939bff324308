"""Stage 7: a layer map as a graph over its units."""

from __future__ import annotations

import json
from pathlib import Path

import networkx
import numpy as np
from scipy.stats import false_discovery_control

from pidnet.files import replacing, write_text
from pidnet.maps import LayerMap
from pidnet.measures.blackwell import dominates


def redundancy_graph(
    map: LayerMap, *, alpha: float | None = 0.05, minimum_weight: float = 0.0
) -> networkx.Graph:
    """The units of a layer, joined where they are redundant about the target.

    Nodes are the units, with ``unit_information`` = I(Y;X) in bits. Edges carry ``redundancy`` and ``synergy`` in
    bits and ``weight`` = R / I(Y;X1X2), the share of what the pair knows that both units know; where the map
    tests an atom, ``p_redundancy`` and ``q_redundancy`` (``p_synergy``, ``q_synergy``) as well: its p-value, and
    the false-discovery rate at which it is significant (Benjamini-Hochberg over all pairs of the layer).
    alpha: the false-discovery rate of the edges, where the map has p-values of the redundancy; None
    joins every pair with redundancy or synergy. minimum_weight: lighter edges are left out.
    The graph itself names its layer, its measure and how many pairs were tested.
    Raises ValueError when minimum_weight or alpha is outside [0, 1].
    """
    if not 0 <= minimum_weight <= 1:
        raise ValueError(f"minimum_weight={minimum_weight}; expected a share between 0 and 1")
    tested = alpha is not None and "redundancy" in map.p_values
    together = (map.atoms.redundancy > 0) | (map.atoms.synergy > 0)
    joined = map.significant("redundancy", alpha) if tested else together
    weight = pair_weights(map)
    edges = np.flatnonzero(joined & (weight >= minimum_weight))
    graph = _units(networkx.Graph, map, tested=len(map.pairs) if tested else 0)
    columns = {"redundancy": map.atoms.redundancy, "synergy": map.atoms.synergy, "weight": weight}
    for atom in ("redundancy", "synergy"):
        if atom in map.p_values:
            p_values = map.p_values[atom]
            columns |= {f"p_{atom}": p_values, f"q_{atom}": false_discovery_control(p_values)}
    rows = zip(*(values[edges].tolist() for values in columns.values()), strict=True)
    for (i, j), row in zip(map.pairs[edges].tolist(), rows, strict=True):
        graph.add_edge(i, j, **dict(zip(columns, row, strict=True)))
    return graph


def replacement_graph(map: LayerMap, *, tolerance: float = 0.01) -> networkx.DiGraph:
    """Who can stand in for whom: an edge from a unit to each unit that can replace it.

    Edges carry ``cost``, the bits that are unique to the replaced unit: at most ``tolerance`` plus the gap of
    the pair. With I_BROJA this is Blackwell's order about the target, see ``dominates``.
    """
    first_replaces, second_replaces = dominates(map.atoms, tolerance=tolerance).T
    graph = _units(networkx.DiGraph, map, tolerance=tolerance)
    (i, j), atoms = map.pairs.T, map.atoms
    for replaced, by, lost, holds in (
        (j, i, atoms.unique2, first_replaces),
        (i, j, atoms.unique1, second_replaces),
    ):
        rows = zip(replaced[holds].tolist(), by[holds].tolist(), lost[holds].tolist(), strict=True)
        graph.add_edges_from((unit, other, {"cost": bits}) for unit, other, bits in rows)
    return graph


def communities(graph: networkx.Graph, *, seed: int = 0) -> list[list[int]]:
    """Groups of units that are redundant with one another, largest first: Louvain on the edge weights.

    Source: Blondel, Guillaume, Lambiotte & Lefebvre 2008 (arXiv:0803.0476), through networkx.
    """
    groups = networkx.community.louvain_communities(graph, weight="weight", seed=seed)
    return sorted((sorted(group) for group in groups), key=lambda group: (-len(group), group))


def pair_weights(map: LayerMap) -> np.ndarray:
    """R / I(Y;X1X2) of each pair, (pair,), between 0 and 1; 0 where the pair knows nothing."""
    total = map.atoms.total
    share = np.divide(map.atoms.redundancy, total, out=np.zeros_like(total), where=total > 0)
    return share.clip(0, 1)


def save_graph(graph: networkx.Graph, path: str | Path) -> Path:
    """Write a graph as .graphml, or as node-link .json, by the ending of the path; returns the path.

    Raises ValueError for another ending.
    """
    path = Path(path)
    match path.suffix:
        case ".graphml":
            with replacing(path) as temporary:
                networkx.write_graphml(graph, temporary)
        case ".json":
            write_text(path, json.dumps(networkx.node_link_data(graph, edges="edges")))
        case _:
            raise ValueError(f"{path} ends in {path.suffix!r}; expected .graphml or .json")
    return path


def load_graph(path: str | Path) -> networkx.Graph:
    """The graph that ``save_graph`` wrote. Raises ValueError for another ending than .graphml or .json."""
    path = Path(path)
    match path.suffix:
        case ".graphml":
            return networkx.read_graphml(path, node_type=int)
        case ".json":
            return networkx.node_link_graph(json.loads(path.read_text(encoding="utf-8")), edges="edges")
        case _:
            raise ValueError(f"{path} ends in {path.suffix!r}; expected .graphml or .json")


def _units(kind: type, map: LayerMap, **attributes):
    """A graph without edges: the units of the map and what each knows."""
    graph = kind(layer=map.layer, measure=map.measure, **attributes)
    graph.add_nodes_from(
        (unit, {"unit_information": bits})
        for unit, bits in zip(map.units.tolist(), map.unit_information.tolist(), strict=True)
    )
    return graph
