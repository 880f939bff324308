"""Bias, coverage and null tables on samples from known joint tables.

One run makes all tables and writes results/statistics.json, results/statistics.md and, by ``benchmarks.corrections``,
results/corrections.md, with the commit that it measured. Tables that a run of the same commit has left are kept. About
10 minutes on one core:

    python -m benchmarks.sampling
    python -m benchmarks.sampling --workers 8       # eight tables, or families, at a time
"""

from __future__ import annotations

import argparse
import json
import platform
import timeit
from collections.abc import Callable, Iterator
from concurrent.futures import as_completed
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm import tqdm

import pidnet as pn
from benchmarks import corrections, made_with
from benchmarks.sampling_held_out import held_out_coverage
from benchmarks.sampling_nulls import graphs, null_layers, power
from pidnet.codes import Codes
from pidnet.datasets import planted
from pidnet.datasets.planted import FAMILIES, is_planted
from pidnet.files import write_text
from pidnet.measures.atoms import Atoms
from pidnet.significance import CORRECTIONS, find_intervals, layer_atoms

RESULTS = Path(__file__).parent / "results"
STORED = RESULTS / "statistics.json"
ATOMS = ("redundancy", "unique1", "unique2", "synergy")
DEFAULT = "mixture"
LAYER = "layer"

Row = dict[str, str | int | float | None]


def stack(atoms: Atoms) -> np.ndarray:
    """(atom, pair)."""
    return np.stack([getattr(atoms, name) for name in ATOMS])


def planted_layer(
    family: str, samples: int, rng: np.random.Generator, pairs: int = 5, levels: int = 4
) -> tuple[Codes, pn.PairTables]:
    """Codes of 2 * pairs units, and the true tables of all pairs."""
    layer = planted.planted_layer(family, samples, pairs=pairs, levels=levels, seed=rng)
    return Codes.of({LAYER: layer.values}, layer.target, levels), pn.PairTables(layer.pairs, layer.p)


def independent_layers() -> Iterator[Row]:
    """Mean atoms of pairs of independent units: the truth is 0."""
    for levels in (2, 4, 8):
        for samples in (200, 1000, 10_000):
            rng = np.random.default_rng(0)
            codes, _ = planted_layer("independent", samples, rng, pairs=12, levels=levels)
            for name, measure in pn.MEASURES.items():
                plug_in = layer_atoms(codes, LAYER, measure)
                for correction, correct in CORRECTIONS.items():
                    atoms = stack(correct(plug_in, codes, LAYER, measure, rng)).mean(1)
                    yield {
                        "levels": levels,
                        "samples": samples,
                        "measure": name,
                        "correction": correction,
                        **dict(zip(ATOMS, atoms.tolist(), strict=True)),
                    }


def planted_errors(layers: int = 4) -> Iterator[Row]:
    """Mean absolute error and mean error of the planted pairs of 4 layers, 20 tables a family."""
    for family in FAMILIES:
        for samples in (500, 2000, 10_000):
            for name in pn.MEASURES:
                for correction, errors in _errors(family, samples, name, layers).items():
                    yield {
                        "family": family,
                        "samples": samples,
                        "measure": name,
                        "correction": correction,
                        "all": float(np.abs(errors).mean()),
                        **{atom: float(np.abs(e).mean()) for atom, e in zip(ATOMS, errors, strict=True)},
                        **{f"{atom}_bias": float(e.mean()) for atom, e in zip(ATOMS, errors, strict=True)},
                    }


def _errors(family: str, samples: int, name: str, layers: int) -> dict[str, np.ndarray]:
    """Correction -> errors (atom, table)."""
    measure = pn.MEASURES[name]
    errors: dict[str, list[np.ndarray]] = {correction: [] for correction in CORRECTIONS}
    for seed in range(layers):
        rng = np.random.default_rng([seed, samples])
        codes, truth = planted_layer(family, samples, rng)
        chosen, true = is_planted(truth.pairs), stack(measure(truth))
        plug_in = layer_atoms(codes, LAYER, measure)
        for correction, correct in CORRECTIONS.items():
            atoms = correct(plug_in, codes, LAYER, measure, rng)
            errors[correction].append((stack(atoms) - true)[:, chosen])
    return {correction: np.concatenate(parts, 1) for correction, parts in errors.items()}


