"""How the information of pairs is made up, layer by layer over depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from pidnet.arguments import check_arguments
from pidnet.codes import Codes
from pidnet.files import Saved
from pidnet.maps._jackknife import half_width, shares_of
from pidnet.maps.layer_map import LayerMap
from pidnet.optional import optional_module
from pidnet.plots import plot_profile
from pidnet.printing import Printed, number, table

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ATOMS = ("redundancy", "unique_sum", "synergy")
MOST_ROWS = 9
Maps = Mapping[str, LayerMap]


@dataclass(frozen=True, eq=False, repr=False)
class Profile(Printed, Saved):
    """Shares of the information of the pairs of each layer: redundancy + unique_sum + synergy = 1.

    Attributes
    ----------
    layers : tuple of str
        Names, in the order of the maps.
    shares : dict of str to ndarray, (layer,)
        "redundancy", "unique_sum" (of both units) and "synergy": the sum of the atom over all pairs by the sum of
        I(Y;X1X2); nan for a layer without information.
    low, high : dict of str to ndarray, (layer,)
        Ends of the 95 % intervals of the shares.
    pair_information : ndarray of float, (layer,)
        Mean I(Y;X1X2) of a pair, bits.
    interval : str
        What the intervals are about: "units", "units and samples", or how many networks.
    measure : str
        Name of the measure of the maps.
    noise_floor : dict of str to ndarray, (layer,)
        Noise floor of the maps as shares; nan where they have none.

    Examples
    --------
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"fc1": [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]] * 50}, [0, 0, 1, 1] * 50)
    >>> found = pn.profile(pn.layer_maps(codes, "i_min", null="none"))
    >>> found.layers, found.pair_information.round(2)
    (('fc1',), array([1.]))
    """

    layers: tuple[str, ...]
    shares: dict[str, np.ndarray]
    low: dict[str, np.ndarray]
    high: dict[str, np.ndarray]
    pair_information: np.ndarray
    interval: str
    measure: str
    noise_floor: dict[str, np.ndarray]

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each layer: ``pair_information`` in bits, and the share of each atom with its interval."""
        pandas = optional_module("pandas")
        columns: dict[str, Any] = {"layer": self.layers, "pair_information": self.pair_information}
        for atom in ATOMS:
            columns |= {
                atom: self.shares[atom],
                f"{atom}_low": self.low[atom],
                f"{atom}_high": self.high[atom],
            }
        return pandas.DataFrame(columns)

    def to_xarray(self) -> xarray.Dataset:
        """Give share, low, high and noise_floor over (layer, atom), pair_information in bits over (layer,)."""
        xarray = optional_module("xarray")
        parts = {"share": self.shares, "low": self.low, "high": self.high, "noise_floor": self.noise_floor}
        tables: dict[str, Any] = {
            name: (("layer", "atom"), np.stack([values[atom] for atom in ATOMS], 1))
            for name, values in parts.items()
        }
        tables["pair_information"] = (("layer",), self.pair_information, {"units": "bits"})
        about = {"measure": self.measure, "interval": self.interval}
        return xarray.Dataset(tables, {"layer": list(self.layers), "atom": list(ATOMS)}, about)

    @classmethod
    def _restored(cls, stored: dict[str, Any]) -> Profile:
        return _checked(stored)

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw the shares over depth with their intervals; see ``pidnet.plots.plot_profile``.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Figure
            The figure drawn in.
        """
        return plot_profile(self, ax)

    def __str__(self) -> str:
        return "\n".join(self._lines(len(self.layers)))

    def _lines(self, most: int = MOST_ROWS) -> list[str]:
        rows = [
            {
                "layer": layer,
                "pair_information": number(float(bits)),
                **{atom: self._cell(atom, k) for atom in ATOMS},
            }
            for k, (layer, bits) in enumerate(zip(self.layers, self.pair_information, strict=True))
        ]
        about = f"shares with 95 % intervals over {self.interval}; pair_information in bits"
        return [f"Profile by {self.measure}: {about}", *table(rows, most)]

    def _cell(self, atom: str, layer: int) -> str:
        share, low, high = (ends[atom][layer] for ends in (self.shares, self.low, self.high))
        return f"{share:5.2f} ({low:5.2f},{high:5.2f})"


def profile(maps: Maps | Sequence[Maps], *, codes: Codes | None = None, seed: int = 0) -> Profile:
    """The make-up of the information of each layer, as shares.

    Parameters
    ----------
    maps : LayerMaps, or sequence of LayerMaps
        The maps of one network; or of several trained from different seeds, with the same layers.
    codes : Codes, optional
        What the maps of one network were made from: its intervals then also hold what other samples would change,
        at the cost of 20 maps.
    seed : int
        Draws the groups of samples.

    Returns
    -------
    Profile
        Shares with 95 % intervals, layer by layer.

    Raises
    ------
    ValueError
        For no maps, networks with different layers or measures, or codes with several networks or with a
        measure that has no name in ``MEASURES``.

    Notes
    -----
    share = sum over pairs of the atom / sum over pairs of I(Y;X1X2). Intervals of several networks are
    Student's t over the networks. Of one network they are share +- t se about what other units of the same kind
    would give; se comes from leaving out each unit with all its pairs, a jackknife of the U-statistic, so that
    pairs which share a unit do not count as independent. With codes, se also has a jackknife over 20 groups of
    samples. Unit noise is then counted twice, so the intervals are conservative. Neither interval covers
    retraining. nan with fewer than 3 non-constant units.
    Source: Arvesen 1969, Ann. Math. Stat. 40, 2076 (jackknifing U-statistics).

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (400, 4), generator=torch.Generator().manual_seed(0))
    >>> acts = pn.Activations({"fc1": x.float()}, x[:, 0] ^ x[:, 1], {"fc1": "none"})
    >>> found = pn.profile(pn.layer_maps(pn.quantize(acts, 2), "i_min"))
    >>> found.shares["synergy"].round(2)
    array([0.99])
    """
    check_arguments(profile, locals())
    runs = [maps] if isinstance(maps, Mapping) else list(maps)
    check_runs(runs, codes)
    layers = tuple(runs[0])
    shares = np.array([[shares_of(run[layer].atoms) for layer in layers] for run in runs])
    half = _half_widths(runs[0], codes, seed) if len(runs) == 1 else _half_width_of_runs(shares)
    mean = shares.mean(0)
    return Profile(
        layers=layers,
        shares=_by_atom(mean),
        low=_by_atom(mean - half),
        high=_by_atom(mean + half),
        pair_information=np.mean([[run[layer].atoms.total.mean() for layer in layers] for run in runs], 0),
        interval=_about(len(runs), codes),
        measure=runs[0][layers[0]].measure,
        noise_floor=_by_atom(np.mean([[_noise_floor(run[layer]) for layer in layers] for run in runs], 0)),
    )


def _checked(stored: dict[str, Any]) -> Profile:
    """The profile of a file; ValueError for shares that do not fit the layers."""
    fields: dict[str, Any] = {
        name: {atom: np.array(stored[name][atom], dtype=float) for atom in ATOMS}
        for name in ("shares", "low", "high", "noise_floor")
    }
    layers, bits = tuple(stored["layers"]), np.array(stored["pair_information"], dtype=float)
    if {bits.shape, *(values.shape for part in fields.values() for values in part.values())} != {
        (len(layers),)
    }:
        raise ValueError(f"shares do not fit the {len(layers)} layers")
    fields |= {name: str(stored[name]) for name in ("interval", "measure")}
    return Profile(layers=layers, pair_information=bits, **fields)


def check_runs(runs: Sequence[Maps], codes: Codes | None) -> None:
    """ValueError for maps that do not compare, or codes that do not go with them."""
    kinds = {(tuple(run), *{layer_map.measure for layer_map in run.values()}) for run in runs}
    if not runs or not runs[0]:
        raise ValueError("there are no maps; expected those of at least one layer, as layer_maps gives them")
    if len(kinds) > 1:
        raise ValueError(f"maps of {len(kinds)} kinds of layers and measures; expected one kind")
    if codes is not None and len(runs) > 1:
        raise ValueError(f"codes go with the maps of one network; these are maps of {len(runs)}")


def _about(networks: int, codes: Codes | None) -> str:
    if networks > 1:
        return f"{networks} networks"
    return "units" if codes is None else "units and samples"


def _by_atom(shares: np.ndarray) -> dict[str, np.ndarray]:
    return {atom: shares[:, k] for k, atom in enumerate(ATOMS)}


def _noise_floor(layer_map: LayerMap) -> np.ndarray:
    """The noise floor by the mean I(Y;X1X2), (3,); nan where the map has none."""
    total, floor = layer_map.atoms.total.mean(), layer_map.noise_floor
    if not floor or not total > 0:
        return np.full(3, np.nan)
    bits = [floor["redundancy"], floor["unique1"] + floor["unique2"], floor["synergy"]]
    return np.array(bits) / total


def _half_width_of_runs(shares: np.ndarray) -> np.ndarray:
    """Half the width of Student's intervals of the mean over networks, (layer, 3)."""
    networks = len(shares)
    return stats.t.ppf(0.975, networks - 1) * shares.std(0, ddof=1) / networks**0.5


def _half_widths(maps: Maps, codes: Codes | None, seed: int) -> np.ndarray:
    """Half the width of the jackknife intervals of each layer, (layer, 3)."""
    return np.array([half_width(layer_map, codes, seed) for layer_map in maps.values()])
