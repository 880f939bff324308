"""Maps read back from tables over (unit, partner), as xarray holds them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from pidnet.maps._storage import check_values
from pidnet.measures.atoms import NAMES, Atoms

if TYPE_CHECKING:
    import xarray

PLUG_IN = "plug_in_"
OWN = {"layer", "measure", "samples", "notes", "noise_floor", "gap_kind", f"{PLUG_IN}gap_kind"}


def map_of_squares(data: xarray.Dataset) -> dict[str, Any]:
    """The fields of the map that ``square_tables`` wrote. ValueError for other data, with the reason."""
    try:
        found = _fields(data)
        check_values(found)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"the data hold no map: {reason}; expected what LayerMap.to_xarray gave") from error
    return found


def _fields(data: xarray.Dataset) -> dict[str, Any]:
    tables = {str(name): np.asarray(table) for name, table in data.data_vars.items()}
    units = np.asarray(data["unit"])
    pairs = _pairs(tables, len(units))
    rows = {name: table[tuple(pairs.T)] for name, table in tables.items() if table.ndim == 2}
    about = {
        name: json.loads(text)
        for name, text in data.attrs.items()
        if name not in ("layer", "measure", "samples")
    }
    plug_in = f"{PLUG_IN}gap" in rows
    return {
        "layer": data.attrs["layer"],
        "measure": data.attrs["measure"],
        "samples": int(data.attrs["samples"]),
        "units": units,
        "pairs": pairs,
        "atoms": _atoms(rows, about, ""),
        "plug_in": _atoms(rows, about, PLUG_IN) if plug_in else None,
        "unit_information": tables["unit_information"],
        "p_values": {name[:-2]: values for name, values in rows.items() if name.endswith("_p")},
        "intervals": {
            name[:-4]: np.stack([low, rows[f"{name[:-4]}_high"]], 1)
            for name, low in rows.items()
            if name.endswith("_low")
        },
        "notes": tuple(about["notes"]),
        "noise_floor": about["noise_floor"],
        "settings": {name: value for name, value in about.items() if name not in OWN},
    }


def _pairs(tables: dict[str, np.ndarray], units: int) -> np.ndarray:
    """The pairs i < j that have an atom or a gap, (pair, 2). Constant units have none."""
    has = [~np.isnan(tables[name]) for name in (*NAMES, "gap")]
    if any(table.shape not in ((units, units), (units,)) for table in tables.values()):
        raise ValueError(f"tables are not over all pairs of {units} units")
    return np.argwhere(np.triu(np.any(has, 0), 1))


def _atoms(rows: dict[str, np.ndarray], about: dict[str, Any], before: str) -> Atoms:
    return Atoms(*(rows[f"{before}{name}"] for name in (*NAMES, "gap")), about[f"{before}gap_kind"])
