"""Codes on disk: values of which what is asked for is read, and the zarr store that they are written to, row by row.

store/            a group; its attributes describe the codes, and come last: without them the store is unfinished
  values.0        uint8 (sample, unit) of the first layer, in chunks of 4,096 samples and 256 units
  edges.0         float32, as in ``LayerCodes``; then target, sample and predicted, int64 (sample,)
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pidnet.optional import optional_module

EXTRA = "pip install 'pidnet[store]'"
CHUNK = (4096, 256)  # samples, units: a tile of a map reads the columns of two blocks of units
Index = slice | int | Tensor


class StoredValues:
    """The codes of a layer on disk, uint8 (sample, unit), in place of a Tensor.

    ``values[rows]`` and ``values[:, units]`` read so much into a Tensor, ``numpy`` and ``to`` all of it.

    Attributes
    ----------
    array : zarr.Array or numpy.memmap
        What holds them, (sample, unit).
    levels : int
        Codes are below; what is not is an error when it is read.
    """

    def __init__(self, array: Any, levels: int = 256) -> None:
        self.array, self.levels = array, levels

    @property
    def shape(self) -> torch.Size:
        """Samples and units."""
        return torch.Size(self.array.shape)

    @property
    def ndim(self) -> int:
        """Two, of codes."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, where: Index | tuple[Index, Index]) -> Tensor:
        rows, units = where if isinstance(where, tuple) else (where, slice(None))
        rows, units = (x.numpy() if isinstance(x, Tensor) else x for x in (rows, units))
        if isinstance(self.array, np.ndarray):
            found = np.array(self.array[rows][:, units])
        else:
            found = self.array.oindex[rows, units]
        if found.max(initial=0) >= self.levels or found.min(initial=0) < 0:
            raise ValueError(
                f"codes {found.min()} ... {found.max()} in {self.array!r}; expected 0 ... {self.levels - 1}"
            )
        return torch.from_numpy(found.astype(np.uint8, copy=False))

    def split(self, size: int) -> Iterator[Tensor]:
        """The rows, so many at a time."""
        for first in range(0, len(self), size):
            yield self[first : first + size]

    def numpy(self) -> np.ndarray:
        """All of them."""
        return self[:].numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.numpy().astype(dtype or np.uint8, copy=False)

    def to(self, *kind: Any) -> Tensor:
        """All of them as a Tensor of a type."""
        return self[:].to(*kind)

    def cpu(self) -> Tensor:
        """All of them."""
        return self[:]

    def numel(self) -> int:
        """How many there are."""
        return self.shape.numel()


def on_disk(values: Any) -> bool:
    """Whether an array lies on disk and is not read as a whole."""
    return isinstance(values, np.memmap) or type(values).__module__.startswith("zarr.")


class CodesStore:
    """A store that codes are written to as they come.

    Raises FileExistsError where the folder holds something else than a store that was cut off.
    """

    def __init__(self, path: Path, layers: list[str]) -> None:
        zarr = optional_module("zarr", EXTRA)
        if path.is_file() or (path.is_dir() and any(path.iterdir()) and not _unfinished(zarr, path)):
            raise FileExistsError(f"{path} is there already; name another folder for the codes, or delete it")
        self.path, self.numbers = path, {name: k for k, name in enumerate(layers)}
        self.group = zarr.open_group(store=str(path), mode="w", attributes={"unfinished": True})
        self.waiting: dict[str, list[Tensor]] = {name: [] for name in layers}

    def add(self, layer: str, values: Tensor) -> None:
        """Further rows of a layer; they are written when they fill a chunk."""
        self.waiting[layer].append(values)
        if sum(map(len, self.waiting[layer])) >= CHUNK[0]:
            rows = torch.cat(self.waiting[layer])
            whole = len(rows) // CHUNK[0] * CHUNK[0]
            self._write(layer, rows[:whole])
            self.waiting[layer] = [rows[whole:].clone()]

    def values(self, layer: str, levels: int) -> StoredValues:
        """All rows of a layer, once there are no more."""
        if any(map(len, self.waiting[layer])):
            self._write(layer, torch.cat(self.waiting[layer]))
        self.waiting[layer] = []
        return StoredValues(self.group[f"values.{self.numbers[layer]}"], levels)

    def finish(self, described: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        """The rest: small arrays, and last what the codes are."""
        for name, array in arrays.items():
            self.group.create_array(name, data=np.ascontiguousarray(array))
        self.group.attrs.put(described)

    def _write(self, layer: str, rows: Tensor) -> None:
        name = f"values.{self.numbers[layer]}"
        if name not in self.group:
            codecs = optional_module("zarr.codecs", EXTRA)
            self.group.create_array(
                name,
                shape=(0, rows.shape[1]),
                chunks=(CHUNK[0], min(CHUNK[1], rows.shape[1])),
                dtype="uint8",
                compressors=[codecs.ZstdCodec(level=1), codecs.Crc32cCodec()],
            )
        try:
            self.group[name].append(rows.numpy())
        except OSError as error:
            raise OSError(
                f"the codes cannot be written to {self.path}: {error}; name another folder"
            ) from error


def open_store(path: Path) -> Any:
    """The group of finished codes. ValueError where there are none."""
    zarr = optional_module("zarr", EXTRA)
    try:
        group = zarr.open_group(store=str(path), mode="r")
        group.attrs["levels"], group["target"]
    except (FileNotFoundError, KeyError, ValueError, TypeError) as error:
        raise ValueError(
            f"{path} does not hold codes ({error}); expected what capture_codes with store= wrote to its end"
        ) from error
    return group


def _unfinished(zarr: Any, path: Path) -> bool:
    """Whether a folder is a store of codes that was cut off."""
    try:
        return bool(zarr.open_group(store=str(path), mode="r").attrs.get("unfinished", False))
    except (FileNotFoundError, KeyError, ValueError, TypeError):
        return False
