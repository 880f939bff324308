"""Do the shares of the atoms change over depth? Paired tests, corrected for how many statements are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from pidnet.arguments import check_arguments
from pidnet.codes import Codes
from pidnet.maps._jackknife import jackknife_variance, shares_of, without_samples, without_units
from pidnet.maps.profiles import ATOMS, Maps, check_runs
from pidnet.optional import optional_module
from pidnet.printing import Printed, number, table

if TYPE_CHECKING:
    import pandas

MOST_ROWS = 10
Test = tuple[np.ndarray, np.ndarray, np.ndarray]  # change of the shares, its error and freedom, each (3,)


@dataclass(frozen=True, eq=False, repr=False)
class ShareClaims(Printed):
    """Changes of the shares of the atoms between layers, each tested. ``depth_claims`` makes it.

    Attributes
    ----------
    steps : tuple of (str, str)
        From which layer to which, one for each row.
    atoms : tuple of str
        Whose share: "redundancy", "unique_sum" or "synergy".
    change, low, high : ndarray, (row,)
        Share in the later layer less that in the earlier, with its 95 % interval.
    p_values, adjusted : ndarray, (row,)
        Two-sided p-values, alone and by Holm over all rows.
    over : str
        What the tests are over.

    Examples
    --------
    >>> import numpy as np
    >>> from pidnet.maps.claims import ShareClaims
    >>> change, p = np.array([0.2]), np.array([0.01])
    >>> claims = ShareClaims((("fc1", "fc2"),), ("synergy",), change, change - 0.1, change + 0.1, p, p, "units")
    >>> claims.holds()
    ('synergy rises from fc1 to fc2',)
    """

    steps: tuple[tuple[str, str], ...]
    atoms: tuple[str, ...]
    change: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p_values: np.ndarray
    adjusted: np.ndarray
    over: str

    def holds(self, alpha: float = 0.05) -> tuple[str, ...]:
        """Which statements hold with all others at this error rate, in words.

        Parameters
        ----------
        alpha : float
            Chance of one false statement or more.

        Returns
        -------
        tuple of str
            Such as "redundancy rises from fc1 to fc2".
        """
        said = []
        for (first, last), atom, change, p in zip(
            self.steps, self.atoms, self.change, self.adjusted, strict=True
        ):
            if p <= alpha:
                said.append(f"{atom} {'rises' if change > 0 else 'falls'} from {first} to {last}")
        return tuple(said)

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each statement; shares and p-values."""
        return optional_module("pandas").DataFrame(self._columns())

    def _columns(self) -> dict[str, Any]:
        first, last = zip(*self.steps, strict=True)
        bounds = {"change": self.change, "low": self.low, "high": self.high}
        return {
            "from": first,
            "to": last,
            "atom": self.atoms,
            **bounds,
            "p": self.p_values,
            "p_holm": self.adjusted,
        }

    def _lines(self) -> list[str]:
        columns = self._columns()
        rows = [
            {
                name: number(float(value)) if isinstance(value, float) else value
                for name, value in zip(columns, row, strict=True)
            }
            for row in zip(*columns.values(), strict=True)
        ]
        head = f"ShareClaims: changes of shares, 95 % intervals and p-values over {self.over}; p_holm over {len(rows)} rows"
        return [head, *table(rows, MOST_ROWS)]


