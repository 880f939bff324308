"""Maps of layers too wide to be done at once: tile by tile, on any executor, kept on disk where a store is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pidnet.codes import Codes
from pidnet.files import sole_writer
from pidnet.maps._store import LayerStore, fingerprint
from pidnet.maps._tiles import (
    ENDS,
    P_VALUE,
    VALUES,
    Task,
    Tile,
    by_unit,
    finished,
    tile_codes,
    tile_units,
    tiles_of,
    value_names,
)
from pidnet.maps.layer_map import LayerMap
from pidnet.maps.notes import negative_means
from pidnet.measures.atoms import NAMES, Atoms, weakest


@dataclass(frozen=True, eq=False)
class TiledLayer:
    """A layer whose map is made tile by tile.

    Attributes
    ----------
    codes : Codes
        Of this layer alone.
    layer : str
        Its name.
    find : callable
        (codes of a tile, layer) -> atoms of its pairs and the other values; a worker gets it.
    about : dict
        The fields of the LayerMap that are no arrays over pairs.
    nonnegative : bool
        Whether no atom can be negative.
    unit_p : ndarray or None
        p-values of the units, (unit,).
    """

    codes: Codes
    layer: str
    find: Callable[[Codes, str], tuple[Atoms, dict[str, np.ndarray]]]
    about: dict[str, Any]
    nonnegative: bool
    unit_p: np.ndarray | None

    @property
    def varying(self) -> np.ndarray:
        """The units that vary."""
        return self.codes.layer(self.layer).varying

    def names(self) -> list[str]:
        """The values of a pair."""
        settings = self.about["settings"]
        return value_names(settings["intervals"], tested=settings["null"] not in ("none", "units"))

    def results(self, tiles: list[Tile], executor: Executor | None) -> Iterator[tuple]:
        """Tile, values and kind of gap of each tile, as they are done."""
        codes = by_unit(self.codes, self.layer) if tiles else self.codes
        tasks = (Task(tile, tile_codes(codes, self.layer, tile), self.layer, self.find) for tile in tiles)
        return finished(tasks, len(tiles), executor)


def map_in_memory(tiled: TiledLayer, executor: Executor | None) -> LayerMap:
    """The map, put together here."""
    tiles = tiles_of(tiled.varying)
    _check_pairs(tiled, tiles)
    found = {tile: (values, kind) for tile, values, kind in tiled.results(tiles, executor)}
    blocks = ((tile, found[tile][0]) for tile in tiles)
    kind = weakest(kind for _, kind in found.values())
    about = {**tiled.about, "units": len(tiled.codes.layer(tiled.layer).units), "gap_kind": kind}
    about["nonnegative"] = tiled.nonnegative
    return _assembled(blocks, tiled.names(), tiled.varying, about, tiled.unit_p)


def map_in_store(tiled: TiledLayer, path: Path, executor: Executor | None) -> LayerStore:
    """The store with all tiles of the map; those that it has already are not made again."""
    tiles, layer = tiles_of(tiled.varying), tiled.codes.layer(tiled.layer)
    _check_pairs(tiled, tiles)
    marks = fingerprint(layer.values, tiled.codes.target, _identity(tiled))
    about = {**tiled.about, "units": len(layer.units), "varying": tiled.varying.tolist()}
    about["nonnegative"] = tiled.nonnegative
    if tiled.unit_p is not None:
        about["unit_p"] = tiled.unit_p.tolist()
    with sole_writer(path):
        store = LayerStore.create(path, tiled.layer, names=tiled.names(), marks=marks, about=about)
        missing = [tile for tile in tiles if not store.has(tile)]
        for tile, values, kind in tiled.results(missing, executor):
            store.claim(kind)  # first: a tile that is there is not computed again
            store.write(tile, values, tiled.varying)
    return store


def read_store(path: Path, layer: str) -> LayerMap:
    """The map of a layer in a store, whole. ValueError where a tile is missing or broken."""
    store = LayerStore.open(path, layer)
    fields = stored_fields(store)
    varying, unit_p = fields["varying"], fields["unit_p"]
    blocks = ((tile, store.read(tile, varying)) for tile in tiles_of(varying))
    return _assembled(blocks, store.names, varying, dict(store.group.attrs), unit_p)


def stored_fields(store: LayerStore) -> dict[str, Any]:
    """What a store holds of a map beside the atoms, by the names of ``StoredMap``."""
    about = dict(store.group.attrs)
    named = ("layer", "measure", "samples", "settings", "noise_floor", "gap_kind")
    unit_p = about.get("unit_p")
    return {name: about[name] for name in named} | {
        "units": np.arange(about["units"]),
        "varying": np.array(about["varying"], np.int64),
        "unit_p": None if unit_p is None else np.array(unit_p),
        "notes": tuple(about["notes"]),
    }


class StoredMaps(Mapping[str, LayerMap]):
    """The maps in a store, each read when it is asked for."""

    def __init__(self, path: Path, layers: list[str]) -> None:
        self.path, self.layers = path, layers

    def __getitem__(self, layer: str) -> LayerMap:
        if layer not in self.layers:
            raise KeyError(layer)
        return read_store(self.path, layer)

    def __iter__(self) -> Iterator[str]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __contains__(self, layer: object) -> bool:
        return layer in self.layers


def _check_pairs(tiled: TiledLayer, tiles: list[Tile]) -> None:
    if not tiles:
        raise ValueError(
            f"layer {tiled.layer!r} has {len(tiled.varying)} units that vary; pairs need at least 2"
        )


def _identity(tiled: TiledLayer) -> dict[str, Any]:
    """What a map depends on beside codes and target."""
    measure = tiled.about["measure"]
    return {"layer": tiled.layer, "measure": measure, "classes": tiled.codes.classes} | {
        name: value for name, value in tiled.about["settings"].items() if name != "classes"
    }


def _assembled(
    blocks: Iterable[tuple[Tile, np.ndarray]],
    names: list[str],
    varying: np.ndarray,
    about: dict[str, Any],
    unit_p: np.ndarray | None,
) -> LayerMap:
    """A map from the values of its tiles."""
    units = about["units"]
    pairs = varying[np.stack(np.triu_indices(len(varying), 1), 1)]
    values = np.full((len(names), len(pairs)), np.nan, np.float32)
    for tile, block in blocks:
        values[:, _positions(varying, tile)] = block
    by_name = dict(zip(names, values, strict=True))
    atoms = Atoms(**{name: by_name[name] for name in VALUES}, gap_kind=about["gap_kind"])
    information = np.zeros(units)
    information[pairs[:, 1]], information[pairs[:, 0]] = atoms.information2, atoms.information1
    negative = negative_means(atoms, about["noise_floor"])
    with_ends = [name for name in NAMES if f"{name}_{ENDS[0]}" in by_name]
    p_values = {name: by_name[p] for name in NAMES if (p := f"{name}_{P_VALUE}") in by_name}
    return LayerMap(
        **{name: about[name] for name in ("layer", "measure", "samples", "settings", "noise_floor")},
        units=np.arange(units),
        pairs=pairs,
        atoms=atoms,
        unit_information=information,
        notes=(*about["notes"], *negative) if about["nonnegative"] else tuple(about["notes"]),
        p_values=p_values if unit_p is None else {"redundancy": unit_p[pairs].max(1)},
        intervals={name: np.stack([by_name[f"{name}_{end}"] for end in ENDS], 1) for name in with_ends},
    )


def _positions(varying: np.ndarray, tile: Tile) -> np.ndarray:
    """Where the pairs of a tile stand among all pairs of the layer."""
    first, second = (np.searchsorted(varying, units) for units in tile_units(varying, tile))
    count = len(varying)
    if tile.first == tile.second:
        i, j = first[np.stack(np.triu_indices(len(first), 1))]
    else:
        i, j = np.repeat(first, len(second)), np.tile(second, len(first))
    return i * (2 * count - i - 1) // 2 + j - i - 1
