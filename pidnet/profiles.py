"""How the information of pairs is made up, layer by layer over depth, and epoch by epoch over training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats
from torch import Tensor, nn

from pidnet.activations import capture
from pidnet.maps import LayerMap, layer_maps
from pidnet.quantization import equal_mass, quantize

if TYPE_CHECKING:
    import pandas

ATOMS = ("redundancy", "unique", "synergy")
Maps = Mapping[str, LayerMap]


@dataclass(frozen=True, eq=False)
class Profile:
    """Shares of the information of the pairs of each layer: redundancy + unique + synergy = 1.

    layers: names, in the order of the maps. shares: atom -> (layer,), the sum of the atom over all pairs by
    the sum of I(Y;X1X2); ``unique`` adds both units. low, high: atom -> (layer,), 95 % intervals.
    information: (layer,), mean I(Y;X1X2) of a pair, bits. interval: what the intervals are about.
    measure: of the maps. floor: atom -> (layer,), the shares that 95 % of pairs which know nothing stay below, nan
    where the maps have none.
    """

    layers: tuple[str, ...]
    shares: dict[str, np.ndarray]
    low: dict[str, np.ndarray]
    high: dict[str, np.ndarray]
    information: np.ndarray
    interval: str
    measure: str
    floor: dict[str, np.ndarray]

    def to_pandas(self) -> pandas.DataFrame:
        """One row a layer: information, and the share of each atom with its interval."""
        import pandas

        columns: dict[str, Any] = {"layer": self.layers, "information": self.information}
        for atom in ATOMS:
            columns |= {
                atom: self.shares[atom],
                f"{atom}_low": self.low[atom],
                f"{atom}_high": self.high[atom],
            }
        return pandas.DataFrame(columns)

    def __str__(self) -> str:
        """The table that a person reads."""
        width = max(map(len, self.layers))
        lines = [f"{'layer':{width}}  {'bits':>6}  " + "  ".join(f"{atom:>18}" for atom in ATOMS)]
        for k, layer in enumerate(self.layers):
            cells = [
                f"{self.shares[a][k]:5.2f} ({self.low[a][k]:5.2f},{self.high[a][k]:5.2f})" for a in ATOMS
            ]
            lines.append(
                f"{layer:{width}}  {self.information[k]:6.3f}  " + "  ".join(f"{c:>18}" for c in cells)
            )
        return "\n".join([*lines, f"{self.measure}; 95 % intervals over {self.interval}"])


def profile(maps: Maps | Sequence[Maps], *, draws: int = 200, seed: int = 0) -> Profile:
    """The make-up of each layer, normalized by its information.

    maps: the maps of one network; or of several trained from different seeds, with the same layers.
    Intervals: of one network, a bootstrap over the units of the layer (``draws`` of them), which says how
    much hangs on single units and nothing about samples or training; of several, Student's t over the
    networks. Raises ValueError for no maps, or networks with different layers or measures.
    """
    runs = [maps] if isinstance(maps, Mapping) else list(maps)
    kinds = {(tuple(run), *{map.measure for map in run.values()}) for run in runs}
    if len(kinds) != 1 or not runs[0]:
        raise ValueError(f"maps of {len(kinds)} kinds of layers and measures; expected one kind")
    layers = tuple(runs[0])
    shares = np.array([[_shares(run[layer]) for layer in layers] for run in runs])
    if len(runs) == 1:
        rng = np.random.default_rng(seed)
        ends = np.array([_over_units(map, draws, rng) for map in runs[0].values()])
        low, high = ends[:, 0], ends[:, 1]
    else:
        low, high = _over_runs(shares)
    totals = [[run[layer].atoms.total.mean() for layer in layers] for run in runs]
    return Profile(
        layers=layers,
        shares=_by_atom(shares.mean(0)),
        low=_by_atom(low),
        high=_by_atom(high),
        information=np.mean(totals, 0),
        interval="units" if len(runs) == 1 else f"{len(runs)} networks",
        measure=runs[0][layers[0]].measure,
        floor=_by_atom(np.mean([[_floor(run[layer]) for layer in layers] for run in runs], 0)),
    )


def _by_atom(table: np.ndarray) -> dict[str, np.ndarray]:
    return {atom: table[:, k] for k, atom in enumerate(ATOMS)}


def _parts(map: LayerMap) -> tuple[np.ndarray, ...]:
    atoms = map.atoms
    return atoms.redundancy, atoms.unique1 + atoms.unique2, atoms.synergy


def _shares(map: LayerMap) -> np.ndarray:
    """Redundancy, unique, synergy by total, (3,); nan where the layer knows nothing."""
    total = map.atoms.total.sum()
    return np.array([part.sum() / total if total > 0 else np.nan for part in _parts(map)])


def _floor(map: LayerMap) -> np.ndarray:
    """The sampling floor by the mean I(Y;X1X2), (3,); ``unique`` is that of both units. nan where not known."""
    total, floor = map.atoms.total.mean(), map.floor
    bits = [floor.get("redundancy", np.nan), 2 * floor.get("unique", np.nan), floor.get("synergy", np.nan)]
    return np.array(bits) / total if total > 0 else np.full(3, np.nan)


def _over_units(map: LayerMap, draws: int, rng: np.random.Generator) -> np.ndarray:
    """2.5 and 97.5 % points (2, 3) of the shares when units are drawn again; a pair weighs w_i w_j."""
    units, pairs = np.unique(map.pairs, return_inverse=True)
    first, second = pairs.reshape(map.pairs.shape).T
    weights = rng.multinomial(len(units), np.full(len(units), 1 / len(units)), size=draws)
    drawn = []
    for part in (*_parts(map), map.atoms.total):
        matrix = np.zeros((len(units), len(units)))
        matrix[first, second] = part
        drawn.append(np.einsum("di,di->d", weights @ matrix, weights))
    *parts, total = drawn
    known = total > 0
    if not known.any():
        return np.full((2, 3), np.nan)
    return np.percentile([part[known] / total[known] for part in parts], [2.5, 97.5], axis=1)


def _over_runs(shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean -+ t * standard error over networks (run, layer, atom)."""
    runs = len(shares)
    error = stats.t.ppf(0.975, runs - 1) * shares.std(0, ddof=1) / runs**0.5
    return shares.mean(0) - error, shares.mean(0) + error


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
        import pandas

        tables = [p.to_pandas().assign(step=step) for step, p in zip(self.steps, self.profiles, strict=True)]
        return pandas.concat(tables, ignore_index=True)
