"""How far an atom may be off: 95 % intervals from a grouped jackknife."""

from __future__ import annotations

import numpy as np
from scipy.stats import t

from pidnet.measures import Measure
from pidnet.measures.atoms import Atoms
from pidnet.quantization import Codes
from pidnet.significance.nulls import TESTED
from pidnet.significance.plug_in import layer_atoms
from pidnet.significance.resampling import leave_groups_out

GROUPS = 20
COVERAGE = 0.95


def jackknife_intervals(
    corrected: Atoms, codes: Codes, layer: str, measure: Measure, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Atom -> (pair, 2), the ends of the 95 % interval about the corrected atom, bits.

    corrected +- t_19 se, se^2 = 19/20 sum_g (A_g - mean A)^2, with A_g the plug-in atoms without group g of
    20 random groups of samples. Costs 20 maps. About atoms that are 0 by nature the intervals are too wide
    rather than too narrow, because the bias still scatters there.
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
