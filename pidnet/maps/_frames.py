"""Layer maps as the tables of pandas and xarray, and as matrices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pidnet.measures.atoms import NAMES as ATOMS
from pidnet.optional import optional_module

if TYPE_CHECKING:
    import pandas
    import xarray

    from pidnet.maps.layer_map import LayerMap

NAMES = ("redundancy", "unique1", "unique2", "synergy", "total", "gap")
MIRROR = {"unique1": "unique2", "unique2": "unique1"}
BITS = {"units": "bits"}
OVER = ("unit", "partner")


def pair_table(layer_map: LayerMap) -> pandas.DataFrame:
    """One row for each pair."""
    first, second = layer_map.pairs.T
    columns = {"unit1": first, "unit2": second, **dict(layer_map.atoms.items()), "gap": layer_map.atoms.gap}
    columns |= {f"{name}_p": values for name, values in layer_map.p_values.items()}
    for name, ends in layer_map.intervals.items():
        columns |= {f"{name}_low": ends[:, 0], f"{name}_high": ends[:, 1]}
    return optional_module("pandas").DataFrame(columns)


def square_tables(layer_map: LayerMap) -> xarray.Dataset:
    """Everything over (unit, partner); ``_squares.map_of_squares`` reads it back."""
    tables: dict[str, Any] = {name: (OVER, layer_map.matrix(name), BITS) for name in NAMES}
    for name, values in layer_map.p_values.items():
        mirror = layer_map.p_values[MIRROR.get(name, name)]
        tables[f"{name}_p"] = (OVER, square(layer_map, values, mirror), {})
    for name, ends in layer_map.intervals.items():
        mirror = layer_map.intervals[MIRROR.get(name, name)]
        for end, side in enumerate(("low", "high")):
            tables[f"{name}_{side}"] = (OVER, square(layer_map, ends[:, end], mirror[:, end]), BITS)
    if before := layer_map.plug_in:
        for name in (*ATOMS, "gap"):
            mirror = getattr(before, MIRROR.get(name, name))
            tables[f"plug_in_{name}"] = (OVER, square(layer_map, getattr(before, name), mirror), BITS)
    tables["unit_information"] = (("unit",), layer_map.unit_information, BITS)
    coordinates = {"unit": layer_map.units, "partner": layer_map.units}
    return optional_module("xarray").Dataset(tables, coordinates, _about(layer_map))


def _about(layer_map: LayerMap) -> dict[str, Any]:
    """What is no table: names as they are, the settings and all else as JSON."""
    own = {
        "notes": layer_map.notes,
        "noise_floor": layer_map.noise_floor,
        "gap_kind": layer_map.atoms.gap_kind,
    }
    if layer_map.plug_in:
        own["plug_in_gap_kind"] = layer_map.plug_in.gap_kind
    found = {name: json.dumps(value) for name, value in (own | layer_map.settings).items()}
    return {name: getattr(layer_map, name) for name in ("layer", "measure", "samples")} | found


def square(layer_map: LayerMap, values: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Values of pairs (i, j) as a matrix (unit, unit), with their mirror at (j, i); nan elsewhere."""
    i, j = layer_map.pairs.T
    matrix = np.full((len(layer_map.units), len(layer_map.units)), np.nan)
    matrix[i, j], matrix[j, i] = values, mirror
    return matrix


def summary_row(layer_map: Any, means: dict[str, float], pairs: int) -> dict[str, Any]:
    """The summary of a map, in memory or in a store, from the means of its atoms."""
    floors = dict(layer_map.noise_floor)
    if floors:
        floors["unique_mean"] = (floors.pop("unique1") + floors.pop("unique2")) / 2
    return {
        "layer": layer_map.layer,
        "measure": layer_map.measure,
        "units": len(layer_map.units),
        "pairs": pairs,
        "redundancy": means["redundancy"],
        "unique_mean": (means["unique1"] + means["unique2"]) / 2,
        "synergy": means["synergy"],
        "pair_information": sum(means.values()),
        "unit_information": float(layer_map.unit_information[layer_map.varying].mean()),
        "samples": layer_map.samples,
        "correction": layer_map.correction,
        **{f"{name}_noise_floor": bits for name, bits in floors.items()},
    }
