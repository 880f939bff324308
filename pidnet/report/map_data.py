"""A layer map as the page explores it: packed atoms, a drawing of the graph, and a card for each unit."""

from __future__ import annotations

from typing import Any

import networkx
import numpy as np

from pidnet.graph import pair_weights
from pidnet.maps import LayerMap
from pidnet.measures.blackwell import dominates
from pidnet.plots.drawing import cluster_units
from pidnet.report.encoding import pack, pack_logarithm

ATOMS = ("redundancy", "unique1", "unique2", "synergy")
TESTED = ("redundancy", "synergy")
# Finer than any estimate from samples: a page shows three decimals, the map in the run folder has all.
BITS = 0.0005
DECADES = 0.01
PARTNERS = 6
TOLERANCE = 0.01
DRAWN_NEIGHBORS = 2
HELD = -1


def explore(map: LayerMap) -> dict[str, Any]:
    """Everything that the page needs of one map. Pairs stand in the order of ``numpy.triu_indices``."""
    units = np.unique(map.pairs)
    square, upper = np.ix_(units, units), np.triu_indices(len(units), 1)
    redundant = _matrix(map, significant_redundancy(map) * map.atoms.redundancy, units)
    share = _matrix(map, pair_weights(map), units)
    return {
        "layer": map.layer,
        "measure": map.measure,
        "samples": map.samples,
        "units": units.tolist(),
        "similar": cluster_units(map).tolist(),
        "unit_information": np.round(map.unit_information[units], 5).tolist(),
        "atoms": {
            name: pack(map.matrix(name)[square][upper], BITS)
            for name in (("redundancy", "synergy") if _unique_follows(map) else ATOMS)
        },
        "gap": pack_logarithm(map.matrix("gap")[square][upper], DECADES),
        "intervals": {
            name: [pack(_matrix(map, ends, units)[upper], BITS) for ends in map.intervals[name].T]
            for name in ATOMS
            if name in map.intervals
        },
        "null": map.settings.get("null", "none"),
        "tests": {
            name: {
                "p": pack_logarithm(_matrix(map, map.p_values[name], units)[upper], DECADES),
                "significant": pack(_matrix(map, map.significant(name), units)[upper]),
            }
            for name in TESTED
            if name in map.p_values
        },
        "partners": _partners(redundant, share, units),
        "replacers": _replacers(map, units),
        "drawing": _draw(np.where(redundant > 0, share, 0)),
    }


def _unique_follows(map: LayerMap) -> bool:
    """Whether what only a unit knows is what it knows less the redundancy, as it is without some corrections."""
    return all(
        np.abs(map.unit_information[units] - map.atoms.redundancy - unique).max() < BITS / 2
        for units, unique in zip(map.pairs.T, (map.atoms.unique1, map.atoms.unique2), strict=True)
    )


def significant_redundancy(map: LayerMap) -> np.ndarray:
    """Which pairs are redundant beyond chance, bool (pair,); all with redundancy where nothing was tested."""
    return map.significant("redundancy") if "redundancy" in map.p_values else map.atoms.redundancy > 0


def _matrix(map: LayerMap, values: np.ndarray, units: np.ndarray) -> np.ndarray:
    """A symmetric matrix over the units that vary, 0 on the diagonal."""
    i, j = np.searchsorted(units, map.pairs).T
    matrix = np.zeros((len(units), len(units)))
    matrix[i, j] = matrix[j, i] = values
    return matrix


def _partners(redundant: np.ndarray, share: np.ndarray, units: np.ndarray) -> list[list]:
    """For each unit the ones it is most redundant with: [unit, bits, share of what the pair knows]."""
    best = np.argsort(-redundant, axis=1, kind="stable")[:, :PARTNERS]
    return [
        [[int(units[j]), round(row[j], 5), round(share[i, j], 4)] for j in best[i] if row[j] > 0]
        for i, row in enumerate(redundant)
    ]


def _replacers(map: LayerMap, units: np.ndarray) -> list[list]:
    """For each unit those that know all it knows up to ``TOLERANCE`` bits: [unit, bits lost], least first."""
    lost = np.full((len(units), len(units)), np.inf)
    i, j = np.searchsorted(units, map.pairs).T
    first, second = dominates(map.atoms, tolerance=TOLERANCE).T
    lost[j[first], i[first]] = map.atoms.unique2[first]
    lost[i[second], j[second]] = map.atoms.unique1[second]
    best = np.argsort(lost, axis=1, kind="stable")[:, :PARTNERS]
    return [
        [[int(units[j]), round(row[j], 5)] for j in best[i] if np.isfinite(row[j])]
        for i, row in enumerate(lost)
    ]


def _draw(weight: np.ndarray) -> dict[str, list]:
    """Positions of all units in a spring layout of the heaviest edges of each, and these edges by weight.

    Units without an edge stand in rows below.
    """
    graph = networkx.Graph()
    for i, row in enumerate(weight):
        for j in np.argsort(-row, kind="stable")[:DRAWN_NEIGHBORS]:
            if row[j] > 0:
                graph.add_edge(i, int(j), weight=float(row[j]))
    rounds = 150 if len(graph) <= 300 else 50
    # Groups without an edge between them would fly apart and shrink to dots: one point holds them together.
    held = graph.copy()
    groups = list(networkx.connected_components(graph))
    held.add_edges_from((HELD, min(group)) for group in groups if len(groups) > 1)
    place = networkx.spring_layout(
        held, k=1.5 / max(len(graph), 1) ** 0.5, iterations=rounds, seed=0, weight="weight"
    )
    place.pop(HELD, None)
    for rank, i in enumerate(i for i in range(len(weight)) if i not in place):
        place[i] = np.array([-1 + 2 * (rank % 32) / 31, -1.2 - 0.08 * (rank // 32)])
    edges = [[i, j, round(w, 3)] for i, j, w in graph.edges(data="weight")]
    x, y = np.array([place[i] for i in range(len(weight))]).round(4).T.tolist()
    return {"x": x, "y": y, "edges": edges}
