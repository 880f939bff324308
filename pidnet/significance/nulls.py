"""What chance gives: p-values of atoms against permuted codes, and the sampling floor of a layer.

A p-value is the share of null values at least as large as the observed one, with the observed one counted in.
Four permutations suffice for a layer of some hundred pairs, because its pairs share one null distribution after
each is centered and scaled by its own null draws; a spread common to all pairs is added to each pair's own, as
in Tusher et al. 2001 (PNAS 98, 5116), so that a pair with a tiny spread does not rule the pool. Beyond the
largest pooled scores the tail is that of a generalized Pareto distribution.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.stats import genpareto

from pidnet.codes import Codes
from pidnet.codes.resampling import permute_labels, permute_sources
from pidnet.measures import Measure
from pidnet.measures.atoms import Atoms
from pidnet.printing import Registry
from pidnet.significance.corrections import Correction, corrected_atoms
from pidnet.significance.plug_in import layer_atoms
from pidnet.tables import shannon
from pidnet.tables.discrete import permuted_unit_tables, unit_tables

TESTED = ("redundancy", "unique1", "unique2", "synergy")
FEWEST_PERMUTATIONS, MOST_PERMUTATIONS = 4, 20
POOL = 2000
TAIL_SHARE, FEWEST_IN_TAIL = 0.04, 20
UNIT_PERMUTATIONS = 50
FLOOR_UNITS = 24
FLOOR_SHARE = 0.95
ROUNDING = 1e-9

Null = Callable[[Atoms, Codes, str, Measure, np.random.Generator], dict[str, np.ndarray]]


def no_null(
    plug_in: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """No p-values."""
    return {}


def against_units(
    plug_in: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Redundancy needs two informative units: p = max(p1, p2), each the p-value of I(Y;X) of a unit
    under permuted labels (an intersection-union test). No further map; stricter than ``against_labels``.
    """
    informed = unit_p_values(codes, layer, rng)
    return {"redundancy": informed[codes.layer(layer).pairs].max(1)}


