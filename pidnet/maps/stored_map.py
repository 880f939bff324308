"""A map in a store, read tile by tile: for layers whose pairs should not all be in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pidnet.arguments import check_arguments
from pidnet.maps._frames import MIRROR, NAMES, summary_row
from pidnet.maps._store import LayerStore
from pidnet.maps._tiled import stored_fields
from pidnet.maps._tiles import VALUES, Tile, meets, tile_pairs, tiles_of
from pidnet.maps.notes import short_notes
from pidnet.measures.atoms import Atoms
from pidnet.printing import Printed, counted, table, wrapped


@dataclass(frozen=True, eq=False, repr=False)
class StoredMap(Printed):
    """The map of a layer in a store of ``layer_maps(codes, store=...)``, of which one tile at a time is in memory.

    What needs all pairs at once, such as p-values of each, is in the ``LayerMap`` that ``LayerMaps.load`` gives.

    Attributes
    ----------
    layer, measure : str
        Names of the layer and of the measure.
    varying : ndarray of int, (unit,)
        The units that vary and so have pairs.
    samples : int
        Number of samples behind each pair.
    settings : dict
        How the map was made.
    notes : tuple of str
        Warnings about the data.
    noise_floor : dict of str to float
        As in ``LayerMap``, bits.
    unit_p : ndarray of float, (unit,), or None
        p-value of each unit against carrying no information.
    units : ndarray of int, (unit,)
        All units of the layer.
    gap_kind : str
        What the widest gap of the atoms claims.
    store : LayerStore
        Where the tiles are.

    Examples
    --------
    >>> import tempfile, pidnet as pn
    >>> codes = pn.Codes.of({"fc1": [[0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 0]] * 20}, [0, 0, 1, 1] * 20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     maps = pn.layer_maps(codes, "i_mmi", correction="none", store=folder)
    ...     stored = pn.maps.StoredMap.open(folder, "fc1")
    ...     print(stored.matrix("redundancy", [0, 2], [1]), stored.quantile("redundancy", 1.0))
    [[1.]
     [0.]] 1.0
    """

    layer: str
    measure: str
    varying: np.ndarray
    samples: int
    settings: dict[str, Any]
    notes: tuple[str, ...]
    noise_floor: dict[str, float]
    unit_p: np.ndarray | None
    units: np.ndarray
    gap_kind: str
    store: LayerStore

    @staticmethod
    def open(path: str | Path, layer: str) -> StoredMap:
        """The map of a layer in a store.

        Parameters
        ----------
        path : str or Path
            The store.
        layer : str
            The name of the layer.

        Returns
        -------
        StoredMap
            The map; its tiles are read when they are needed.

        Raises
        ------
        ValueError
            Where the store holds no such map.
        """
        check_arguments(StoredMap.open, locals())
        store = LayerStore.open(Path(path), layer)
        return StoredMap(store=store, **stored_fields(store))

    @property
    def correction(self) -> str:
        """Name of the bias correction behind the atoms."""
        return self.settings.get("correction", "none")

    @property
    def pairs(self) -> int:
        """How many pairs there are."""
        return len(self.varying) * (len(self.varying) - 1) // 2

    def blocks(self) -> Iterator[tuple[np.ndarray, Atoms]]:
        """The pairs, int (pair, 2), and their atoms, tile by tile.

        Returns
        -------
        iterator of (ndarray, Atoms)
            The tiles in the order of their rows.

        Raises
        ------
        ValueError
            Where a tile is missing or broken.
        """
        for tile in tiles_of(self.varying):
            yield tile_pairs(self.varying, tile), self._block(tile)

    @cached_property
    def unit_information(self) -> np.ndarray:
        """I(Y;X) of each unit by itself, bits, (unit,); 0 for constant units."""
        found = np.zeros(len(self.units))
        tiles = tiles_of(self.varying)
        for tile in [tile for tile in tiles if tile.first == tiles[0].first or tile.first == tile.second]:
            pairs, atoms = tile_pairs(self.varying, tile), self._block(tile)
            found[pairs[:, 0]], found[pairs[:, 1]] = atoms.information1, atoms.information2
        return found

    def summary(self) -> dict[str, Any]:
        """Means over the pairs and over the units, as ``LayerMap.summary`` gives them.

        Returns
        -------
        dict
            The same entries, from one pass over the tiles.
        """
        names = ("redundancy", "unique1", "unique2", "synergy")
        sums = dict.fromkeys(names, 0.0)
        for _, atoms in self.blocks():
            for name in names:
                sums[name] += float(getattr(atoms, name).sum(dtype=np.float64))
        return summary_row(self, {name: total / self.pairs for name, total in sums.items()}, self.pairs)

    def matrix(
        self, name: str, units: Sequence[int] | np.ndarray, partners: Sequence[int] | np.ndarray | None = None
    ) -> np.ndarray:
        """One atom for some units as a matrix; only their tiles are read.

        Parameters
        ----------
        name : str
            As for ``LayerMap.matrix``.
        units : sequence of int
            The units of the rows.
        partners : sequence of int, optional
            Those of the columns; all units of the layer by default.

        Returns
        -------
        ndarray of float, (unit, partner)
            Bits; nan where a unit meets itself or a constant one.

        Raises
        ------
        ValueError
            For another name, or units that the layer does not have.
        """
        check_arguments(StoredMap.matrix, locals())
        rows, columns = self._checked(units), self._checked(self.units if partners is None else partners)
        if name not in NAMES:
            raise ValueError(f"no such atom: {name!r}; the map has {', '.join(NAMES)}")
        row_of, column_of = self._places(rows), self._places(columns)
        found = np.full((row_of.max() + 1, column_of.max() + 1), np.nan)
        for tile in tiles_of(self.varying):
            if not meets(tile, rows, columns):
                continue
            atoms, pairs = self._block(tile), tile_pairs(self.varying, tile)
            for ends, atom in ((pairs, name), (pairs[:, ::-1], MIRROR.get(name, name))):
                i, j = row_of[ends[:, 0]], column_of[ends[:, 1]]
                asked = (i >= 0) & (j >= 0)
                found[i[asked], j[asked]] = getattr(atoms, atom)[asked]
        return found[np.ix_(row_of[rows], column_of[columns])]

    def quantile(self, name: str, share: float | Sequence[float]) -> Any:
        """Quantiles of one atom over all pairs; four bytes a pair are in memory.

        Parameters
        ----------
        name : str
            As for ``LayerMap.matrix``.
        share : float or sequence of float
            Between 0 and 1.

        Returns
        -------
        float or ndarray
            Bits.

        Raises
        ------
        ValueError
            For another name, or a share outside [0, 1].
        """
        check_arguments(StoredMap.quantile, locals())
        if name not in NAMES:
            raise ValueError(f"no such atom: {name!r}; the map has {', '.join(NAMES)}")
        if np.any((np.asarray(share) < 0) | (np.asarray(share) > 1)):
            raise ValueError(f"share={share}; expected numbers between 0 and 1")
        values, first = np.empty(self.pairs, np.float32), 0
        for pairs, atoms in self.blocks():
            values[first : first + len(pairs)] = getattr(atoms, name)
            first += len(pairs)
        found = np.quantile(values, share, overwrite_input=True)
        return float(found) if np.ndim(found) == 0 else found

    def false_discovery_rates(self) -> np.ndarray:
        """The rate at which pairs are significant, without a look at the pairs.

        Returns
        -------
        ndarray of float, (unit,)
            A pair of units is significant at the larger one of their two values.

        Raises
        ------
        ValueError
            For a map whose null does not test units.

        Notes
        -----
        Against the null "units" the p-value of a pair is that of the unit with the larger one. Of n units, m have
        a p-value of at most p, and so m (m - 1) / 2 pairs: the rates of Benjamini & Hochberg follow from the units.
        """
        if self.unit_p is None:
            raise ValueError(f"the null {self.settings.get('null', 'none')!r} of this map tests no units")
        p = self.unit_p[self.varying]
        order = np.argsort(p)
        below = np.searchsorted(p[order], p[order], side="right")
        share = np.maximum(below * (below - 1) / 2, 1) / max(self.pairs, 1)
        rates = np.minimum.accumulate((p[order] / share)[::-1])[::-1].clip(max=1)
        found = np.ones(len(self.units))
        found[self.varying[order]] = rates
        return found

    def _block(self, tile: Tile) -> Atoms:
        values = self.store.read(tile, self.varying)
        by_name = dict(zip(self.store.names, values, strict=True))
        return Atoms(**{name: by_name[name] for name in VALUES}, gap_kind=self.gap_kind)

    def _places(self, units: np.ndarray) -> np.ndarray:
        """Of every unit of the layer its place among those given, or -1, (unit,)."""
        found = np.full(len(self.units), -1)
        found[np.unique(units)] = np.arange(len(np.unique(units)))
        return found

    def _checked(self, units: Sequence[int] | np.ndarray) -> np.ndarray:
        found = np.asarray(units)
        if found.ndim != 1 or found.dtype.kind not in "iu" or not np.isin(found, self.units).all():
            raise ValueError(
                f"units={units!r}; expected numbers of units of layer {self.layer!r}, which has {len(self.units)}"
            )
        return found

    def _lines(self) -> list[str]:
        summary, constant = self.summary(), len(self.units) - len(self.varying)
        names = ("redundancy", "unique_mean", "synergy")
        rows = [{"bits": "mean over pairs", **{name: summary[name] for name in names}}]
        return [
            f"StoredMap {self.layer} by {self.measure}: {len(self.units):,} units ({constant:,} constant), "
            f"{counted(self.pairs, 'pair')}, {self.samples:,} samples",
            *(f"  {line}" for line in table(rows)),
            f"  in {self.store.path}, {len(tiles_of(self.varying)):,} tiles",
            *(line for note in short_notes(self.notes) for line in wrapped(f"Note: {note}", "  ")),
        ]