def depth_claims(
    maps: Maps | Sequence[Maps],
    *,
    codes: Codes | None = None,
    atoms: Sequence[str] = ("redundancy", "synergy"),
    seed: int = 0,
) -> ShareClaims:
    """Test whether the shares of atoms change from each layer to the next, and from the first to the last.

    Parameters
    ----------
    maps : LayerMaps, or sequence of LayerMaps
        The maps of one network; or of several trained from different seeds, with the same layers.
    codes : Codes, optional
        What the maps of one network were made from. The tests then are over units and samples, at the cost of 20
        maps; without, over units alone.
    atoms : sequence of str
        "redundancy", "unique_sum", "synergy".
    seed : int
        Draws the groups of samples.

    Returns
    -------
    ShareClaims
        Each change with its interval, and p-values corrected for the number of statements.

    Raises
    ------
    ValueError
        For an unknown atom, fewer than two layers, and as ``profile`` does.

    Notes
    -----
    Paired: samples are left out of both layers at once, so that what they change in both cancels; of several
    networks, each is its own pair and the test is Student's t over the networks. Units of two layers are
    different ones, and their variances add. The freedom is that of Welch & Satterthwaite. Source of the
    correction: Holm 1979, Scand. J. Stat. 6, 65.

    Examples
    --------
    >>> import numpy as np, pidnet as pn
    >>> x = np.random.default_rng(0).integers(2, size=(400, 4))
    >>> codes = pn.Codes.of({"early": x, "late": x[:, :2].repeat(2, 1)}, x[:, 0] ^ x[:, 1])
    >>> runs = [pn.layer_maps(codes.take(np.arange(k, 400, 4)), "i_min") for k in range(4)]
    >>> pn.maps.depth_claims(runs, atoms=["synergy"]).steps
    (('early', 'late'),)
    """
    check_arguments(depth_claims, locals())
    runs = [maps] if isinstance(maps, Mapping) else list(maps)
    check_runs(runs, codes)
    if len(layers := tuple(runs[0])) < 2:
        raise ValueError(f"the maps have {len(layers)} layer; a change needs two")
    _check_atoms(atoms)
    steps = _steps(layers)
    if len(runs) > 1:
        return _tested([_over_networks(runs, step) for step in steps], steps, atoms, f"{len(runs)} networks")
    over = "units" if codes is None else "units and samples"
    return _tested(_over_units(runs[0], steps, codes, seed), steps, atoms, over)


def epoch_claims(
    maps: Mapping[int, Maps] | Sequence[Mapping[int, Maps]],
    *,
    atoms: Sequence[str] = ("redundancy", "synergy"),
) -> ShareClaims:
    """Test whether the shares of atoms change from one recorded epoch to the next, and from the first to the last.

    Parameters
    ----------
    maps : mapping of int to LayerMaps, or sequence of such
        The maps of one network by epoch, of the same units and samples; or of several trained from different seeds,
        with the same epochs and layers.
    atoms : sequence of str
        "redundancy", "unique_sum", "synergy".

    Returns
    -------
    ShareClaims
        Each change in each layer, its steps such as ("fc1 at 1", "fc1 at 20"), and p-values corrected for the number
        of statements.

    Raises
    ------
    ValueError
        For an unknown atom, fewer than two epochs, or networks with different epochs or layers.

    Notes
    -----
    Paired: of one network each unit is left out of both epochs at once; of several, each is its own pair. The test
    of one network does not cover retraining.

    Examples
    --------
    >>> import numpy as np, pidnet as pn
    >>> x = np.random.default_rng(0).integers(2, size=(400, 4))
    >>> early, late = (pn.Codes.of({"fc": v}, x[:, 0]) for v in (x, x[:, :1].repeat(4, 1)))
    >>> maps = {k: pn.layer_maps(codes, "i_mmi") for k, codes in ((1, early), (9, late))}
    >>> pn.maps.epoch_claims(maps, atoms=["redundancy"]).holds()
    ('redundancy rises from fc at 1 to fc at 9',)
    """
    check_arguments(epoch_claims, locals())
    networks = [maps] if isinstance(maps, Mapping) else list(maps)
    kinds = {(tuple(run), *(tuple(found) for found in run.values())) for run in networks}
    if len(kinds) != 1 or len(set(map(tuple, networks[0].values()))) != 1 or len(networks[0]) < 2:
        raise ValueError(
            "the maps are not of one set of at least two epochs and of the same layers at each; expected "
            "{epoch: layer_maps(...)} for each network"
        )
    _check_atoms(atoms)
    epochs, layers = list(networks[0]), next(iter(networks[0].values()))
    runs = [
        {f"{layer} at {epoch}": run[epoch][layer] for layer in layers for epoch in epochs} for run in networks
    ]
    steps = [step for layer in layers for step in _steps([f"{layer} at {epoch}" for epoch in epochs])]
    if len(runs) > 1:
        return _tested([_over_networks(runs, step) for step in steps], steps, atoms, f"{len(runs)} networks")
    return _tested([_over_same_units(runs[0], step) for step in steps], steps, atoms, "units")


