"""Stage 6: what the pairs of units of a layer say about the target, as atoms."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from pidnet import __version__, shannon
from pidnet.activations import Activations
from pidnet.covariances import (
    LayerCovariance,
    iterate_pair_covariances,
    layer_covariance,
    unit_covariances,
)
from pidnet.distributions import iterate_pair_tables, unit_tables
from pidnet.files import replacing
from pidnet.measures import Measure, find_measure
from pidnet.measures.atoms import Atoms
from pidnet.measures.gaussian import PREFIX, GaussianMeasure, find_gaussian_measure, i_mmi
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


def layer_maps(
    codes: Codes | Activations, measure: str | Callable[[Any], Atoms] = "i_broja", **options
) -> dict[str, LayerMap]:
    """Decompose all pairs of units of every layer.

    codes: Codes for a measure of ``MEASURES`` or a function from PairTables to Atoms; Activations for one of
    ``GAUSSIAN_MEASURES`` or a function from PairCovariances to Atoms, with the options target, shrinkage and
    copula of ``pidnet.covariances.layer_covariance``.
    Constant units are skipped and named in the notes. Returns layer name -> LayerMap, in the order of the
    codes. Raises ValueError for an unknown measure or a layer with fewer than two units that vary, TypeError
    for codes or activations that do not go with the measure.
    """
    if isinstance(codes, Activations):
        if isinstance(measure, str) and not measure.startswith(PREFIX):
            raise TypeError(
                f"{measure} takes Codes, not Activations; call quantize(activations) first or use a measure "
                f"whose name begins with {PREFIX}"
            )
        return {layer: _gaussian_map(codes, layer, measure, options) for layer in codes.layers}
    if not isinstance(codes, Codes):
        raise TypeError(
            f"layer_maps takes Codes or Activations, not {type(codes).__name__}; "
            "call quantize(activations) first"
        )
    if isinstance(measure, str) and measure.startswith(PREFIX):
        raise TypeError(f"{measure} takes Activations, not Codes; pass what capture returned")
    if options:
        raise TypeError(f"layer_maps of Codes takes no options; it was given {', '.join(options)}")
    function = find_measure(measure)
    return {layer: _table_map(codes, layer, function) for layer in codes.layers}


def _table_map(codes: Codes, layer: str, measure: Measure) -> LayerMap:
    units = codes.layers[layer].shape[1]
    pairs, atoms = _decompose_blocks(
        iterate_pair_tables(codes, layer), measure, layer, units - len(codes.constant[layer])
    )
    return LayerMap(
        layer=layer,
        units=np.arange(units),
        pairs=pairs,
        atoms=atoms,
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


def _gaussian_map(
    activations: Activations, layer: str, measure: str | GaussianMeasure, options: dict[str, Any]
) -> LayerMap:
    function = find_gaussian_measure(measure)
    whole = layer_covariance(activations, layer, **options)
    pairs, atoms = _decompose_blocks(
        iterate_pair_covariances(whole, layer), function, layer, len(whole.varying)
    )
    return LayerMap(
        layer=layer,
        units=np.arange(whole.units),
        pairs=pairs,
        atoms=atoms,
        measure=measure if isinstance(measure, str) else PREFIX + getattr(measure, "__name__", repr(measure)),
        samples=whole.samples,
        information=i_mmi(unit_covariances(whole)).redundancy,
        settings={
            "target_columns": len(whole.cov) - whole.units,
            "shrinkage": options.get("shrinkage"),
            "copula": options.get("copula", False),
            "correction": "none",
            "pidnet": __version__,
        },
        notes=_gaussian_notes(whole, layer),
    )


def _decompose_blocks(
    blocks: Iterable, measure: Callable, layer: str, varying: int
) -> tuple[np.ndarray, Atoms]:
    """The pairs and atoms of all blocks, with a progress bar for long work."""
    pairs, atoms = [], []
    bar = tqdm(
        total=varying * (varying - 1) // 2, desc=layer, unit="pair", delay=1, disable=None, leave=False
    )
    with bar:
        for block in blocks:
            pairs.append(block.pairs)
            atoms.append(measure(block))
            bar.update(len(block))
    return np.concatenate(pairs), Atoms.concatenate(atoms)


def _notes(codes: Codes, layer: str) -> tuple[str, ...]:
    """What a reader of this map must know about the data behind it."""
    notes = _constant_note(codes.constant[layer], layer)
    cells = codes.levels**2 * codes.classes
    if len(codes.target) < cells:
        notes.append(
            f"{len(codes.target)} samples are fewer than the {cells} cells of a table: "
            "plug-in atoms are biased upwards, synergy most"
        )
    return tuple(notes)


def _gaussian_notes(whole: LayerCovariance, layer: str) -> tuple[str, ...]:
    """What a reader of this map must know about the covariance behind it."""
    constant = np.setdiff1d(np.arange(whole.units), whole.varying).tolist()
    notes = _constant_note(constant, layer)
    if whole.classes:
        notes.append(
            f"the label stands as {whole.classes - 1} one-hot columns: atoms see linear separation only and "
            "can exceed its entropy"
        )
    columns = len(whole.cov) - whole.units
    if whole.samples < 20 * columns:
        notes.append(
            f"{whole.samples} samples are few for {columns} target columns: plug-in atoms are biased upwards"
        )
    return tuple(notes)


def _constant_note(constant: Sequence[int], layer: str) -> list[str]:
    named = ", ".join(map(str, constant))
    return [f"constant units of {layer}, skipped: {named}"] if constant else []
