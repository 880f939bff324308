"""A layer map as the page explores it: packed atoms, a drawing of the graph, and a card for each unit."""

from __future__ import annotations

from typing import Any

import networkx
import numpy as np

from pidnet.graph import pair_weights
from pidnet.maps import LayerMap
from pidnet.measures.blackwell import dominates
from pidnet.plots import place_units
from pidnet.report._encoding import pack, pack_logarithm

ATOMS = ("redundancy", "unique1", "unique2", "synergy")
TESTED = ("redundancy", "synergy")
# Finer than any estimate from samples: a page shows three decimals, the map in the run folder has all.
BITS = 0.0005
DECADES = 0.01
PARTNERS = 6
TOLERANCE = 0.01
DRAWN_NEIGHBORS = 2


def explore(layer_map: LayerMap) -> dict[str, Any]:
    """Everything that the page needs of one map. Pairs stand in the order of ``numpy.triu_indices``."""
    units = layer_map.varying
    square, upper = np.ix_(units, units), np.triu_indices(len(units), 1)
    redundant = _matrix(layer_map, significant_redundancy(layer_map) * layer_map.atoms.redundancy, units)
    share = _matrix(layer_map, pair_weights(layer_map), units)
    return {
        "layer": layer_map.layer,
        "measure": layer_map.measure,
        "samples": layer_map.samples,
        "units": units.tolist(),
        "similar": layer_map.similar_units().tolist(),
        "unit_information": np.round(layer_map.unit_information[units], 5).tolist(),
        "atoms": {
            name: pack(layer_map.matrix(name)[square][upper], BITS)
            for name in (("redundancy", "synergy") if _unique_follows(layer_map) else ATOMS)
        },
        "gap": pack_logarithm(layer_map.matrix("gap")[square][upper], DECADES),
        "intervals": {
            name: [pack(_matrix(layer_map, ends, units)[upper], BITS) for ends in layer_map.intervals[name].T]
            for name in ATOMS
            if name in layer_map.intervals
        },
        "null": layer_map.settings.get("null", "none"),
        "tests": {
            name: {
                "p": pack_logarithm(_matrix(layer_map, layer_map.p_values[name], units)[upper], DECADES),
                "significant": pack(_matrix(layer_map, layer_map.significant(name), units)[upper]),
            }
            for name in TESTED
            if name in layer_map.p_values
        },
        "partners": _partners(redundant, share, units),
        "replacers": _replacers(layer_map, units),
        "drawing": _draw(np.where(redundant > 0, share, 0)),
    }


def _unique_follows(layer_map: LayerMap) -> bool:
    """Whether unique = unit information - redundancy, as it is without some corrections."""
    return all(
        np.abs(layer_map.unit_information[units] - layer_map.atoms.redundancy - unique).max() < BITS / 2
        for units, unique in zip(
            layer_map.pairs.T, (layer_map.atoms.unique1, layer_map.atoms.unique2), strict=True
        )
    )


def significant_redundancy(layer_map: LayerMap) -> np.ndarray:
    """Which pairs are redundant beyond chance, bool (pair,); all with redundancy where nothing was tested."""
    return (
        layer_map.significant("redundancy")
        if "redundancy" in layer_map.p_values
        else layer_map.atoms.redundancy > 0
    )


def _matrix(layer_map: LayerMap, values: np.ndarray, units: np.ndarray) -> np.ndarray:
    """A symmetric matrix over the units that vary, 0 on the diagonal."""
    i, j = np.searchsorted(units, layer_map.pairs).T
    matrix = np.zeros((len(units), len(units)))
    matrix[i, j] = matrix[j, i] = values
    return matrix


def _partners(redundant: np.ndarray, share: np.ndarray, units: np.ndarray) -> list[list]:
    """For each unit the ones it is most redundant with: [unit, bits, share of the pair's information]."""
    best = np.argsort(-redundant, axis=1, kind="stable")[:, :PARTNERS]
    return [
        [[int(units[j]), round(row[j], 5), round(share[i, j], 4)] for j in best[i] if row[j] > 0]
        for i, row in enumerate(redundant)
    ]


def _replacers(layer_map: LayerMap, units: np.ndarray) -> list[list]:
    """For each unit those beside which its unique part is at most ``TOLERANCE`` bits: [unit, bits lost], least first."""
    lost = np.full((len(units), len(units)), np.inf)
    i, j = np.searchsorted(units, layer_map.pairs).T
    first, second = dominates(layer_map.atoms, tolerance=TOLERANCE).T
    lost[j[first], i[first]] = layer_map.atoms.unique2[first]
    lost[i[second], j[second]] = layer_map.atoms.unique1[second]
    best = np.argsort(lost, axis=1, kind="stable")[:, :PARTNERS]
    return [
        [[int(units[j]), round(row[j], 5)] for j in best[i] if np.isfinite(row[j])]
        for i, row in enumerate(lost)
    ]


def _draw(weight: np.ndarray) -> dict[str, list]:
    """Places of all units by the heaviest edges of each, and these edges by weight."""
    graph = networkx.empty_graph(len(weight))
    for i, row in enumerate(weight):
        for j in np.argsort(-row, kind="stable")[:DRAWN_NEIGHBORS]:
            if row[j] > 0:
                graph.add_edge(i, int(j), weight=float(row[j]))
    place = place_units(graph)
    edges = [[i, j, round(w, 3)] for i, j, w in graph.edges(data="weight")]
    x, y = np.array([place[i] for i in range(len(weight))]).round(4).T.tolist()
    return {"x": x, "y": y, "edges": edges}
