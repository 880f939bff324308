"""Stage 6: what the pairs of units of a layer say about the target, as atoms."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from pidnet import __version__, shannon
from pidnet.distributions import iterate_pair_tables, unit_tables
from pidnet.files import replacing
from pidnet.measures import Measure, find_measure
from pidnet.measures.atoms import Atoms
from pidnet.quantization import Codes

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class LayerMap:
    """The atoms of all pairs of units of one layer, in bits.

    units: int (unit,), all units of the layer. pairs: int (pair, 2), i < j, pairs of units that vary.
    information: float64 (unit,), I(Y;X) of each unit by itself. settings: how the map was made.
    notes: warnings about the data, one sentence each.
    """

    layer: str
    units: np.ndarray
    pairs: np.ndarray
    atoms: Atoms
    measure: str
    samples: int
    information: np.ndarray
    settings: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def matrix(self, name: str) -> np.ndarray:
        """One atom for all pairs, float64 (unit, unit), bits; nan on the diagonal and for constant units.

        name: "redundancy", "synergy", "total", "gap" (symmetric), "unique1" (what the unit of the row
        knows and the unit of the column does not) or "unique2" (its transpose).
        """
        names = ("redundancy", "unique1", "unique2", "synergy", "total", "gap")
        if name not in names:
            raise ValueError(f"no such atom: {name!r}; the map has {', '.join(names)}")
        mirror = {"unique1": "unique2", "unique2": "unique1"}.get(name, name)
        i, j = self.pairs.T
        matrix = np.full((len(self.units), len(self.units)), np.nan)
        matrix[i, j] = getattr(self.atoms, name)
        matrix[j, i] = getattr(self.atoms, mirror)
        return matrix

    def summary(self) -> dict[str, Any]:
        """Means over the pairs (``unique`` averages both units) and over the units in them; bits."""
        return {
            "layer": self.layer,
            "measure": self.measure,
            "redundancy": float(self.atoms.redundancy.mean()),
            "unique": float((self.atoms.unique1.mean() + self.atoms.unique2.mean()) / 2),
            "synergy": float(self.atoms.synergy.mean()),
            "information": float(self.information[np.unique(self.pairs)].mean()),
            "pairs": len(self.pairs),
            "samples": self.samples,
        }

    def to_pandas(self) -> pandas.DataFrame:
        """One row a pair: unit1, unit2 and the atoms."""
        import pandas

        columns = {"unit1": self.pairs[:, 0], "unit2": self.pairs[:, 1], **dict(self.atoms.items())}
        return pandas.DataFrame(columns)

    def save(self, path: str | Path) -> Path:
        """Write the map as .npz (arrays and one JSON text, nothing pickled); returns the path written."""
        described = {
            "layer": self.layer,
            "measure": self.measure,
            "samples": self.samples,
            "settings": self.settings,
            "notes": list(self.notes),
        }
        path = Path(path).with_suffix(".npz")
        arrays = {"units": self.units, "pairs": self.pairs, "information": self.information}
        arrays |= {"json": np.array(json.dumps(described)), **dict(self.atoms.items())}
        with replacing(path) as temporary:
            np.savez_compressed(temporary, allow_pickle=False, **arrays)
        return path

    @staticmethod
    def load(path: str | Path) -> LayerMap:
        """Read a map that ``save`` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        described = json.loads(str(arrays.pop("json")))
        described["notes"] = tuple(described["notes"])
        outside = {name: arrays.pop(name) for name in ("units", "pairs", "information")}
        return LayerMap(atoms=Atoms(**arrays), **outside, **described)


def layer_maps(codes: Codes, measure: str | Measure = "i_broja") -> dict[str, LayerMap]:
    """Decompose all pairs of units of every layer of the codes.

    measure: a name in ``MEASURES`` or a function from PairTables to Atoms. Constant units are skipped and
    named in the notes. Returns layer name -> LayerMap, in the order of the codes.
    Raises ValueError for an unknown measure or a layer with fewer than two units that vary.
    """
    if not isinstance(codes, Codes):
        raise TypeError(
            f"layer_maps takes Codes, not {type(codes).__name__}; call quantize(activations) first"
        )
    function = find_measure(measure)
    return {layer: _layer_map(codes, layer, function) for layer in codes.layers}


def _layer_map(codes: Codes, layer: str, measure: Measure) -> LayerMap:
    units = codes.layers[layer].shape[1]
    varying = units - len(codes.constant[layer])
    pairs, atoms = [], []
    bar = tqdm(
        total=varying * (varying - 1) // 2, desc=layer, unit="pair", delay=1, disable=None, leave=False
    )
    with bar:
        for tables in iterate_pair_tables(codes, layer):
            pairs.append(tables.pairs)
            atoms.append(measure(tables))
            bar.update(len(tables))
    return LayerMap(
        layer=layer,
        units=np.arange(units),
        pairs=np.concatenate(pairs),
        atoms=Atoms.concatenate(atoms),
        measure=getattr(measure, "__name__", repr(measure)),
        samples=len(codes.target),
        information=shannon.mutual_information(unit_tables(codes, layer)),
        settings={
            "quantizer": codes.quantizer,
            "levels": codes.levels,
            "classes": codes.classes,
            "correction": "none",
            "pidnet": __version__,
        },
        notes=_notes(codes, layer),
    )


def _notes(codes: Codes, layer: str) -> tuple[str, ...]:
    """What a reader of this map must know about the data behind it."""
    notes = []
    if codes.constant[layer]:
        named = ", ".join(map(str, codes.constant[layer]))
        notes.append(f"constant units of {layer}, skipped: {named}")
    cells = codes.levels**2 * codes.classes
    if len(codes.target) < cells:
        notes.append(
            f"{len(codes.target)} samples are fewer than the {cells} cells of a table: "
            "plug-in atoms are biased upwards, synergy most"
        )
    return tuple(notes)
