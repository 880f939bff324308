"""Maps as .npz files: arrays and one JSON text, checked when they are read."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from pidnet.files import array_headers, replacing
from pidnet.measures.atoms import NAMES, Atoms

if TYPE_CHECKING:
    from pidnet.maps.layer_map import LayerMap

OWN = ("units", "pairs", "unit_information")
GROUPED = ("plug_in", "p_values", "intervals")
MOST_BITS = 16.0  # of an atom: a target of 65,536 classes has no more
WIDE = 1_000_000  # pairs; more are kept in float32, and not packed: that would take minutes
TEXT = ("layer", "measure", "samples", "settings", "notes", "noise_floor")


def write_map(layer_map: LayerMap, path: Path) -> Path:
    """Write a map; returns the path."""
    arrays = {name: getattr(layer_map, name) for name in OWN} | _arrays(layer_map.atoms)
    groups = {
        "plug_in": _arrays(layer_map.plug_in),
        "p_values": layer_map.p_values,
        "intervals": layer_map.intervals,
    }
    for group, values in groups.items():
        arrays |= {f"{group}.{name}": array for name, array in values.items()}
    described = {name: getattr(layer_map, name) for name in TEXT}
    described["gap_kinds"] = {
        name: atoms.gap_kind
        for name, atoms in (("atoms", layer_map.atoms), ("plug_in", layer_map.plug_in))
        if atoms is not None
    }
    wide = len(layer_map.pairs) > WIDE
    if wide:
        arrays = {name: _narrow(name, array) for name, array in arrays.items()}
    arrays["json"] = np.array(json.dumps(described))
    with replacing(path) as temporary:
        (np.savez if wide else np.savez_compressed)(temporary, allow_pickle=False, **arrays)
    return path


def _narrow(name: str, array: np.ndarray) -> np.ndarray:
    """Numbers in four bytes; a gap takes in what that may change of its atoms, so that what was proven stays so."""
    if array.dtype.kind != "f":
        return array.astype(np.int32)
    if name.endswith("gap"):
        array = np.where(array > 0, array + np.spacing(np.float32(MOST_BITS)), array)
    return array.astype(np.float32)


def _arrays(atoms: Atoms | None) -> dict[str, np.ndarray]:
    """The atoms and their gap by name."""
    return {} if atoms is None else {**dict(atoms.items()), "gap": atoms.gap}


def read_map(path: Path) -> dict[str, Any]:
    """The fields of the map that ``write_map`` wrote. ValueError for another file, with the reason."""
    try:
        _check_shapes(array_headers(path))
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        found = _fields(arrays)
        check_values(found)
    except (BadZipFile, zlib.error, ValueError, KeyError, TypeError, EOFError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{path} holds no map that can be read: {reason}; make the map again") from error
    return found


def _check_shapes(headers: Mapping[str, tuple[tuple[int, ...], np.dtype]]) -> None:
    """ValueError for arrays that do not fit the pairs and units of the map."""
    units, pairs = headers["units"][0][0], headers["pairs"][0][0]
    if not 1 <= pairs <= units * (units - 1) // 2:
        raise ValueError(f"{pairs} pairs of {units} units")
    expected = {"units": (units,), "unit_information": (units,), "pairs": (pairs, 2), "json": ()}
    for name, (shape, dtype) in headers.items():
        wanted = (pairs, 2) if name.startswith("intervals.") else expected.get(name, (pairs,))
        kind = {"units": "i", "pairs": "i", "json": "U"}.get(name, "f")
        if shape != wanted or dtype.kind != kind:
            raise ValueError(f"{name!r} has the shape {shape} and type {dtype}; expected the shape {wanted}")


def _fields(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The fields of a map from its arrays; KeyError or TypeError where some are missing or too many."""
    described = json.loads(str(arrays.pop("json")))
    found = {name: described[name] for name in TEXT} | {name: arrays.pop(name) for name in OWN}
    found["notes"] = tuple(found["notes"])
    grouped = {group: _pop_group(arrays, group) for group in GROUPED}
    plug_in, kinds = grouped.pop("plug_in"), described["gap_kinds"]
    found["atoms"] = Atoms(**arrays, gap_kind=kinds["atoms"])
    found["plug_in"] = Atoms(**plug_in, gap_kind=kinds["plug_in"]) if plug_in else None
    return found | grouped


def _pop_group(arrays: dict[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    """Take the arrays named ``group.name`` out, by name."""
    names = [name for name in arrays if name.startswith(f"{group}.")]
    return {name.removeprefix(f"{group}."): arrays.pop(name) for name in names}


def check_values(found: dict[str, Any]) -> None:
    """ValueError for pairs that are not pairs of the units, or atoms that are not numbers."""
    units, (i, j) = len(found["units"]), found["pairs"].T
    if not np.array_equal(found["units"], np.arange(units)):
        raise ValueError(f"units are not 0 ... {units - 1}")
    if not ((i >= 0) & (i < j) & (j < units)).all() or not _all_different(i * units + j):
        raise ValueError(f"some pairs are not different pairs i < j of the units 0 ... {units - 1}")
    if not np.isfinite(found["unit_information"]).all():
        raise ValueError("unit_information has values that are not finite")
    answered = ~np.isinf(found["atoms"].gap)
    values = {name: getattr(found["atoms"], name) for name in NAMES}
    values |= {f"intervals.{name}": ends for name, ends in found["intervals"].items()}
    for name, array in values.items():
        if not np.isfinite(array[answered]).all():
            raise ValueError(f"{name!r} has values that are not finite")
    for name, array in found["p_values"].items():
        if not ((array >= 0) & (array <= 1)).all():
            raise ValueError(f"p-values of {name} are outside [0, 1]")


def _all_different(keys: np.ndarray) -> bool:
    """Whether no key comes twice; at once where they ascend, as a map writes them."""
    return bool((keys[1:] > keys[:-1]).all()) or len(np.unique(keys)) == len(keys)
