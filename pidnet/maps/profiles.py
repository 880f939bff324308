"""How the information of pairs is made up, layer by layer over depth, and epoch by epoch over training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from torch import Tensor, nn

from pidnet.activations import capture
from pidnet.codes.quantizing import Codes, equal_mass, quantize
from pidnet.codes.resampling import leave_groups_out, take_layer
from pidnet.maps import LayerMap, layer_maps
from pidnet.measures import MEASURES
from pidnet.measures.atoms import Atoms
from pidnet.optional import optional_module
from pidnet.significance import layer_atoms

if TYPE_CHECKING:
    import pandas
    import xarray

ATOMS = ("redundancy", "unique_sum", "synergy")
ATOM_NAMES = ("redundancy", "unique1", "unique2", "synergy")
GROUPS = 20
Maps = Mapping[str, LayerMap]


@dataclass(frozen=True, eq=False)
class Profile:
    """Shares of the information of the pairs of each layer: redundancy + unique_sum + synergy = 1.

    layers: names, in the order of the maps. shares: atom -> (layer,), the sum of the atom over all pairs by
    the sum of I(Y;X1X2); ``unique_sum`` adds both units. low, high: atom -> (layer,), 95 % intervals.
    pair_information: (layer,), mean I(Y;X1X2) of a pair, bits. interval: what the intervals are about.
    measure: of the maps. noise_floor: atom -> (layer,), the noise floor of the maps as shares, nan where they
    have none.
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
        """One row a layer: pair_information, and the share of each atom with its interval."""
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
        """share, low and high over (layer, atom), pair_information over (layer,)."""
        xarray = optional_module("xarray")
        parts = {"share": self.shares, "low": self.low, "high": self.high}
        tables: dict[str, Any] = {
            name: (("layer", "atom"), np.stack([values[atom] for atom in ATOMS], 1))
            for name, values in parts.items()
        }
        tables["pair_information"] = (("layer",), self.pair_information, {"units": "bits"})
        about = {"measure": self.measure, "interval": self.interval}
        return xarray.Dataset(tables, {"layer": list(self.layers), "atom": list(ATOMS)}, about)

    def __str__(self) -> str:
        """The table that a person reads."""
        width = max(map(len, self.layers))
        lines = [f"{'layer':{width}}  {'bits':>6}  " + "  ".join(f"{atom:>18}" for atom in ATOMS)]
        for k, layer in enumerate(self.layers):
            cells = [
                f"{self.shares[a][k]:5.2f} ({self.low[a][k]:5.2f},{self.high[a][k]:5.2f})" for a in ATOMS
            ]
            lines.append(
                f"{layer:{width}}  {self.pair_information[k]:6.3f}  " + "  ".join(f"{c:>18}" for c in cells)
            )
        return "\n".join([*lines, f"{self.measure}; 95 % intervals over {self.interval}"])


def profile(maps: Maps | Sequence[Maps], *, codes: Codes | None = None, seed: int = 0) -> Profile:
    """The make-up of each layer, normalized by its information.

    maps: the maps of one network; or of several trained from different seeds, with the same layers.
    Intervals: of several networks, Student's t over the networks. Of one, share +- t se about what other units
    of the same kind would give, se from leaving out each unit with all its pairs (a jackknife of the
    U-statistic, so that pairs which share a unit are not taken for independent). With the ``codes`` that the
    maps were made from, se also holds what other samples would change: a jackknife over 20 groups of samples,
    which ``seed`` draws, at the cost of 20 maps; noise of single units then counts twice, so these intervals
    are rather too wide. Neither speaks about another training. nan for fewer than 3 units that vary.
    Source: Arvesen 1969, Ann. Math. Stat. 40, 2076 (jackknifing U-statistics).
    Raises ValueError for no maps, networks with different layers or measures, or codes with several networks
    or with a measure that has no name in ``MEASURES``.
    """
    runs = [maps] if isinstance(maps, Mapping) else list(maps)
    kinds = {(tuple(run), *{map.measure for map in run.values()}) for run in runs}
    if len(kinds) != 1 or not runs[0]:
        raise ValueError(f"maps of {len(kinds)} kinds of layers and measures; expected one kind")
    if codes is not None and len(runs) > 1:
        raise ValueError(f"codes go with the maps of one network; these are maps of {len(runs)}")
    layers = tuple(runs[0])
    shares = np.array([[_shares(run[layer].atoms) for layer in layers] for run in runs])
    if len(runs) == 1:
        half = np.array([_reach(map, codes, seed) for map in runs[0].values()])
        interval = "units" if codes is None else "units and samples"
    else:
        half = stats.t.ppf(0.975, len(runs) - 1) * shares.std(0, ddof=1) / len(runs) ** 0.5
        interval = f"{len(runs)} networks"
    totals = [[run[layer].atoms.total.mean() for layer in layers] for run in runs]
    return Profile(
        layers=layers,
        shares=_by_atom(shares.mean(0)),
        low=_by_atom(shares.mean(0) - half),
        high=_by_atom(shares.mean(0) + half),
        pair_information=np.mean(totals, 0),
        interval=interval,
        measure=runs[0][layers[0]].measure,
        noise_floor=_by_atom(np.mean([[_floor(run[layer]) for layer in layers] for run in runs], 0)),
    )