def against_labels(
    plug_in: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Each atom against permuted labels: "the pair carries no information about the target".

    A small p-value shows that the pair is informative, not which atom it is: one informed unit alone also
    raises the plug-in redundancy of its pairs above this null. ``against_units`` asks both units.
    """
    return _permutation_test(plug_in, codes, layer, measure, (permute_labels, rng))


def against_sources(
    plug_in: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Each atom against sources permuted within each class: "the two units are independent given the class". What a unit carries by itself stays, and with it every atom that
    depends on nothing else: such an atom has p = 1 (R, U1, U2 of i_min, i_mmi, i_broja).
    """
    return _permutation_test(plug_in, codes, layer, measure, (permute_sources, rng))


NULLS: dict[str, Null] = Registry(
    "nulls",
    {
        "none": no_null,
        "units": against_units,
        "labels": against_labels,
        "sources": against_sources,
    },
)


def unit_p_values(codes: Codes, layer: str, rng: np.random.Generator) -> np.ndarray:
    """p-value of I(Y;X) of each unit under permuted labels, (unit,); 1 for constant units."""
    observed = shannon.mutual_information(unit_tables(codes, layer))
    varying = codes.layer(layer).varying
    p_values = np.ones(len(observed))
    p_values[varying] = pooled_p_values(observed[varying], _unit_null(codes, layer, rng)[:, varying])
    return p_values


def pooled_p_values(
    observed: np.ndarray, null: np.ndarray, tolerance: float | np.ndarray = ROUNDING
) -> np.ndarray:
    """Upper-tail p-values (pair,) of observed (pair,) against null draws (draw, pair), pooled over pairs.

    Every value, observed or null, is standardized by as many other null draws of its pair, so that under
    the null all are exchangeable: p = (1 + null scores at or above) / (1 + all null scores), and in the upper
    tail what ``tail_p_values`` gives. A pair whose null draws all lie within ``tolerance`` of the observed
    value has p = 1.
    """
    draws, pairs = null.shape
    centers = (null.sum(0) - null) / (draws - 1)
    spreads = np.sqrt(np.maximum(((null**2).sum(0) - null**2) / (draws - 1) - centers**2, 0))
    common = np.median(spreads) + ROUNDING
    scores = np.sort(((null - centers) / (spreads + common)).ravel())
    observed_scores = (observed - centers[-1]) / (spreads[-1] + common)
    above = scores.size - np.searchsorted(scores, observed_scores - ROUNDING)
    unchanged = np.abs(null - observed).max(0) <= tolerance
    ranked = (1 + above) / (1 + draws * pairs)
    tail = tail_p_values(observed_scores, scores)
    return np.where(unchanged, 1.0, np.where(tail < 1, tail, ranked))


def tail_p_values(observed: np.ndarray, null: np.ndarray) -> np.ndarray:
    """p-values beyond a threshold t with a share k/n of the sorted null scores above it, 1 elsewhere:

        k/n (1 + shape (x - t) / scale)^(-1/shape),   exp( -(x - t)/scale ) for shape 0,

    with shape and scale from mean and variance of the excesses. The shape is at least 0: a tail that ends would
    give p = 0. Without ``FEWEST_IN_TAIL`` excesses all are 1.
    Source: Knijnenburg, Wessels, Reinders & Shmulevich 2009, Bioinformatics 25, i161.
    """
    count = round(TAIL_SHARE * len(null))
    if count < FEWEST_IN_TAIL:
        return np.ones(len(observed))
    threshold = null[-count - 1]
    excess = null[-count:] - threshold
    mean, variance = excess.mean(), excess.var()
    if not variance > 0:
        return np.ones(len(observed))
    shape = max(0.0, (1 - mean**2 / variance) / 2)
    beyond = np.maximum(observed - threshold, 0)
    tail = genpareto.sf(beyond, shape, scale=mean * (1 - shape))
    return np.where(observed > threshold, count / len(null) * tail, 1.0)


def sampling_floor(
    codes: Codes, layer: str, measure: Measure, correction: Correction, rng: np.random.Generator
) -> dict[str, float]:
    """Noise floor: the 95th percentile of each atom over pairs of units whose labels were permuted.

    Parameters
    ----------
    codes : Codes
        The samples; the pairs of up to 24 of the layer's units are looked at.
    layer : str
        Its name.
    measure : Measure
        A name, a measure or a function.
    correction : callable
        Of the sampling bias, the same as for the map.
    rng : numpy.random.Generator
        Draws the units and permutes the labels.

    Returns
    -------
    dict of str to float
        Atom -> bits, at least 0.

    Examples
    --------
    >>> import numpy as np
    >>> import pidnet as pn
    >>> from pidnet.significance import CORRECTIONS, sampling_floor
    >>> codes = pn.Codes.of({"layer": [[0, 0], [0, 1], [1, 0], [1, 1]] * 10}, [0, 0, 1, 1] * 10)
    >>> floor = sampling_floor(codes, "layer", pn.MEASURES["i_mmi"], CORRECTIONS["none"], np.random.default_rng(0))
    >>> list(floor)
    ['redundancy', 'unique1', 'unique2', 'synergy']
    """
    varying = codes.layer(layer).varying
    chosen = np.sort(rng.choice(varying, min(FLOOR_UNITS, len(varying)), replace=False))
    empty = permute_labels(codes.take_layer(layer, chosen), rng)
    atoms = corrected_atoms(empty, layer, measure, correction, rng)[1]
    unique = np.concatenate([atoms.unique1, atoms.unique2])
    values = {"redundancy": atoms.redundancy, "unique1": unique, "unique2": unique, "synergy": atoms.synergy}
    return {name: max(0.0, float(np.quantile(bits, FLOOR_SHARE))) for name, bits in values.items()}


def _permutation_test(
    plug_in: Atoms, codes: Codes, layer: str, measure: Measure, permutation
) -> dict[str, np.ndarray]:
    permute, rng = permutation
    enough = -(-POOL // len(plug_in))
    count = min(max(enough, FEWEST_PERMUTATIONS), MOST_PERMUTATIONS)
    draws = [layer_atoms(permute(codes, rng), layer, measure) for _ in range(count)]
    tolerance = ROUNDING + plug_in.gap + np.max([draw.gap for draw in draws], 0)
    return {
        name: pooled_p_values(
            getattr(plug_in, name), np.stack([getattr(draw, name) for draw in draws]), tolerance
        )
        for name in TESTED
    }


def _unit_null(codes: Codes, layer: str, rng: np.random.Generator) -> np.ndarray:
    """I(Y;X) of each unit under permuted labels, (draw, unit)."""
    alone = codes.take_layer(layer)
    targets = np.stack([permute_labels(alone, rng).target.numpy() for _ in range(UNIT_PERMUTATIONS)])
    return np.stack([shannon.mutual_information(p) for p in permuted_unit_tables(alone, layer, targets)])
