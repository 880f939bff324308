"""Stage 6: what the pairs of units of a layer say about the target, as atoms."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from pidnet import __version__
from pidnet.files import replacing
from pidnet.measures import Measure, find_measure
from pidnet.measures.atoms import Atoms
from pidnet.quantization import Codes
from pidnet.significance import (
    CORRECTIONS,
    NULLS,
    benjamini_hochberg,
    jackknife_intervals,
    layer_atoms,
    layer_pairs,
    sampling_floor,
)
from pidnet.significance.resampling import take_layer

if TYPE_CHECKING:
    import pandas

GROUPED = ("plug_in", "p_values", "intervals")
FEWEST_SAMPLES = 20


@dataclass(frozen=True, eq=False)
class LayerMap:
    """The atoms of all pairs of units of one layer, in bits.

    units: int (unit,), all units of the layer. pairs: int (pair, 2), i < j, pairs of units that vary.
    information: float64 (unit,), I(Y;X) of each unit by itself. settings: how the map was made.
    notes: warnings about the data, one sentence each.
    plug_in: the atoms before the correction. p_values: atom -> (pair,), against ``settings["null"]``.
    intervals: atom -> (pair, 2), 95 %. floor: redundancy, unique, synergy -> what 95 % of pairs that know
    nothing stay below with these samples, levels and classes, corrected in the same way.
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
    plug_in: Atoms | None = None
    p_values: dict[str, np.ndarray] = field(default_factory=dict)
    intervals: dict[str, np.ndarray] = field(default_factory=dict)
    floor: dict[str, float] = field(default_factory=dict)

    @property
    def correction(self) -> str:
        """The name of the bias correction behind ``atoms``."""
        return self.settings.get("correction", "none")

    def significant(self, atom: str = "redundancy", level: float = 0.05) -> np.ndarray:
        """Which pairs have more of an atom than the null gives, bool (pair,), Benjamini-Hochberg over the
        layer: at most a share ``level`` of them is expected to be false. ``len(map.pairs)`` were tested.

        Raises ValueError for an atom that the null of this map does not test.
        """
        if atom not in self.p_values:
            raise ValueError(
                f"the null {self.settings.get('null', 'none')!r} of this map tests "
                f"{', '.join(self.p_values) or 'nothing'}, not {atom!r}; "
                "make the map with layer_maps(codes, null='labels') or null='sources'"
            )
        return benjamini_hochberg(self.p_values[atom], level)

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
            "correction": self.correction,
            **{f"{name}_floor": bits for name, bits in self.floor.items()},
        }

    def to_pandas(self) -> pandas.DataFrame:
        """One row a pair: unit1, unit2, the atoms, their p-values and the ends of their intervals."""
        import pandas

        columns = {"unit1": self.pairs[:, 0], "unit2": self.pairs[:, 1], **dict(self.atoms.items())}
        columns |= {f"{name}_p": values for name, values in self.p_values.items()}
        for name, ends in self.intervals.items():
            columns |= {f"{name}_low": ends[:, 0], f"{name}_high": ends[:, 1]}
        return pandas.DataFrame(columns)

    def save(self, path: str | Path) -> Path:
        """Write the map as .npz (arrays and one JSON text, nothing pickled); returns the path written."""
        described = {
            "layer": self.layer,
            "measure": self.measure,
            "samples": self.samples,
            "settings": self.settings,
            "notes": list(self.notes),
            "floor": self.floor,
        }
        path = Path(path).with_suffix(".npz")
        arrays = {"units": self.units, "pairs": self.pairs, "information": self.information}
        arrays |= {"json": np.array(json.dumps(described)), **dict(self.atoms.items())}
        for group in GROUPED:
            values = getattr(self, group)
            items = values.items() if values is not None else ()
            arrays |= {f"{group}.{name}": array for name, array in items}
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
        grouped: dict[str, Any] = {group: _pop_group(arrays, group) for group in GROUPED}
        grouped["plug_in"] = Atoms(**grouped["plug_in"]) if grouped["plug_in"] else None
        return LayerMap(atoms=Atoms(**arrays), **outside, **described, **grouped)


