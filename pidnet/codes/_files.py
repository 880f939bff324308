"""Codes as .npz files: arrays and one JSON text, nothing pickled, all of it checked on the way in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pidnet.files import array_headers, replacing

if TYPE_CHECKING:
    from pidnet.codes.codes import Codes

UNITS = ("constant", "collapsed", "exact")
ROWS = ("target", "sample", "predicted")


def write_codes(codes: Codes, path: str | Path) -> Path:
    """Write some codes; returns the path written."""
    layers = codes.layers.items()
    described = {
        "levels": codes.levels,
        "classes": codes.classes,
        "quantizer": codes.quantizer,
        "skipped": codes.skipped,
        "layers": [
            {"name": name, "alphabet": layer.alphabet, **{what: getattr(layer, what) for what in UNITS}}
            for name, layer in layers
        ],
    }
    tensors = {name: getattr(codes, name) for name in ROWS}
    for k, (_, layer) in enumerate(layers):
        tensors |= {f"values.{k}": layer.values, f"edges.{k}": layer.edges}
    arrays = {name: tensor.numpy() for name, tensor in tensors.items() if tensor is not None}
    path = Path(path).with_suffix(".npz")
    with replacing(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, json=np.array(json.dumps(described)), **arrays)
    return path


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
    _check_ranges(arrays, described, path)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
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


def _check_ranges(arrays: dict[str, np.ndarray], described: dict[str, Any], path: str | Path) -> None:
    """ValueError for codes, classes or units that there are not."""
    wrong = (
        []
        if 0 <= arrays["target"].min() <= arrays["target"].max() < len(described["classes"])
        else ["target"]
    )
    for k, layer in enumerate(described["layers"]):
        values = arrays[f"values.{k}"]
        named = [unit for what in UNITS for unit in layer[what]]
        if values.max(initial=0) >= described["levels"] or not {*named} <= {*range(values.shape[1])}:
            wrong.append(layer["name"])
    if wrong:
        raise ValueError(
            f"{path} is damaged: values out of range in {', '.join(wrong)}; save the codes again"
        )
