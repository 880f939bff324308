"""The result of a map: the atoms of all pairs of units of one layer, with what they rest on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pidnet.files import replacing
from pidnet.measures.atoms import Atoms
from pidnet.optional import optional_module
from pidnet.significance import benjamini_hochberg

if TYPE_CHECKING:
    import pandas
    import xarray

MIRROR = {"unique1": "unique2", "unique2": "unique1"}
GROUPED = ("plug_in", "p_values", "intervals")


@dataclass(frozen=True, eq=False)
class LayerMap:
    """The atoms of all pairs of units of one layer, in bits.

    units: int (unit,), all units of the layer. pairs: int (pair, 2), i < j, pairs of units that vary.
    unit_information: float64 (unit,), I(Y;X) of each unit by itself. settings: how the map was made.
    notes: warnings about the data, one sentence each.
    plug_in: the atoms before the correction. p_values: atom -> (pair,), against ``settings["null"]``.
    intervals: atom -> (pair, 2), 95 %. noise_floor: atom -> the 95th percentile among pairs that carry
    no information about the target, with these samples, levels and classes, corrected in the same way.
    """

    layer: str
    units: np.ndarray
    pairs: np.ndarray
    atoms: Atoms
    measure: str
    samples: int
    unit_information: np.ndarray
    settings: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    plug_in: Atoms | None = None
    p_values: dict[str, np.ndarray] = field(default_factory=dict)
    intervals: dict[str, np.ndarray] = field(default_factory=dict)
    noise_floor: dict[str, float] = field(default_factory=dict)

    @property
    def correction(self) -> str:
        """The name of the bias correction behind ``atoms``."""
        return self.settings.get("correction", "none")

    def significant(self, atom: str = "redundancy", alpha: float = 0.05) -> np.ndarray:
        """Which pairs have more of an atom than the null gives, bool (pair,), Benjamini-Hochberg over the
        layer: at most a share ``alpha`` of them is expected to be false. ``len(map.pairs)`` were tested.

        Raises ValueError for an atom that the null of this map does not test.
        """
        if atom not in self.p_values:
            raise ValueError(
                f"the null {self.settings.get('null', 'none')!r} of this map tests "
                f"{', '.join(self.p_values) or 'nothing'}, not {atom!r}; "
                "make the map with layer_maps(codes, null='labels') or null='sources'"
            )
        return benjamini_hochberg(self.p_values[atom], alpha)

    def matrix(self, name: str) -> np.ndarray:
        """One atom for all pairs, float64 (unit, unit), bits; nan on the diagonal and for constant units.

        name: "redundancy", "synergy", "total", "gap" (symmetric), "unique1" (what the unit of the row
        knows and the unit of the column does not) or "unique2" (its transpose).
        """
        names = ("redundancy", "unique1", "unique2", "synergy", "total", "gap")
        if name not in names:
            raise ValueError(f"no such atom: {name!r}; the map has {', '.join(names)}")
        mirror = MIRROR.get(name, name)
        return self._square(getattr(self.atoms, name), getattr(self.atoms, mirror))

    def summary(self) -> dict[str, Any]:
        """Means over the pairs and over the units in them, bits.

        ``unique_mean`` is what one unit of a pair carries and the other does not, averaged over both units;
        ``unit_information`` is I(Y;X), ``pair_information`` is I(Y;X1X2).
        """
        floors = dict(self.noise_floor)
        if floors:
            floors["unique_mean"] = (floors.pop("unique1") + floors.pop("unique2")) / 2
        return {
            "layer": self.layer,
            "measure": self.measure,
            "units": len(self.units),
            "pairs": len(self.pairs),
            "redundancy": float(self.atoms.redundancy.mean()),
            "unique_mean": float((self.atoms.unique1.mean() + self.atoms.unique2.mean()) / 2),
            "synergy": float(self.atoms.synergy.mean()),
            "pair_information": float(self.atoms.total.mean()),
            "unit_information": float(self.unit_information[np.unique(self.pairs)].mean()),
            "samples": self.samples,
            "correction": self.correction,
            **{f"{name}_noise_floor": bits for name, bits in floors.items()},
        }

    def to_pandas(self) -> pandas.DataFrame:
        """One row a pair: unit1, unit2, the atoms, their p-values and the ends of their intervals.

        Raises ImportError without pandas, with the command that installs it.
        """
        pandas = optional_module("pandas")
        columns = {"unit1": self.pairs[:, 0], "unit2": self.pairs[:, 1], **dict(self.atoms.items())}
        columns |= {f"{name}_p": values for name, values in self.p_values.items()}
        for name, ends in self.intervals.items():
            columns |= {f"{name}_low": ends[:, 0], f"{name}_high": ends[:, 1]}
        return pandas.DataFrame(columns)

    def to_xarray(self) -> xarray.Dataset:
        """Everything over (unit, partner), nan on the diagonal and for constant units; bits.

        ``unique1`` is what the unit carries and the partner does not, ``unique2`` its transpose. ``unit_information`` goes over (unit,). p-values are
        named ``redundancy_p``, ends of intervals ``redundancy_low`` and ``redundancy_high``; the attributes are
        layer, measure, samples and the settings. Raises ImportError without xarray, with the command that installs
        it.
        """
        xarray = optional_module("xarray")
        square = ("unit", "partner")
        tables: dict[str, Any] = {
            name: (square, self.matrix(name), {"units": "bits"})
            for name in ("redundancy", "unique1", "unique2", "synergy", "total", "gap")
        }
        for name, values in self.p_values.items():
            tables[f"{name}_p"] = (square, self._square(values, self.p_values[MIRROR.get(name, name)]), {})
        for name, ends in self.intervals.items():
            mirror = self.intervals[MIRROR.get(name, name)]
            for end, side in enumerate(("low", "high")):
                values = self._square(ends[:, end], mirror[:, end])
                tables[f"{name}_{side}"] = (square, values, {"units": "bits"})
        tables["unit_information"] = (("unit",), self.unit_information, {"units": "bits"})
        about = {"layer": self.layer, "measure": self.measure, "samples": self.samples}
        settings = {name: json.dumps(value) for name, value in self.settings.items()}
        return xarray.Dataset(tables, {"unit": self.units, "partner": self.units}, about | settings)

    def _square(self, values: np.ndarray, mirror: np.ndarray) -> np.ndarray:
        """Values of pairs (i, j) as a matrix (unit, unit), with their mirror at (j, i); nan elsewhere."""
        i, j = self.pairs.T
        matrix = np.full((len(self.units), len(self.units)), np.nan)
        matrix[i, j], matrix[j, i] = values, mirror
        return matrix

    def save(self, path: str | Path) -> Path:
        """Write the map as .npz (arrays and one JSON text, nothing pickled); returns the path written."""
        described = {
            "layer": self.layer,
            "measure": self.measure,
            "samples": self.samples,
            "settings": self.settings,
            "notes": list(self.notes),
            "noise_floor": self.noise_floor,
        }
        path = Path(path).with_suffix(".npz")
        arrays = {"units": self.units, "pairs": self.pairs, "unit_information": self.unit_information}
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
        outside = {name: arrays.pop(name) for name in ("units", "pairs", "unit_information")}
        grouped: dict[str, Any] = {group: _pop_group(arrays, group) for group in GROUPED}
        grouped["plug_in"] = Atoms(**grouped["plug_in"]) if grouped["plug_in"] else None
        return LayerMap(atoms=Atoms(**arrays), **outside, **described, **grouped)


def _pop_group(arrays: dict[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    """Take the arrays named ``group.name`` out, by name."""
    names = [name for name in arrays if name.startswith(f"{group}.")]
    return {name.removeprefix(f"{group}."): arrays.pop(name) for name in names}
