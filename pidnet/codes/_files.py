"""Codes as .npz files: arrays and one JSON text, nothing pickled, all of it checked on the way in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pidnet.codes._stored import CodesStore, StoredValues, open_store
from pidnet.files import array_headers, replacing, with_ending

if TYPE_CHECKING:
    from pidnet.codes.codes import Codes

UNITS = ("constant", "collapsed", "exact")
ROWS = ("target", "sample", "predicted")


def write_codes(codes: Codes, path: str | Path) -> Path:
    """Write some codes; returns the path written."""
    arrays, described = _small_arrays(codes), _described(codes)
    arrays |= {f"values.{k}": layer.values.numpy() for k, layer in enumerate(codes.layers.values())}
    path = with_ending(path, ".npz")
    with replacing(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, json=np.array(json.dumps(described)), **arrays)
    return path


def finish_store(store: CodesStore, codes: Codes) -> None:
    """Write what a store lacks when it has the values of some codes."""
    store.finish(_described(codes), _small_arrays(codes))


def _described(codes: Codes) -> dict[str, Any]:
    """What is no array."""
    return {
        "levels": codes.levels,
        "classes": codes.classes,
        "quantizer": codes.quantizer,
        "skipped": codes.skipped,
        "layers": [
            {"name": name, "alphabet": layer.alphabet, **{what: getattr(layer, what) for what in UNITS}}
            for name, layer in codes.layers.items()
        ],
    }


def _small_arrays(codes: Codes) -> dict[str, np.ndarray]:
    """All arrays but the values."""
    tensors = {name: getattr(codes, name) for name in ROWS}
    tensors |= {f"edges.{k}": layer.edges for k, layer in enumerate(codes.layers.values())}
    return {name: tensor.numpy() for name, tensor in tensors.items() if tensor is not None}


def read_store(path: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """As ``read_codes``, from a store; the values stay there, and are checked where they are read."""
    group = open_store(path)
    described = dict(group.attrs)
    headers = {name: (array.shape, array.dtype) for name, array in group.arrays()}
    _check_headers(headers, described, path)
    values = {
        f"values.{k}": StoredValues(group[f"values.{k}"], described["levels"])
        for k in range(len(described["layers"]))
    }
    arrays = {name: group[name][...] for name in headers if name not in values}
    widths = [stored.shape[1] for stored in values.values()]
    _check_ranges(arrays["target"], described, path, widths, [0] * len(widths))
    return _fields({**_tensors(arrays), **values}, described)


def read_codes(path: str | Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """Layer -> the fields of its LayerCodes, and the other fields of the Codes.

    Raises ValueError when a shape, a type or a range is not what ``write_codes`` writes; shapes and types are
    compared before any array is read.
    """
    headers = array_headers(path)
    if "json" not in headers or "target" not in headers:
        raise ValueError(f"{path} does not hold codes; expected a file that Codes.save wrote")
    with np.load(path, allow_pickle=False) as stored:
        described = json.loads(str(stored["json"]))
        _check_headers(headers, described, path)
        arrays = {name: stored[name] for name in headers if name != "json"}
    values = [arrays[f"values.{k}"] for k in range(len(described["layers"]))]
    widths = [array.shape[1] for array in values]
    _check_ranges(arrays["target"], described, path, widths, [int(array.max(initial=0)) for array in values])
    return _fields(_tensors(arrays), described)


def _tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _fields(
    tensors: dict[str, Any], described: dict[str, Any]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The fields of the layers and of the Codes."""
    layers = {
        layer.pop("name"): {"values": tensors[f"values.{k}"], "edges": tensors.get(f"edges.{k}"), **layer}
        for k, layer in enumerate(described.pop("layers"))
    }
    described["classes"] = tuple(described["classes"])
    return layers, {**described, **{name: tensors.get(name) for name in ROWS}}


def _check_headers(
    headers: dict[str, tuple[tuple[int, ...], np.dtype]], described: dict[str, Any], path: str | Path
) -> None:
    """ValueError unless every array has the type and the shape that the others and the description ask for."""
    rows = headers["target"][0]
    wanted: dict[str, tuple[Any, np.dtype]] = {name: (rows, np.dtype(np.int64)) for name in ROWS}
    for k in range(len(described["layers"])):
        units = headers.get(f"values.{k}", ((0, 0), None))[0][-1]
        wanted[f"values.{k}"] = ((*rows, units), np.dtype(np.uint8))
        edges = headers.get(f"edges.{k}", ((), None))[0]
        ends = (described["levels"], *edges[2:]) if len(edges) == 3 else (described["levels"] - 1,)
        wanted[f"edges.{k}"] = ((units, *ends), np.dtype(np.float32))
    missing = [name for name in wanted if name.startswith("values") and name not in headers]
    wrong = [name for name in headers if name != "json" and wanted.get(name) != headers[name]]
    if missing or wrong or len(rows) != 1:
        raise ValueError(
            f"{path} is damaged: {', '.join([*missing, *wrong]) or 'target'} does not fit the rest; "
            "save the codes again"
        )


def _check_ranges(
    target: np.ndarray, described: dict[str, Any], path: str | Path, widths: list[int], largest: list[int]
) -> None:
    """ValueError for codes, classes or units that there are not; of each layer how many units it has, and its largest
    code."""
    wrong = [] if 0 <= target.min() <= target.max() < len(described["classes"]) else ["target"]
    for layer, width, most in zip(described["layers"], widths, largest, strict=True):
        named = {unit for what in UNITS for unit in layer[what]}
        if most >= described["levels"] or not named <= {*range(width)}:
            wrong.append(layer["name"])
    if wrong:
        raise ValueError(
            f"{path} is damaged: values out of range in {', '.join(wrong)}; save the codes again"
        )