def coverage(layers: int = 60) -> Iterator[Row]:
    """How often the 95 % interval holds the truth, over the planted pairs and those between them."""
    for name in pn.MEASURES:
        for family in FAMILIES:
            for samples in (1000, 4000):
                parts = [_covered(name, family, samples, seed) for seed in range(layers)]
                held, zero, width, chosen = (np.concatenate(part, 1) for part in zip(*parts, strict=True))
                yield {
                    "measure": name,
                    "family": family,
                    "samples": samples,
                    **_shares(held, zero),
                    "planted, not 0": _share(held, chosen & ~zero),
                    "width": float(width.mean()),
                }


def _covered(name: str, family: str, samples: int, seed: int) -> tuple[np.ndarray, ...]:
    """Whether the interval holds the truth, whether that is 0, the width, and whether the pair is planted, each
    (atom, pair)."""
    measure, rng = pn.MEASURES[name], np.random.default_rng([seed, samples, 1])
    codes, truth = planted_layer(family, samples, rng)
    plug_in = layer_atoms(codes, LAYER, measure)
    atoms = CORRECTIONS[DEFAULT](plug_in, codes, LAYER, measure, rng)
    ends = find_intervals(plug_in, atoms, codes, LAYER, measure, rng)
    low, high = np.stack([ends[atom] for atom in ATOMS]).transpose(2, 0, 1)
    true = stack(measure(truth))
    held = (low - 1e-6 <= true) & (true <= high + 1e-6)
    return held, np.abs(true) < 1e-5, high - low, np.tile(is_planted(truth.pairs), (len(ATOMS), 1))


def _shares(held: np.ndarray, zero: np.ndarray) -> Row:
    """Coverage of each atom where it is not 0, and of all atoms that are 0."""
    atom_of = np.arange(len(ATOMS))[:, None]
    shares = {atom: _share(held, ~zero & (atom_of == k)) for k, atom in enumerate(ATOMS)}
    return {**shares, "not 0": _share(held, ~zero), "0": _share(held, zero)}


def _share(held: np.ndarray, chosen: np.ndarray) -> float | None:
    """Share of the chosen intervals that hold the truth; None where fewer than 100 are chosen."""
    return float(held[chosen].mean()) if chosen.sum() >= 100 else None


