"""Maps on disk, tile by tile: a zarr 3 store that holds what is done, and can be gone on with.

    store/                 a group
      fc1/                 a group for each layer; its attributes describe the map
        values             float32 (value, unit, partner), a chunk for each tile; nan where there is no pair i < j.
                           The attribute "values" names the first axis: redundancy, unique1, ..., gap

A chunk is a file that appears whole or not at all, with a checksum; a tile is done if its file is there. xarray reads
a layer by ``xarray.open_zarr(store, group="fc1", consolidated=False)``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pidnet.files import safe_name
from pidnet.maps._tiles import SIDE, Tile, tile_units
from pidnet.measures.atoms import weakest
from pidnet.optional import optional_module

EXTRA = "pip install 'pidnet[store]'"
ROWS_AT_ONCE = 4096
GO_ON = "the same call of layer_maps makes it again"


def fingerprint(values: Any, target: Any, about: dict[str, Any]) -> dict[str, str]:
    """What makes a map what it is, by name, each as a text that changes with it; of codes on disk the same as of those
    in memory."""
    marks = {name: json.dumps(value, sort_keys=True, default=str) for name, value in about.items()}
    for name, array in (("codes", values), ("target", target)):
        digest = hashlib.sha256()
        for rows in array.split(ROWS_AT_ONCE):
            digest.update(np.ascontiguousarray(rows).data)
        marks[name] = f"{tuple(array.shape)} {digest.hexdigest()}"
    return marks


def check_folder(path: Path) -> None:
    """Make the folder of a store. OSError where it cannot be written, ImportError without zarr."""
    optional_module("zarr", EXTRA)
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"store={path} is a file; name a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"the store {path} cannot be written: {error}; name another folder") from error
    if not os.access(path, os.W_OK):
        raise PermissionError(
            f"the store {path} cannot be written; name another folder, or read what it has by LayerMaps.load"
        )


class LayerStore:
    """The tiles of one layer in a store.

    Attributes
    ----------
    path : Path
        The store.
    group : zarr.Group
        The layer in it.
    """

    def __init__(self, path: Path, group: Any) -> None:
        self.path, self.group = path, group

    @staticmethod
    def open(path: Path, layer: str) -> LayerStore:
        """A layer that is there. ValueError where the store holds no such map."""
        zarr = optional_module("zarr", EXTRA)
        try:
            group = zarr.open_group(store=str(path), path=safe_name(layer), mode="r")
            group["values"], group.attrs["fingerprint"]
        except (FileNotFoundError, KeyError, ValueError) as error:
            raise ValueError(f"{path} holds no map of layer {layer!r} that can be read ({error})") from error
        return LayerStore(path, group)

    @staticmethod
    def create(
        path: Path, layer: str, *, names: list[str], marks: dict[str, str], about: dict[str, Any]
    ) -> LayerStore:
        """The layer of a store, made where it is missing. ValueError where another map lies there."""
        zarr = optional_module("zarr", EXTRA)
        try:
            root = zarr.open_group(store=str(path), mode="a")
            if "fingerprint" not in (root[safe_name(layer)].attrs if safe_name(layer) in root else ()):
                _lay_out(root, layer, names, {"fingerprint": marks, **about})
        except OSError as error:
            raise OSError(f"the store {path} cannot be written: {error}; name another folder") from error
        except ValueError as error:  # of JSON that was cut off, or of a format that this zarr does not have
            raise ValueError(
                f"{path} is no store that can be gone on with ({error}); name another folder, or delete this one"
            ) from error
        store = LayerStore.open(path, layer)
        known = store.group.attrs["fingerprint"]
        changed = sorted(name for name in {*known, *marks} if known.get(name) != marks.get(name))
        if changed:
            raise ValueError(
                f"{path} holds a map of layer {layer!r} with other {', '.join(changed)}; "
                "name another folder, or delete this one"
            )
        writable = zarr.open_group(store=str(path), path=safe_name(layer), mode="r+")
        return LayerStore(path, writable)

    @cached_property
    def values(self) -> Any:
        """The array of all values, (value, unit, partner)."""
        return self.group["values"]

    @property
    def names(self) -> list[str]:
        """The values of a pair, in order."""
        return list(self.group.attrs["values"])

    def has(self, tile: Tile) -> bool:
        """Whether the file of a tile is there and whole."""
        if not self._file(tile).is_file():
            return False
        try:
            self._block(tile)
        except (ValueError, RuntimeError, OSError):
            return False
        return True

    def write(self, tile: Tile, values: np.ndarray, varying: np.ndarray) -> None:
        """Write the values (value, pair) of a tile at once. OSError where they cannot be written."""
        first, second = tile_units(varying, tile)
        rows, columns = (block - SIDE * number for block, number in zip((first, second), tile, strict=True))
        block = np.full((len(values), *self._shape(tile)), np.nan, np.float32)
        i, j = _places(rows, columns, same=tile.first == tile.second)
        block[:, i, j] = values.reshape(len(values), *np.broadcast_shapes(i.shape, j.shape))
        whole = optional_module("zarr").config.set({"array.write_empty_chunks": True})
        with _kept(f"tile {tuple(tile)}", self.path), whole:
            self.values[self._span(tile)] = block

    def claim(self, gap_kind: str) -> None:
        """Note the kind of gap of a tile: the map claims what the weakest of them does."""
        known = self.group.attrs.get("gap_kind", gap_kind)
        if self.group.attrs.get("gap_kind") != weakest([known, gap_kind]):
            with _kept("the kind of gap", self.path):
                self.group.attrs["gap_kind"] = weakest([known, gap_kind])

    def read(self, tile: Tile, varying: np.ndarray) -> np.ndarray:
        """The values (value, pair) of a tile. ValueError where its file is missing or broken."""
        first, second = tile_units(varying, tile)
        rows, columns = first - SIDE * tile.first, second - SIDE * tile.second
        i, j = _places(rows, columns, same=tile.first == tile.second)
        if not self._file(tile).is_file():
            raise ValueError(f"tile {tuple(tile)} of {self.path} is missing; {GO_ON}")
        try:
            values = self._block(tile)[:, i, j]
            return values.reshape(len(values), -1)
        except (ValueError, RuntimeError) as error:
            raise ValueError(f"tile {tuple(tile)} of {self.path} is broken ({error}); {GO_ON}") from error

    def _file(self, tile: Tile) -> Path:
        """Where the chunk of a tile lies."""
        return self.path / self.group.path / "values" / "c" / "0" / str(tile.first) / str(tile.second)

    def _block(self, tile: Tile) -> np.ndarray:
        return self.values[self._span(tile)]

    def _span(self, tile: Tile) -> tuple[slice, slice, slice]:
        first, second = (slice(SIDE * block, SIDE * (block + 1)) for block in tile)
        return slice(None), first, second

    def _shape(self, tile: Tile) -> tuple[int, ...]:
        units = self.values.shape[1]
        return tuple(min(SIDE, units - SIDE * block) for block in tile)


def write_index(path: Path, layers: list[str], skipped: dict[str, str]) -> None:
    """Note at the root of a store which layers it has, and which have no map, beside those that it had."""
    root = optional_module("zarr", EXTRA).open_group(store=str(path), mode="r+")
    known = [layer for layer in root.attrs.get("layers", []) if layer not in skipped]
    left_out = {**root.attrs.get("skipped", {}), **skipped}
    layers = list(dict.fromkeys([*known, *layers]))
    skipped = {layer: why for layer, why in left_out.items() if layer not in layers}
    with _kept("the list of layers", path):
        root.update_attributes({"layers": layers, "skipped": skipped})


def read_index(path: Path) -> tuple[list[str], dict[str, str]]:
    """The layers of a store, and those without a map. ValueError where it names none."""
    try:
        attributes = optional_module("zarr", EXTRA).open_group(store=str(path), mode="r").attrs
        return list(attributes["layers"]), dict(attributes["skipped"])
    except (FileNotFoundError, KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path} names no maps ({error}); call layer_maps with store= again") from error


@contextmanager
def _kept(what: str, path: Path) -> Generator[None]:
    """Say of a store that cannot be written what is lost."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{what} cannot be written to {path}: {error}; what is done is kept") from error


def _places(rows: np.ndarray, columns: np.ndarray, *, same: bool) -> tuple[np.ndarray, np.ndarray]:
    """Where the pairs of a tile stand in its block, in their order: places that go together, or rows beside columns."""
    if same:
        i, j = np.triu_indices(len(rows), 1)
        return rows[i], columns[j]
    return rows[:, None], columns


def _lay_out(root: Any, layer: str, names: list[str], about: dict[str, Any]) -> None:
    """An empty map: the group of the layer, whose attributes come last, and its arrays."""
    codecs = optional_module("zarr.codecs", EXTRA)
    group = root.create_group(safe_name(layer), overwrite=True)
    units, side = about["units"], min(SIDE, about["units"])
    group.create_array(
        "values",
        shape=(len(names), units, units),
        chunks=(len(names), side, side),
        dtype="float32",
        fill_value=float("nan"),
        compressors=[codecs.ZstdCodec(level=1), codecs.Crc32cCodec()],
        dimension_names=("value", "unit", "partner"),
    )
    group.update_attributes({**about, "values": names})  # at once: all of them, or none
