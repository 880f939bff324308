"""Bias, coverage and null tables on samples from known joint tables.

Writes results/statistics.json and results/statistics.md. About 15 minutes on two cores; with names of tables it
makes only those and keeps the others:

    python -m benchmarks.sampling [independent planted coverage null power cost]
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

import pidnet as pn
from pidnet.activations import Activations
from pidnet.files import write_text
from pidnet.measures.atoms import Atoms
from pidnet.quantization import Codes
from pidnet.significance import CORRECTIONS, jackknife_intervals, layer_atoms
from pidnet.significance.resampling import permute_sources
from tests.planted import FAMILIES, is_planted, planted_layer

RESULTS = Path(__file__).parent / "results"
MACHINE = "2-core x86-64 CPU, Linux"
ATOMS = ("redundancy", "unique1", "unique2", "synergy")
DEFAULT = "shuffle_sources"
LAYER = "layer"

Row = dict[str, str | int | float | None]


def stack(atoms: Atoms) -> np.ndarray:
    """(atom, pair)."""
    return np.stack([getattr(atoms, name) for name in ATOMS])


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
        planted, true = is_planted(truth.pairs), stack(measure(truth))
        plug_in = layer_atoms(codes, LAYER, measure)
        for correction, correct in CORRECTIONS.items():
            atoms = correct(plug_in, codes, LAYER, measure, rng)
            errors[correction].append((stack(atoms) - true)[:, planted])
    return {correction: np.concatenate(parts, 1) for correction, parts in errors.items()}


def coverage(layers: int = 16) -> Iterator[Row]:
    """How often the 95 % interval holds the truth, over all pairs (planted ones and those between them)."""
    for name, measure in pn.MEASURES.items():
        for family in FAMILIES:
            for samples in (1000, 4000):
                held, zero, width = [], [], []
                for seed in range(layers):
                    rng = np.random.default_rng([seed, samples, 1])
                    codes, truth = planted_layer(family, samples, rng)
                    plug_in = layer_atoms(codes, LAYER, measure)
                    atoms = CORRECTIONS[DEFAULT](plug_in, codes, LAYER, measure, rng)
                    ends = jackknife_intervals(atoms, codes, LAYER, measure, rng)
                    low, high = np.stack([ends[atom] for atom in ATOMS]).transpose(2, 0, 1)
                    true = stack(measure(truth))
                    held.append((low - 1e-6 <= true) & (true <= high + 1e-6))
                    zero.append(np.abs(true) < 1e-5)
                    width.append(high - low)
                yield {
                    "measure": name,
                    "family": family,
                    "samples": samples,
                    **_shares(np.concatenate(held, 1), np.concatenate(zero, 1)),
                    "width": float(np.concatenate(width, 1).mean()),
                }


def _shares(held: np.ndarray, zero: np.ndarray) -> Row:
    """Coverage of each atom where it is not 0, and of all atoms that are 0; None where there is none."""
    shares = {
        atom: float(held[k][~zero[k]].mean()) if (~zero[k]).any() else None for k, atom in enumerate(ATOMS)
    }
    away = float(held[~zero].mean()) if (~zero).any() else None
    return {**shares, "not 0": away, "0": float(held[zero].mean()) if zero.any() else None}


def relu_layer(samples: int, seed: int, informed: int = 0, units: int = 24) -> Codes:
    """ReLU units of very different sparsity with a common cause; the first ``informed`` know the label."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(10, (samples,), generator=generator)
    common = torch.randn(samples, 1, generator=generator)
    signal = torch.randn(10, units, generator=generator)[target] * (torch.arange(units) < informed)
    noise = torch.randn(samples, units, generator=generator)
    values = torch.relu(0.5 * common + noise + signal - torch.linspace(-1, 2, units))
    return pn.quantize(Activations({LAYER: values}, target, {}), 4, pn.zero_level)


def null_layers(seeds: int = 25) -> Iterator[Row]:
    """Data for which the null is true: shares of p-values below 0.05, edges kept, layers with any kept."""
    for measure in ("i_min", "i_broja"):
        for null in ("units", "labels", "sources"):
            below: dict[str, list[float]] = {}
            kept: dict[str, list[float]] = {}
            for seed in range(seeds):
                codes = relu_layer(600, seed, informed=24 if null == "sources" else 0)
                if null == "sources":
                    codes = permute_sources(codes, np.random.default_rng(seed))
                layer = pn.layer_maps(codes, measure, null=null, correction="none", seed=seed)[LAYER]
                for atom, p_values in layer.p_values.items():
                    below.setdefault(atom, []).append(float((p_values < 0.05).mean()))
                    kept.setdefault(atom, []).append(float(layer.significant(atom).mean()))
            for atom, shares in below.items():
                yield {
                    "measure": measure,
                    "null": null,
                    "atom": atom,
                    "p < 0.05": float(np.mean(shares)),
                    "kept": float(np.mean(kept[atom])),
                    "layers with any kept": float(np.mean(np.array(kept[atom]) > 0)),
                }


