"""Layer maps as the tables of pandas and xarray, and as matrices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pidnet.optional import optional_module

if TYPE_CHECKING:
    import pandas
    import xarray

    from pidnet.maps.layer_map import LayerMap

NAMES = ("redundancy", "unique1", "unique2", "synergy", "total", "gap")
MIRROR = {"unique1": "unique2", "unique2": "unique1"}
BITS = {"units": "bits"}


def pair_table(layer_map: LayerMap) -> pandas.DataFrame:
    """One row for each pair."""
    first, second = layer_map.pairs.T
    columns = {"unit1": first, "unit2": second, **dict(layer_map.atoms.items()), "gap": layer_map.atoms.gap}
    columns |= {f"{name}_p": values for name, values in layer_map.p_values.items()}
    for name, ends in layer_map.intervals.items():
        columns |= {f"{name}_low": ends[:, 0], f"{name}_high": ends[:, 1]}
    return optional_module("pandas").DataFrame(columns)


def square_tables(layer_map: LayerMap) -> xarray.Dataset:
    """Everything over (unit, partner)."""
    xarray, over = optional_module("xarray"), ("unit", "partner")
    tables: dict[str, Any] = {name: (over, layer_map.matrix(name), BITS) for name in NAMES}
    for name, values in layer_map.p_values.items():
        tables[f"{name}_p"] = (
            over,
            square(layer_map, values, layer_map.p_values[MIRROR.get(name, name)]),
            {},
        )
    for name, ends in layer_map.intervals.items():
        mirror = layer_map.intervals[MIRROR.get(name, name)]
        for end, side in enumerate(("low", "high")):
            tables[f"{name}_{side}"] = (over, square(layer_map, ends[:, end], mirror[:, end]), BITS)
    tables["unit_information"] = (("unit",), layer_map.unit_information, BITS)
    about = {name: getattr(layer_map, name) for name in ("layer", "measure", "samples")}
    settings = {name: json.dumps(value) for name, value in layer_map.settings.items()}
    return xarray.Dataset(tables, {"unit": layer_map.units, "partner": layer_map.units}, about | settings)


def square(layer_map: LayerMap, values: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Values of pairs (i, j) as a matrix (unit, unit), with their mirror at (j, i); nan elsewhere."""
    i, j = layer_map.pairs.T
    matrix = np.full((len(layer_map.units), len(layer_map.units)), np.nan)
    matrix[i, j], matrix[j, i] = values, mirror
    return matrix