def costs(units: int = 48) -> Iterator[Row]:
    """Time of a layer map, as a multiple of the plug-in atoms of the same layer; best of 3."""
    codes, _ = planted_layer("informed", 1000, np.random.default_rng(0), pairs=units // 2)
    choices = [(correction, "none", False) for correction in CORRECTIONS]
    choices += [("none", null, False) for null in ("units", "labels", "sources")]
    choices += [("none", "none", True), (DEFAULT, "units", False), (DEFAULT, "units", True)]
    choices += [(DEFAULT, null, True) for null in ("labels", "sources")]
    fastest = partial(timeit.repeat, number=1, repeat=3)
    for name, measure in pn.MEASURES.items():
        bare = min(fastest(lambda measure=measure: layer_atoms(codes, LAYER, measure)))
        for correction, null, intervals in choices:
            call = {"correction": correction, "null": null, "intervals": intervals}
            spent = min(fastest(lambda name=name, call=call: pn.layer_maps(codes, name, **call)))
            yield {
                "measure": name,
                "correction": correction,
                "null": null,
                "interval": "delta method" if intervals else "none",
                "maps": spent / bare,
                "one map, s": bare,
            }


TIMED = "cost"  # runs by itself
TABLES: dict[str, tuple[str, str, Callable[[], Iterator[Row]]]] = {
    "independent": ("24 independent units, 10 classes: mean atoms (truth 0), bits", "", independent_layers),
    "planted": (
        "Planted pairs, 4 levels, 10 classes: mean absolute and mean error, bits",
        "",
        planted_errors,
    ),
    "coverage": (
        "Share of 95 % intervals that hold the truth",
        "60 layers of 45 pairs, planted ones and those between them, correction mixture. The columns of the "
        "atoms and `not 0` count atoms whose truth is not 0, where at least 100 of them are; they should lie at "
        "0.92 to 0.98. `0` counts atoms that are exactly 0. For I_min, I_mmi and I_BROJA that is the end of what is "
        "possible: no interval ends below 0, so it can miss on one side only (nominal 0.975, more where no sample "
        "can move the atom off 0, as the unique information of the weaker source under I_mmi, which is 0 by "
        "definition). I_CCS may be negative; there 0 is a value like any other, but a kink of the measure.",
        coverage,
    ),
    "held_out": (
        "Share of 95 % intervals that hold the truth, other families: N = 1,000, 4 levels, 10 classes",
        "The families of corrections.md, on which neither the reach of the intervals nor that of jumps was tuned; 150 "
        "layers of one pair each, correction mixture. Standard error about .02 for 150 atoms.",
        held_out_coverage,
    ),
    "null": ("Null data: ReLU units of mixed sparsity, N = 600", "", null_layers),
    "power": ("I_BROJA, 12 of 24 ReLU units informed: edges kept at level 0.05", "", power),
    "graphs": (
        "Edges of the graphs of 60 ReLU units, N = 1,500, by default",
        "True labels: half of the units carry them. Means over 3 layers.",
        graphs,
    ),
    "cost": (
        "Cost of one layer map with N = 1,000, 4 levels, 10 classes, 48 units",
        "`maps`: time by that of the plug-in atoms of the layer (counting and measure). Every row holds the sampling "
        "floor, which maps up to 24 units once more with the same correction.",
        costs,
    ),
}


def markdown(name: str, rows: list[Row]) -> str:
    """One table."""
    title, note, _ = TABLES[name]
    head = list(rows[0])
    cells = [[_cell(value) for value in row.values()] for row in rows]
    lines = [f"## {title}", "", *([note, ""] if note else [])]
    lines += [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in cells), ""])


def _cell(value: str | int | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workers", type=int, default=1, help="tables at a time, one thread each")
    options, commit = parser.parse_args(), made_with.commit()
    known = json.loads(STORED.read_text()) if STORED.is_file() else {"made_with": {}}
    found = {
        name: known[name] for name in TABLES if known["made_with"].get("commit") == commit and name in known
    }
    with made_with.workers(options.workers) as pool:
        running = {pool.submit(rows, name): name for name in TABLES if name not in (*found, TIMED)}
        for future in as_completed(running):
            found[running[future]] = future.result()
            save(found, commit)
        corrections.fill(pool)
    if TIMED not in found:
        save(found | {TIMED: rows(TIMED)}, commit)


def rows(name: str) -> list[Row]:
    title, _, make = TABLES[name]
    made = list(tqdm(make(), desc=title, unit="row"))
    print(markdown(name, made), flush=True)
    return made


def save(results: dict[str, list[Row]], commit: str) -> None:
    """Both files, whole."""
    results = {name: results[name] for name in TABLES if name in results}
    packages = {name: version(name) for name in ("numpy", "scipy", "torch", "numba")}
    made = {"machine": made_with.machine(), "commit": commit, "python": platform.python_version(), **packages}
    RESULTS.mkdir(exist_ok=True)
    write_text(STORED, json.dumps({"made_with": made, **results}, indent=1) + "\n")
    head = "# Sampling bias, intervals and nulls\n\nMade in one run by `python -m benchmarks.sampling` on "
    head += (
        ", ".join(value if name == "machine" else f"{name} {value}" for name, value in made.items()) + ".\n"
    )
    write_text(RESULTS / "statistics.md", "\n".join([head, *(markdown(*item) for item in results.items())]))


if __name__ == "__main__":
    main()