def _by_atom(table: np.ndarray) -> dict[str, np.ndarray]:
    return {atom: table[:, k] for k, atom in enumerate(ATOMS)}


def _sums(atoms: Atoms) -> np.ndarray:
    """Redundancy, unique (of both units), synergy and total of each pair, (4, pair)."""
    return np.stack([atoms.redundancy, atoms.unique1 + atoms.unique2, atoms.synergy, atoms.total])


def _shares(atoms: Atoms) -> np.ndarray:
    """Redundancy, unique, synergy by total, (3,); nan where the layer knows nothing."""
    *parts, total = _sums(atoms).sum(1)
    return np.array(parts) / total if total > 0 else np.full(3, np.nan)


def _floor(map: LayerMap) -> np.ndarray:
    """The noise floor by the mean I(Y;X1X2), (3,); nan where the map has none."""
    total, floor = map.atoms.total.mean(), map.noise_floor
    redundancy, unique1, unique2, synergy = (floor.get(atom, np.nan) for atom in ATOM_NAMES)
    bits = [redundancy, unique1 + unique2, synergy]
    return np.array(bits) / total if total > 0 else np.full(3, np.nan)


def _reach(map: LayerMap, codes: Codes | None, seed: int) -> np.ndarray:
    """Half the width of the 95 % intervals of the shares, (3,)."""
    parts = [_without_units(map)]
    if codes is not None:
        parts.append(_without_samples(map, codes, seed))
    variances = np.array([_jackknife_variance(left) for left in parts])
    freedom = np.array([len(left) - 1 for left in parts])[:, None]
    total = variances.sum(0)
    # Welch & Satterthwaite: the freedom of a sum of variances that were estimated apart.
    spread = (variances**2 / freedom).sum(0)
    together = np.divide(total**2, spread, out=np.full(3, float(freedom[0, 0])), where=spread > 0)
    return stats.t.ppf(0.975, together) * np.sqrt(total)


def _jackknife_variance(left: np.ndarray) -> np.ndarray:
    """(n - 1) / n sum_k (share without k - their mean)^2, (3,)."""
    return (len(left) - 1) * left.var(0)


def _without_units(map: LayerMap) -> np.ndarray:
    """The shares without each unit and its pairs, (unit, 3); nan where nothing is left."""
    units, pairs = np.unique(map.pairs, return_inverse=True)
    first, second = pairs.reshape(map.pairs.shape).T
    left = []
    for part in _sums(map.atoms):
        own = np.bincount(first, part, len(units)) + np.bincount(second, part, len(units))
        left.append(part.sum() - own)
    *parts, total = left
    known = total > (1e-12 if len(units) > 2 else np.inf)
    return np.stack([np.divide(p, total, out=np.full(len(units), np.nan), where=known) for p in parts], 1)


def _without_samples(map: LayerMap, codes: Codes, seed: int) -> np.ndarray:
    """The plug-in shares without each of 20 groups of samples, (group, 3)."""
    if map.measure not in MEASURES:
        raise ValueError(f"the measure {map.measure!r} has no name in MEASURES; leave out codes=")
    measure, rng = MEASURES[map.measure], np.random.default_rng(seed)
    layer = take_layer(codes, map.layer)
    draws = leave_groups_out(layer, GROUPS, rng)
    return np.stack([_shares(layer_atoms(part, map.layer, measure)) for part in draws])


class Recorder:
    """Profiles of a network while it trains.

    In a plain loop call it after an epoch: ``recorder(model, epoch)``. For Lightning, write
    ``class Callback(Recorder, lightning.Callback): ...``: it hears ``on_train_epoch_end``.
    ``steps`` and ``profiles`` hold what was recorded.

    calibration: (x, y), as for ``capture``. layers: names, or None for all. every: record each so many
    epochs. levels: of the codes. maps: Codes -> layer maps, for a measure or correction of your own, e.g.
    ``partial(layer_maps, measure="i_min")``.
    """

    def __init__(
        self,
        calibration: tuple[Tensor, Tensor],
        layers: Sequence[str] | None = None,
        *,
        every: int = 1,
        levels: int = 4,
        maps: Callable[..., Maps] = layer_maps,
    ) -> None:
        super().__init__()
        if every < 1:
            raise ValueError(f"every={every}; expected at least 1")
        self.calibration, self.layers = calibration, layers
        self.every, self.levels, self.maps = every, levels, maps
        self.steps: list[int] = []
        self.profiles: list[Profile] = []

    def __call__(self, model: nn.Module, step: int) -> None:
        """Record the model as it is now, when ``step`` is a multiple of ``every``."""
        if step % self.every:
            return
        acts = capture(model, self.calibration, self.layers)
        self.profiles.append(profile(self.maps(quantize(acts, self.levels, equal_mass))))
        self.steps.append(step)

    def on_train_epoch_end(self, trainer: Any, pl_module: nn.Module) -> None:
        """What Lightning calls after each epoch."""
        self(pl_module, trainer.current_epoch + 1)

    def to_pandas(self) -> pandas.DataFrame:
        """One row a layer and step."""
        pandas = optional_module("pandas")
        tables = [p.to_pandas().assign(step=step) for step, p in zip(self.steps, self.profiles, strict=True)]
        return pandas.concat(tables, ignore_index=True)