def power(seeds: int = 5) -> Iterator[Row]:
    """12 of 24 ReLU units know the label: how many informed pairs are kept, and the share of false edges."""
    for null in ("units", "labels"):
        for samples in (300, 600, 1200):
            right, wrong = [], []
            for seed in range(seeds):
                codes = relu_layer(samples, seed, informed=12)
                layer = pn.layer_maps(codes, "i_broja", null=null, correction="none")[LAYER]
                kept, both = layer.significant(), (layer.pairs < 12).all(1)
                right.append(kept[both].mean())
                wrong.append((kept & ~both).sum() / max(kept.sum(), 1))
            yield {
                "null": null,
                "samples": samples,
                "informed pairs kept": float(np.mean(right)),
                "kept pairs with an uninformed unit": float(np.mean(wrong)),
            }


def costs(units: int = 48) -> Iterator[Row]:
    """Time of a layer map, as a multiple of the bare plug-in atoms of the same layer; best of 3."""
    codes, _ = planted_layer("informed", 1000, np.random.default_rng(0), pairs=units // 2)
    choices: dict[str, dict] = {f"correction {name}": {"correction": name} for name in CORRECTIONS}
    choices |= {f"null {name}": {"null": name} for name in ("units", "labels", "sources")}
    choices |= {"intervals": {"intervals": True}}
    for name, measure in pn.MEASURES.items():
        bare = _seconds(lambda measure=measure: layer_atoms(codes, LAYER, measure))
        for choice, options in choices.items():
            call = {"correction": "none", "null": "none", **options}
            spent = _seconds(lambda name=name, call=call: pn.layer_maps(codes, name, **call))
            yield {"measure": name, "choice": choice, "multiple": spent / bare, "bare s": bare}


def _seconds(call: Callable[[], object]) -> float:
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return min(spent)


TABLES: dict[str, tuple[str, Callable[[], Iterator[Row]]]] = {
    "independent": (
        "24 independent units, 10 classes: mean atoms (truth 0), bits",
        independent_layers,
    ),
    "planted": (
        "Planted pairs, 4 levels, 10 classes: mean absolute and mean error, bits",
        planted_errors,
    ),
    "coverage": ("Share of 95 % intervals that hold the truth", coverage),
    "null": ("Null data: ReLU units of mixed sparsity, N = 600", null_layers),
    "power": ("I_BROJA, 12 of 24 ReLU units informed: edges kept at level 0.05", power),
    "cost": ("Cost of one layer map with N = 1,000, 4 levels, 10 classes, 48 units", costs),
}


def markdown(title: str, rows: list[Row]) -> str:
    """One table."""
    head = list(rows[0])
    cells = [[_cell(value) for value in row.values()] for row in rows]
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in cells), ""])


def _cell(value: str | int | float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def main() -> None:
    stored = RESULTS / "statistics.json"
    results = json.loads(stored.read_text()) if stored.exists() else {}
    for name in sys.argv[1:] or TABLES:
        title, make = TABLES[name]
        results[name] = list(make())
        print(markdown(title, results[name]), flush=True)
        save(results)


def save(results: dict) -> None:
    """Both files, whole, with the tables in their order."""
    results = {name: results[name] for name in TABLES if name in results}
    packages = {name: version(name) for name in ("numpy", "scipy", "torch", "numba")}
    made_with = {"machine": MACHINE, "python": platform.python_version(), **packages}
    RESULTS.mkdir(exist_ok=True)
    write_text(RESULTS / "statistics.json", json.dumps({"made_with": made_with, **results}, indent=1) + "\n")
    head = "# Sampling bias, intervals and nulls\n\nMade by `python -m benchmarks.sampling` on "
    head += ", ".join([MACHINE, *(f"{k} {v}" for k, v in made_with.items() if k != "machine")]) + ".\n"
    body = [markdown(TABLES[name][0], rows) for name, rows in results.items()]
    write_text(RESULTS / "statistics.md", "\n".join([head, *body]))


if __name__ == "__main__":
    main()