def _steps(names: Sequence[str]) -> list[tuple[str, str]]:
    """From each to the next, and from the first to the last."""
    return [*pairwise(names), *([(names[0], names[-1])] if len(names) > 2 else [])]


def _check_atoms(atoms: Sequence[str]) -> None:
    for atom in atoms:
        if atom not in ATOMS:
            raise ValueError(f"no such atom: {atom!r}; expected {', '.join(ATOMS)}")


def _tested(
    tested: Sequence[Test], steps: Sequence[tuple[str, str]], atoms: Sequence[str], over: str
) -> ShareClaims:
    """The claims of changes with their errors and freedom."""
    chosen = [ATOMS.index(atom) for atom in atoms]
    change, error, freedom = (np.stack(part)[:, chosen].ravel() for part in zip(*tested, strict=True))
    half = stats.t.ppf(0.975, freedom) * error
    score = np.divide(np.abs(change), error, out=np.full_like(error, np.inf), where=error > 0)
    p_values = np.where(change == 0, 1.0, 2 * stats.t.sf(score, freedom))
    rows = tuple(step for step in steps for _ in atoms)
    return ShareClaims(
        rows, tuple(atoms) * len(steps), change, change - half, change + half, p_values, holm(p_values), over
    )


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values corrected for their number: at most one false statement with the chance alpha."""
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return adjusted


def _over_networks(runs: Sequence[Maps], step: tuple[str, str]) -> Test:
    """Change of the shares, its standard error and freedom, each (3,)."""
    moved = np.array([shares_of(run[step[1]].atoms) - shares_of(run[step[0]].atoms) for run in runs])
    return moved.mean(0), moved.std(0, ddof=1) / len(runs) ** 0.5, np.full(3, len(runs) - 1.0)


def _over_same_units(maps: Maps, step: tuple[str, str]) -> Test:
    """As ``_over_networks``, of one network: each unit is left out of both maps at once."""
    first, last = (maps[name] for name in step)
    if not np.array_equal(first.units, last.units):
        raise ValueError(f"{' and '.join(step)}: other units (constant ones go); map those that both have")
    moved = without_units(last) - without_units(first)
    error = np.sqrt(jackknife_variance(moved))
    return shares_of(last.atoms) - shares_of(first.atoms), error, np.full(3, len(moved) - 1.0)


def _over_units(maps: Maps, steps: Sequence[tuple[str, str]], codes: Codes | None, seed: int) -> list[Test]:
    """As ``_over_networks``, of each step."""
    shares = {name: shares_of(one.atoms) for name, one in maps.items()}
    units = {name: without_units(one) for name, one in maps.items()}
    samples = (
        {name: without_samples(one, codes, seed) for name, one in maps.items()} if codes is not None else {}
    )
    tested = []
    for first, last in steps:
        parts = [(jackknife_variance(left), len(left) - 1) for left in (units[first], units[last])]
        if samples:
            moved = samples[last] - samples[first]
            parts.append((jackknife_variance(moved), len(moved) - 1))
        total = np.sum([variance for variance, _ in parts], 0)
        spread = np.sum([variance**2 / freedom for variance, freedom in parts], 0)
        freedom = np.divide(total**2, spread, out=np.full(3, 1.0), where=spread > 0)
        tested.append((shares[last] - shares[first], np.sqrt(total), freedom))
    return tested
