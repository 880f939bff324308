"""Intervals of shares by leaving out units, or groups of samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from pidnet.codes import Codes
from pidnet.codes.resampling import leave_groups_out
from pidnet.maps.layer_map import LayerMap
from pidnet.measures import MEASURES
from pidnet.measures.atoms import Atoms
from pidnet.significance import layer_atoms

GROUPS = 20


def half_width(layer_map: LayerMap, codes: Codes | None, seed: int) -> np.ndarray:
    """Half the width of the 95 % intervals of the shares of one layer, (3,)."""
    parts = [without_units(layer_map)]
    if codes is not None:
        parts.append(without_samples(layer_map, codes, seed))
    variances = np.array([jackknife_variance(left) for left in parts])
    freedom = np.array([len(left) - 1 for left in parts])[:, None]
    total = variances.sum(0)
    # Welch & Satterthwaite: the freedom of a sum of variances that were estimated apart.
    spread = (variances**2 / freedom).sum(0)
    together = np.divide(total**2, spread, out=np.full(3, float(freedom[0, 0])), where=spread > 0)
    return stats.t.ppf(0.975, together) * np.sqrt(total)


def jackknife_variance(left: np.ndarray) -> np.ndarray:
    """(n - 1) / n sum_k (share without k - their mean)^2, (3,)."""
    return (len(left) - 1) * left.var(0)


def without_units(layer_map: LayerMap) -> np.ndarray:
    """The shares without each unit and its pairs, (unit, 3); nan where nothing is left."""
    first, second = np.ascontiguousarray(layer_map.pairs.T, dtype=np.intp)
    varying, width = layer_map.varying, len(layer_map.units)
    left = []
    for part in _sums(layer_map.atoms):
        own = np.bincount(first, part, width) + np.bincount(second, part, width)
        left.append(part.sum() - own[varying])
    *parts, total = left
    informed = total > (1e-12 if len(varying) > 2 else np.inf)
    return np.stack(
        [np.divide(part, total, out=np.full(len(varying), np.nan), where=informed) for part in parts], 1
    )


def without_samples(layer_map: LayerMap, codes: Codes, seed: int) -> np.ndarray:
    """The plug-in shares without each of 20 groups of samples, (group, 3)."""
    if layer_map.measure not in MEASURES:
        raise ValueError(f"the measure {layer_map.measure!r} has no name in MEASURES; leave out codes=")
    measure, rng = MEASURES[layer_map.measure], np.random.default_rng(seed)
    layer = codes.take_layer(layer_map.layer)
    draws = leave_groups_out(layer, GROUPS, rng)
    return np.stack([shares_of(layer_atoms(part, layer_map.layer, measure)) for part in draws])


def _sums(atoms: Atoms) -> Iterator[np.ndarray]:
    """Redundancy, unique information of both units, synergy and total of each pair, (pair,) each."""
    yield from (atoms.redundancy, atoms.unique1 + atoms.unique2, atoms.synergy, atoms.total)


def shares_of(atoms: Atoms) -> np.ndarray:
    """Redundancy, unique information and synergy by total, (3,); nan for a layer without information."""
    *parts, total = (part.sum() for part in _sums(atoms))
    return np.array(parts) / total if total > 0 else np.full(3, np.nan)
