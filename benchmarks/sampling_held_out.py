"""Coverage of intervals on families of tables on which they were not tuned; ``benchmarks.sampling`` makes the table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import pidnet as pn
from benchmarks.families import FAMILIES
from pidnet.codes import Codes
from pidnet.measures.atoms import NAMES
from pidnet.significance import CORRECTIONS, find_intervals, layer_atoms

LAYER = "layer"
LEVELS, CLASSES, SAMPLES = 4, 10, 1000

Row = dict[str, str | int | float | None]


def held_out_coverage(layers: int = 150) -> Iterator[Row]:
    """How often 95 % intervals hold the truth: atoms that are not 0, and those that are; layers of one pair each."""
    for family in FAMILIES:
        for name in pn.MEASURES:
            parts = [_covered(family, name, seed) for seed in range(layers)]
            held, true = (np.stack(part, 1) for part in zip(*parts, strict=True))
            zero = np.abs(true) < 1e-5
            shares = {atom: _share(held[k], ~zero[k]) for k, atom in enumerate(NAMES)}
            yield {
                "family": family,
                "measure": name,
                **shares,
                "not 0": _share(held, ~zero),
                "0": _share(held, zero),
            }


def _covered(family: str, name: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether the interval of each atom holds the truth, and the truth, (atom,)."""
    rng = np.random.default_rng([5, seed, list(FAMILIES).index(family)])
    p, measure = FAMILIES[family](rng, LEVELS, CLASSES), pn.MEASURES[name]
    true = np.concatenate(
        [values for _, values in measure(pn.PairTables(np.full((1, 2), -1), p[None])).items()]
    )
    first, second, target = np.unravel_index(rng.choice(p.size, SAMPLES, p=p.ravel() / p.sum()), p.shape)
    codes = Codes.of({LAYER: np.stack([first, second], 1)}, target, LEVELS)
    plug_in = layer_atoms(codes, LAYER, measure)
    atoms = CORRECTIONS["mixture"](plug_in, codes, LAYER, measure, rng)
    ends = find_intervals(plug_in, atoms, codes, LAYER, measure, rng)
    low, high = np.concatenate([ends[atom] for atom in NAMES]).T
    return (low - 1e-6 <= true) & (true <= high + 1e-6), true


def _share(held: np.ndarray, chosen: np.ndarray) -> float | None:
    """Share of the chosen intervals that hold the truth; None where fewer than 100 are chosen."""
    return float(held[chosen].mean()) if chosen.sum() >= 100 else None
