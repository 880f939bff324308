"""How far an atom may be off: 95 % intervals by the delta method, or by a grouped jackknife for other measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from pidnet.codes import Codes
from pidnet.codes.resampling import leave_groups_out
from pidnet.measures import Measure, find_measure
from pidnet.measures.atoms import Atoms
from pidnet.significance.delta_method import covariances
from pidnet.significance.nulls import TESTED
from pidnet.significance.plug_in import layer_atoms
from pidnet.tables.discrete import iterate_pair_tables

GROUPS = 20
COVERAGE = 0.95
REACH = 2.1  # standard errors: 1.96 and a little for the scatter of the correction, by benchmarks/sampling.py
JUMPS = (
    2.0  # times their variance, since the jumps of neighboring signs go together, by benchmarks/sampling.py
)
# Each atom as a sum of R, I1, I2 and I12.
ATOM_WEIGHTS = {
    "redundancy": (1, 0, 0, 0),
    "unique1": (-1, 1, 0, 0),
    "unique2": (-1, 0, 1, 0),
    "synergy": (1, -1, -1, 1),
}


@dataclass(frozen=True, eq=False)
class _Spread:
    """R, I1, I2, I12 as plug-in and corrected, (pair, 4), their covariances (pair, 4, 4), and the variance that
    jumps of R add to them, (pair,)."""

    plug_in: np.ndarray
    corrected: np.ndarray
    covariance: np.ndarray
    jumps: np.ndarray

    def ends(self, weights: tuple[int, int, int, int]) -> np.ndarray:
        """The interval of a weighted sum, (pair, 2).

        Close to 0 the estimate behaves like a sum of squares. The delta method then overstates its variance: it
        scales with I + b (b: the bias) where I + b/2 is correct, so the variance is multiplied by
        (1 + I/(I + b)) / 2, unless both units carry much information: then the half samples of the correction
        add as much again.
        """
        w = np.array(weights, dtype=np.float64)
        center, plug_in = self.corrected @ w, self.plug_in @ w
        variance = np.einsum("i,pij,j->p", w, self.covariance, w).clip(0)
        share = np.maximum(_kept(center, plug_in), self.reliable)
        variance = variance * (1 + share) / 2 + w[0] ** 2 * JUMPS * self.jumps
        half = REACH * np.sqrt(variance)
        return np.stack([center - half, center + half], 1)

    @property
    def reliable(self) -> np.ndarray:
        """What the correction leaves of the information of the weaker source, squared, (pair,)."""
        corrected, plug_in = (weaker[:, 1:3].min(1) for weaker in (self.corrected, self.plug_in))
        return _kept(corrected, plug_in) ** 2


def _kept(corrected: np.ndarray, plug_in: np.ndarray) -> np.ndarray:
    """corrected / plug-in within 0 and 1; 1 where there was nothing."""
    ratio = np.divide(corrected, plug_in, out=np.ones_like(plug_in), where=np.abs(plug_in) > 1e-12)
    return ratio.clip(0, 1)


def find_intervals(
    plug_in: Atoms, corrected: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """The 95 % interval of each atom of each pair.

    Measures with a known derivative get the delta method, at the cost of one map; see ``delta_intervals``. Others get
    a jackknife over 20 groups of samples, at the cost of 20 maps.

    Parameters
    ----------
    plug_in, corrected : Atoms
        Of all pairs of the layer.
    codes : Codes
        The samples behind them.
    layer : str
        Its name.
    measure : Measure
        A name, a measure or a function.
    rng : numpy.random.Generator
        Groups the samples.

    Returns
    -------
    dict of str to ndarray
        Atom -> (pair, 2), the ends of the interval about the corrected atom, bits.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> from pidnet.significance import find_intervals, layer_atoms
    >>> codes = pn.Codes.of({"layer": [[0, 0], [0, 1], [1, 0], [1, 1]] * 10}, [0, 0, 1, 1] * 10)
    >>> atoms = layer_atoms(codes, "layer", pn.MEASURES["i_mmi"])
    >>> ends = find_intervals(atoms, atoms, codes, "layer", pn.MEASURES["i_mmi"], np.random.default_rng(0))
    >>> ends["redundancy"].shape
    (1, 2)
    """
    measure = find_measure(measure)
    if measure.derivative:
        return delta_intervals(plug_in, corrected, codes, layer, measure)
    return jackknife_intervals(corrected, codes, layer, measure, rng)


def interval_method(measure: Measure) -> str:
    """The name of the intervals that a measure gets.

    Parameters
    ----------
    measure : Measure
        A name, a measure or a function.

    Returns
    -------
    str
        "delta method" or "jackknife".

    Examples
    --------
    >>> from pidnet.significance import interval_method
    >>> interval_method("i_broja")
    'delta method'
    """
    return "delta method" if find_measure(measure).derivative else "jackknife"


def delta_intervals(
    plug_in: Atoms, corrected: Atoms, codes: Codes, layer: str, measure: Measure
) -> dict[str, np.ndarray]:
    """corrected +- 2.1 standard errors from the derivative of the atom by the table.

    R and S of I_mmi are the smaller, its U the positive part, of quantities without a kink: the smaller of both
    lower ends and of both upper ends, and the positive part of the ends. Where atoms cannot be negative
    (``Measure.nonnegative``), no interval ends below 0: about an atom that is 0 it errs on one side only. Exact copies
    have no sampling error, but the correction leaves some 1e-5 to 1e-3 bits at 1,000 samples: no end is closer to the
    atom than the bias of one cell, 1 / (2 N ln 2) bits.
    """
    measure = find_measure(measure)
    derive = measure.derivative
    if derive is None:
        raise ValueError(f"the derivative of {measure.name} is not known; take jackknife_intervals")
    blocks = []
    for tables in iterate_pair_tables(codes, layer):
        derivative = derive(tables)
        jumps = np.zeros(len(tables)) if derivative.jumps is None else derivative.jumps
        blocks.append((covariances(tables, derivative), jumps))
    covariance, jumps = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    spread = _Spread(_known(plug_in), _known(corrected), covariance, jumps)
    if measure.kinks == "smaller information":
        found = _through_the_minimum(spread)
    else:
        found = {name: spread.ends(weights) for name, weights in ATOM_WEIGHTS.items()}
    least = 1 / (2 * len(codes) * np.log(2))
    for name, ends in found.items():
        center = getattr(corrected, name)
        ends[:, 0] = np.minimum(ends[:, 0], center - least)
        ends[:, 1] = np.maximum(ends[:, 1], center + least)
        if measure.nonnegative:
            ends[:, 1] = ends[:, 1].clip(min=0)
    return found


def _known(atoms: Atoms) -> np.ndarray:
    return np.stack([atoms.redundancy, atoms.information1, atoms.information2, atoms.total], 1)


def _through_the_minimum(spread: _Spread) -> dict[str, np.ndarray]:
    """R = min(I1, I2), U1 = max(I1 - I2, 0), U2 = max(I2 - I1, 0), S = min(I12 - I1, I12 - I2)."""
    difference = spread.ends((0, 1, -1, 0))
    return {
        "redundancy": np.minimum(spread.ends((0, 1, 0, 0)), spread.ends((0, 0, 1, 0))),
        "unique1": np.maximum(difference, 0),
        "unique2": np.maximum(-difference[:, ::-1], 0),
        "synergy": np.minimum(spread.ends((0, -1, 0, 1)), spread.ends((0, 0, -1, 1))),
    }


def jackknife_intervals(
    corrected: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """corrected +- t_19 se, se^2 = 19/20 sum_g (A_g - mean A)^2, with A_g the plug-in atoms without group g of
    20 random groups of samples. About atoms that are 0 by nature the intervals are too wide rather than too
    narrow, because the bias still scatters there.
    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 11.
    """
    draws = [layer_atoms(part, layer, measure) for part in leave_groups_out(codes, GROUPS, rng)]
    reach = t.ppf((1 + COVERAGE) / 2, GROUPS - 1) * np.sqrt(GROUPS - 1)
    intervals = {}
    for name in TESTED:
        half = reach * np.stack([getattr(draw, name) for draw in draws]).std(0)
        center = getattr(corrected, name)
        intervals[name] = np.stack([center - half, center + half], 1)
    return intervals
