"""The maps of all layers of a network as one mapping."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pidnet.files import safe_name, write_text
from pidnet.maps._store import read_index
from pidnet.maps._tiled import StoredMaps
from pidnet.maps.layer_map import LayerMap
from pidnet.maps.notes import short_notes
from pidnet.maps.stored_map import StoredMap
from pidnet.optional import optional_module
from pidnet.plots import plot_maps
from pidnet.printing import Printed, listed, table

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure

INDEX, STORED = "maps.json", "zarr.json"
MOST_SKIPPED = 2
COLUMNS = ("layer", "measure", "units", "pairs", "redundancy", "unique_mean", "synergy")


@dataclass(frozen=True, eq=False, repr=False)
class LayerMaps(Printed, Mapping[str, LayerMap]):
    """The maps of the layers of one network: a mapping from layer name to ``LayerMap``.

    Attributes
    ----------
    maps : mapping of str to LayerMap
        The maps by layer, in the order of the network; those of a store are read when they are asked for.
    skipped : dict of str to str
        Layers without a map, with the reason.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (200, 3), generator=torch.Generator().manual_seed(0))
    >>> layers = {"fc1": x.float(), "fc2": x[:, :1].float()}
    >>> acts = pn.Activations(layers, x[:, 0] ^ x[:, 1], dict.fromkeys(layers, "none"))
    >>> maps = pn.layer_maps(pn.quantize(acts, 2), "i_min")
    >>> list(maps), list(maps.skipped)
    (['fc1'], ['fc2'])
    """

    maps: Mapping[str, LayerMap]
    skipped: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, layer: str) -> LayerMap:
        if layer in self.maps:
            return self.maps[layer]
        reason = f"; it was skipped: {self.skipped[layer]}" if layer in self.skipped else ""
        raise KeyError(f"no map of layer {layer!r}{reason}; there are maps of {listed(self.maps)}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.maps)

    def __len__(self) -> int:
        return len(self.maps)

    def summary(self) -> list[dict[str, Any]]:
        """One row for each layer, as ``LayerMap.summary`` gives it; ``pandas.DataFrame`` takes them."""
        return [part.summary() for part in self._parts()]

    def to_pandas(self) -> pandas.DataFrame:
        """A table with one row for each pair of each layer: ``layer``, then as ``LayerMap.to_pandas``.

        Raises
        ------
        ImportError
            Without pandas, with the command that installs it.
        """
        pandas = optional_module("pandas")
        tables = []
        for layer, layer_map in self.items():
            part = layer_map.to_pandas()
            part.insert(0, "layer", layer)
            tables.append(part)
        return pandas.concat(tables, ignore_index=True)

    def to_xarray(self) -> xarray.Dataset:
        """Everything over (layer, unit, partner), as ``LayerMap.to_xarray``; nan beyond the units of a layer.

        Raises
        ------
        ImportError
            Without xarray, with the command that installs it.
        """
        xarray = optional_module("xarray")
        layers = xarray.IndexVariable("layer", list(self))
        parts = [layer_map.to_xarray() for layer_map in self.values()]
        return xarray.concat(parts, layers, join="outer", data_vars="all", combine_attrs="drop_conflicts")

    def plot(self, atom: str = "redundancy") -> Figure:
        """Draw heat maps of one atom, a panel for each layer; see ``pidnet.plots.plot_maps``.

        Parameters
        ----------
        atom : str
            A name that ``LayerMap.matrix`` takes.

        Returns
        -------
        Figure
            The panels.
        """
        return plot_maps(list(self.values()), atom)

    def save(self, folder: str | Path) -> Path:
        """Write a .npz file for each layer, and which layer is where; nothing is pickled.

        Parameters
        ----------
        folder : str or Path
            Where to; it is made where it is missing.

        Returns
        -------
        Path
            The folder.
        """
        folder = Path(folder)
        files = {layer: f"{safe_name(layer)}.npz" for layer in self}
        for layer, layer_map in self.items():
            layer_map.save(folder / files[layer])
        write_text(folder / INDEX, json.dumps({"files": files, "skipped": self.skipped}, indent=1))
        return folder

    @staticmethod
    def load(folder: str | Path) -> LayerMaps:
        """Read the maps that ``save`` or ``layer_maps(codes, store=...)`` wrote.

        Parameters
        ----------
        folder : str or Path
            Where they are.

        Returns
        -------
        LayerMaps
            The same maps.

        Raises
        ------
        FileNotFoundError
            Without such a folder, or where it holds no maps.
        ValueError
            For files that are broken, as ``LayerMap.load``.
        """
        folder = Path(folder)
        if folder.is_file():
            raise ValueError(f"{folder} is a file; expected a folder with maps, or pass it to LayerMap.load")
        if (folder / STORED).is_file():
            layers, skipped = read_index(folder)
            return LayerMaps(StoredMaps(folder, layers), skipped)
        if not (folder / INDEX).is_file():
            raise FileNotFoundError(
                f"{folder} holds no maps; expected a folder that LayerMaps.save or layer_maps(store=...) wrote"
            )
        try:
            index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
            files, skipped = dict(index["files"]), dict(index["skipped"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{folder / INDEX} names no maps ({error}); save the maps again") from error
        return LayerMaps({layer: LayerMap.load(folder / name) for layer, name in files.items()}, skipped)

    def _parts(self) -> list[LayerMap | StoredMap]:
        """The maps, those of a store as they lie there."""
        if isinstance(self.maps, StoredMaps):
            return [StoredMap.open(self.maps.path, layer) for layer in self.maps]
        return list(self.values())

    def _lines(self) -> list[str]:
        maps = self._parts()
        samples = listed(dict.fromkeys(f"{layer_map.samples:,}" for layer_map in maps))
        corrections = listed(dict.fromkeys(layer_map.correction for layer_map in maps))
        head = f"LayerMaps: {samples} samples, correction {corrections}; means over pairs, bits"
        left_out = [f"skipped {layer}: {why}" for layer, why in self.skipped.items()]
        if len(left_out) > MOST_SKIPPED:
            left_out = [f"skipped: {listed(self.skipped)}; the reasons are in .skipped"]
        return [head, *table(short_rows(maps)), *left_out]

    @property
    def notes(self) -> list[str]:
        """The notes of all maps, each once, with long lists of units shortened."""
        return short_notes(note for layer_map in self.values() for note in layer_map.notes)


def short_rows(maps: Iterable[LayerMap | StoredMap]) -> list[dict[str, Any]]:
    """The part of the summary of each map that fits a terminal; ``noise_floor`` is that of the synergy."""
    rows = [layer_map.summary() for layer_map in maps]
    return [
        {name: row[name] for name in COLUMNS} | {"noise_floor": row.get("synergy_noise_floor")}
        for row in rows
    ]
