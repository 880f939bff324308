"""The result of a map: the atoms of all pairs of units of one layer, with what they rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import false_discovery_control

from pidnet.arguments import check_arguments
from pidnet.files import saved_as, with_ending
from pidnet.maps._frames import MIRROR, NAMES, pair_table, square, square_tables, summary_row
from pidnet.maps._ordering import similar_units
from pidnet.maps._squares import map_of_squares
from pidnet.maps._storage import read_map, write_map
from pidnet.maps.notes import short_notes
from pidnet.measures.atoms import Atoms
from pidnet.plots import plot_map
from pidnet.printing import Printed, table, wrapped

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PRINTED = ("quantizer", "levels", "target_columns", "shrinkage", "copula", "correction", "null")


@dataclass(frozen=True, eq=False, repr=False)
class LayerMap(Printed):
    """The atoms of all pairs of units of one layer, in bits. ``layer_maps`` makes it.

    Attributes
    ----------
    layer : str
        Name of the layer.
    units : ndarray of int, (unit,)
        All units of the layer.
    pairs : ndarray of int, (pair, 2)
        The pairs i < j of units that vary. Every array over pairs is in this order.
    atoms : Atoms
        Redundancy, unique information and synergy of each pair, bits, corrected for the sampling bias.
    measure : str
        Name of the measure.
    samples : int
        Number of samples behind each pair.
    unit_information : ndarray of float, (unit,)
        I(Y;X) of each unit by itself, bits.
    settings : dict
        How the map was made: quantizer, levels, classes, correction, null, seed and the version of pidnet.
    notes : tuple of str
        Warnings about the data, one sentence each.
    plug_in : Atoms or None
        The atoms before the correction.
    p_values : dict of str to ndarray of float, (pair,)
        Atom -> p-values against the null ``settings["null"]``.
    intervals : dict of str to ndarray of float, (pair, 2)
        Atom -> ends of the 95 % intervals, bits.
    noise_floor : dict of str to float
        Atom -> the 95th percentile among pairs that carry no information about the target, with as many
        samples, levels and classes and the same correction, bits.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (200, 3), generator=torch.Generator().manual_seed(0))
    >>> acts = pn.Activations({"fc1": x.float()}, x[:, 0] ^ x[:, 1], {"fc1": "none"})
    >>> layer_map = pn.layer_maps(pn.quantize(acts, 2), "i_min")["fc1"]
    >>> print(layer_map.matrix("synergy")[:2, :2].round(1))
    [[nan  1.]
     [ 1. nan]]
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
        """Name of the bias correction behind ``atoms``."""
        return self.settings.get("correction", "none")

    @cached_property
    def varying(self) -> np.ndarray:
        """The units that vary and so have pairs, ascending, int (unit,)."""
        return np.flatnonzero(np.bincount(self.pairs.ravel()))

    def significant(self, atom: str = "redundancy", alpha: float = 0.05) -> np.ndarray:
        """Which pairs have more of an atom than the null gives (Benjamini-Hochberg over the layer).

        Parameters
        ----------
        atom : str
            An atom that the null of the map tests.
        alpha : float
            False-discovery rate: the expected share of false ones among the pairs found.

        Returns
        -------
        ndarray of bool, (pair,)
            True where the pair is significant; ``len(layer_map.pairs)`` pairs were tested.

        Raises
        ------
        ValueError
            For an atom that the null of this map does not test, or alpha outside [0, 1].
        """
        check_arguments(LayerMap.significant, locals())
        if atom not in self.p_values:
            raise ValueError(
                f"the null {self.settings.get('null', 'none')!r} of this map tests "
                f"{', '.join(self.p_values) or 'nothing'}, not {atom!r}; "
                "make the map with layer_maps(codes, null='labels') or null='sources'"
            )
        if not 0 < alpha < 1:
            raise ValueError(f"alpha={alpha}; expected a share between 0 and 1, such as 0.05")
        return false_discovery_control(self.p_values[atom]) <= alpha

    def matrix(self, name: str) -> np.ndarray:
        """One atom for all pairs as a matrix over the units.

        Parameters
        ----------
        name : str
            "redundancy", "synergy", "total" or "gap", which are symmetric; "unique1", what the unit of the row
            carries and the unit of the column does not; or "unique2", its transpose.

        Returns
        -------
        ndarray of float, (unit, unit)
            Bits; nan on the diagonal and for constant units.

        Raises
        ------
        ValueError
            For another name.
        """
        check_arguments(LayerMap.matrix, locals())
        if name not in NAMES:
            raise ValueError(f"no such atom: {name!r}; the map has {', '.join(NAMES)}")
        return square(self, getattr(self.atoms, name), getattr(self.atoms, MIRROR.get(name, name)))

    def similar_units(self) -> np.ndarray:
        """The units that vary, int (unit,), ordered so that redundant ones stand side by side."""
        return similar_units(self.matrix("redundancy"), self.varying)

    def summary(self) -> dict[str, Any]:
        """Means over the pairs and over the units in them, with what they rest on.

        Returns
        -------
        dict
            layer, measure, units, pairs; redundancy, ``unique_mean`` (the mean of both units of a pair) and
            synergy; ``pair_information`` = I(Y;X1X2) and ``unit_information`` = I(Y;X); samples, correction, and
            ``redundancy_noise_floor`` and so on where the map has a noise floor. Bits.
        """
        means = {name: float(values.mean()) for name, values in self.atoms.items()}
        return summary_row(self, means, len(self.pairs))

    def to_pandas(self) -> pandas.DataFrame:
        """A table with one row for each pair.

        Returns
        -------
        pandas.DataFrame
            unit1, unit2, the atoms and their gap in bits, p-values (``redundancy_p``) and ends of intervals
            (``redundancy_low``, ``redundancy_high``).

        Raises
        ------
        ImportError
            Without pandas, with the command that installs it.
        """
        return pair_table(self)

    def to_xarray(self) -> xarray.Dataset:
        """Everything over (unit, partner), nan on the diagonal and for constant units.

        Returns
        -------
        xarray.Dataset
            The names of ``matrix``, bits; p-values and ends of intervals as ``redundancy_p``, ``redundancy_low`` and
            ``redundancy_high``, atoms before the correction as ``plug_in_redundancy``; ``unit_information`` over (unit,).
            ``unique1`` is what the unit carries and the partner does not. All else is an attribute, settings as JSON.

        Raises
        ------
        ImportError
            Without xarray, with the command that installs it.
        """
        return square_tables(self)

    @staticmethod
    def from_xarray(data: xarray.Dataset) -> LayerMap:
        """Make the map again from what ``to_xarray`` gave, also where xarray has written that to zarr and read it.

        Parameters
        ----------
        data : xarray.Dataset
            As ``to_xarray`` gave it.

        Returns
        -------
        LayerMap
            The same map, bit by bit.

        Raises
        ------
        ValueError
            For data that hold no map, with the reason.
        """
        return LayerMap(**map_of_squares(data))

    def plot(self, atom: str = "redundancy", ax: Axes | None = None) -> Figure:
        """Draw a heat map of one atom over all pairs; see ``pidnet.plots.plot_map``.

        Parameters
        ----------
        atom : str
            A name that ``matrix`` takes.
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Figure
            The figure drawn in.
        """
        return plot_map(self, atom, ax)

    def save(self, path: str | Path) -> Path:
        """Write the map as .npz: arrays and one JSON text, nothing pickled; above a million pairs in float32.

        Parameters
        ----------
        path : str or Path
            The file; .npz is added to a name that does not end so.

        Returns
        -------
        Path
            The file written.
        """
        return write_map(self, with_ending(path, ".npz"))

    @staticmethod
    def load(path: str | Path) -> LayerMap:
        """Read a map that ``save`` wrote.

        Shapes are checked before memory is taken, then values: pairs within the units, atoms that are numbers.

        Parameters
        ----------
        path : str or Path
            The file, or the name that ``save`` got.

        Returns
        -------
        LayerMap
            The same map, bit by bit.

        Raises
        ------
        FileNotFoundError
            Without such a file.
        ValueError
            For a file that is broken or holds no map, with the reason.
        """
        check_arguments(LayerMap.load, locals())
        return LayerMap(**read_map(saved_as(path, ".npz")))

    def _lines(self) -> list[str]:
        constant, summary = len(self.units) - len(self.varying), self.summary()
        about = f"{len(self.units):,} units ({constant:,} constant), {len(self.pairs):,} pairs"
        names = ("redundancy", "unique_mean", "synergy")
        rows = [{"bits": "mean over pairs", **{name: summary[name] for name in names}}]
        if self.noise_floor:
            rows.append({"bits": "noise floor", **{name: summary[f"{name}_noise_floor"] for name in names}})
        how = [f"{name} {self.settings[name]}" for name in PRINTED if self.settings.get(name)]
        return [
            f"LayerMap {self.layer} by {self.measure}: {about}, {self.samples:,} samples",
            *(f"  {line}" for line in table(rows)),
            f"  widest gap {float(self.atoms.gap.max()):.2g} bits",
            *([f"  {', '.join(how)}"] if how else []),
            *(line for note in short_notes(self.notes) for line in wrapped(f"Note: {note}", "  ")),
        ]
