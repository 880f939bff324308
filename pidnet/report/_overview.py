"""A map too wide to be drawn pair by pair: means over tiles of similar units, and the nearest of each unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from pidnet.maps import LayerMap
from pidnet.report._encoding import pack
from pidnet.report._map_data import BITS, significant_redundancy

TILES = 64  # at most so many on each side
NEAREST = 8
SHOWN = ("redundancy", "synergy")


def overview(layer_map: LayerMap) -> dict[str, Any]:
    """Tiles and nearest units of one map; units stand in an order in which similar ones are side by side."""
    units = layer_map.similar_units()
    place = np.full(len(layer_map.units), -1)
    place[units] = np.arange(len(units))
    side = -(-len(units) // TILES)
    first, second = (place[ends] for ends in layer_map.pairs.T)
    where = np.full((len(units), len(units)), -1, dtype=np.int32)
    where[first, second] = where[second, first] = np.arange(len(first))
    shared = significant_redundancy(layer_map) * layer_map.atoms.redundancy
    return {
        "layer": layer_map.layer,
        "measure": layer_map.measure,
        "units": units.tolist(),
        "side": side,
        "unit_information": np.round(layer_map.unit_information[units], 4).tolist(),
        "tiles": {
            name: pack(means, BITS)
            for name, means in zip(SHOWN, _tile_means(layer_map, first // side, second // side), strict=True)
        },
        "nearest": {
            name: _nearest(layer_map, values, units, where)
            for name, values in zip(SHOWN, (shared, layer_map.atoms.synergy), strict=True)
        },
    }


def _tile_means(layer_map: LayerMap, rows: np.ndarray, columns: np.ndarray) -> list[np.ndarray]:
    """Mean of each shown atom over the pairs of each tile, (tile, tile); nan where there is none."""
    count = max(rows.max(), columns.max()) + 1
    cells = rows * count + columns

    def summed(weights: np.ndarray | None = None) -> np.ndarray:
        sums = np.bincount(cells, weights, count**2).reshape(count, count)
        return (sums + sums.T).ravel()  # a pair stands on both sides of the diagonal

    pairs = summed()
    return [
        np.divide(
            summed(getattr(layer_map.atoms, name)), pairs, out=np.full(count**2, np.nan), where=pairs > 0
        )
        for name in SHOWN
    ]


def _nearest(layer_map: LayerMap, values: np.ndarray, units: np.ndarray, where: np.ndarray) -> dict[str, Any]:
    """For each unit the others with the largest values, largest first, with the atoms of these pairs.

    partner: place among the units, -1 for a value that is not above 0.
    """
    count = min(NEAREST, len(units) - 1)
    best = np.empty((len(units), count), dtype=np.int64)
    for k, row in enumerate(where):  # a row at a time: a matrix of a wide layer is large
        own = np.where(row < 0, -np.inf, values[row])
        top = np.argpartition(-own, count - 1)[:count]
        best[k] = top[np.argsort(-own[top], kind="stable")]
    pairs = where[np.arange(len(units))[:, None], best]
    known = (pairs >= 0) & (values[pairs] > 0)
    atoms = layer_map.atoms
    swapped = layer_map.pairs[pairs, 0] != units[:, None]
    own, other = (
        np.where(swapped, *ends)
        for ends in (
            (atoms.unique2[pairs], atoms.unique1[pairs]),
            (atoms.unique1[pairs], atoms.unique2[pairs]),
        )
    )
    columns = {
        "redundancy": atoms.redundancy[pairs],
        "own": own,
        "other": other,
        "synergy": atoms.synergy[pairs],
    }
    return {"count": count, "partner": pack(np.where(known, best, -1), 1)} | {
        name: pack(column, BITS) for name, column in columns.items()
    }