def _pop_group(arrays: dict[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    """Take the arrays named ``group.name`` out, by name."""
    names = [name for name in arrays if name.startswith(f"{group}.")]
    return {name.removeprefix(f"{group}."): arrays.pop(name) for name in names}


def layer_maps(
    codes: Codes,
    measure: str | Measure = "i_broja",
    *,
    correction: str = "shuffle_sources",
    null: str = "units",
    intervals: bool = False,
    seed: int = 0,
) -> dict[str, LayerMap]:
    """Decompose all pairs of units of every layer of the codes.

    measure: a name in ``MEASURES`` or a function from PairTables to Atoms. Constant units are skipped and
    named in the notes.
    correction: of the sampling bias; "shuffle_sources" and "shuffle_labels" (two further maps),
    "miller_madow" (none), "quadratic_extrapolation" (six), or "none" for the plug-in atoms.
    null: what the p-values test against; "units" (both units know something; free, redundancy only),
    "labels" (the pair knows something; 20 maps), "sources" (the pair knows more than two units independent
    given the class; 20 maps) or "none". intervals: 95 % intervals of each atom (20 maps).
    Returns layer name -> LayerMap, in the order of the codes. The seed makes it repeatable.
    Raises ValueError for an unknown measure, correction or null, too few samples to correct, or a layer
    with fewer than two units that vary.
    """
    if not isinstance(codes, Codes):
        raise TypeError(
            f"layer_maps takes Codes, not {type(codes).__name__}; call quantize(activations) first"
        )
    function = find_measure(measure)
    _check_names(correction, null)
    if len(codes.target) < FEWEST_SAMPLES and (correction != "none" or intervals):
        raise ValueError(
            f"{len(codes.target)} samples are too few to correct or to give intervals; take {FEWEST_SAMPLES} "
            "or more, or correction='none', intervals=False"
        )
    options = {"correction": correction, "null": null, "intervals": intervals, "seed": seed}
    return {layer: _layer_map(take_layer(codes, layer), layer, function, options) for layer in codes.layers}


def _check_names(correction: str, null: str) -> None:
    for what, name, known in (("correction", correction, CORRECTIONS), ("null", null, NULLS)):
        if name not in known:
            raise ValueError(f"unknown {what} {name!r}; the known ones are {', '.join(known)}")


def _layer_map(codes: Codes, layer: str, measure: Measure, options: dict[str, Any]) -> LayerMap:
    correct, null = CORRECTIONS[options["correction"]], NULLS[options["null"]]
    # One stream of random numbers a stage, so that asking for more does not change what was there.
    streams = np.random.default_rng([options["seed"], crc32(layer.encode())]).spawn(4)
    pairs, plug_in = layer_pairs(codes, layer), layer_atoms(codes, layer, measure)
    atoms = correct(plug_in, codes, layer, measure, streams[0])
    return LayerMap(
        layer=layer,
        units=np.arange(codes.layers[layer].shape[1]),
        pairs=pairs,
        atoms=atoms,
        measure=getattr(measure, "__name__", repr(measure)),
        samples=len(codes.target),
        information=_unit_information(codes.layers[layer].shape[1], pairs, atoms),
        settings={
            "quantizer": codes.quantizer,
            "levels": codes.levels,
            "classes": codes.classes,
            "exact_units": codes.exact.get(layer, []),
            **options,
            "pidnet": __version__,
        },
        notes=_notes(codes, layer, options["correction"]),
        plug_in=plug_in,
        p_values=null(plug_in, codes, layer, measure, streams[1]),
        floor=sampling_floor(codes, layer, measure, correct, streams[2]),
        intervals=jackknife_intervals(atoms, codes, layer, measure, streams[3])
        if options["intervals"]
        else {},
    )


def _unit_information(units: int, pairs: np.ndarray, atoms: Atoms) -> np.ndarray:
    """I(Y;X) of each unit as its pairs have it (R + U), bits; 0 for constant units."""
    information = np.zeros(units)
    information[pairs[:, 1]] = atoms.information2
    information[pairs[:, 0]] = atoms.information1
    return information


def _notes(codes: Codes, layer: str, correction: str) -> tuple[str, ...]:
    """What a reader of this map must know about the data behind it."""
    notes = []
    for units, what in (
        (codes.constant[layer], f"constant units of {layer}, skipped"),
        (
            codes.collapsed.get(layer, []),
            f"units of {layer} whose values tie, with fewer than {codes.levels} levels",
        ),
    ):
        if units:
            notes.append(f"{what}: {', '.join(map(str, units))}")
    varying = codes.layers[layer].shape[1] - len(codes.constant[layer])
    if len(codes.exact.get(layer, [])) == varying:
        notes.append(
            "all units are discrete already: the codes are the units and these samples are decomposed exactly"
        )
    cells = codes.levels**2 * codes.classes
    if len(codes.target) < cells:
        bias = (
            "plug-in atoms are biased upwards, synergy most"
            if correction == "none"
            else "synergy may keep some bias after the correction"
        )
        notes.append(f"{len(codes.target)} samples are fewer than the {cells} cells of a table: {bias}")
    return tuple(notes)
