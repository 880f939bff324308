"""Are the brackets true, and how good are estimates from samples alone, next to published estimators?

    python -m benchmarks.information [tables]

makes all tables, or those that are named (cost samples exact labels codes rules planes coverage), beside the ones that
are there, and writes results/information.json and from it results/information.md; ``text`` writes the latter alone.
Peers that can be imported have columns: scikit-learn (one unit only), npeet_plus, ennemi (one unit only). The plane of
a convolutional network needs the data folder. CPU seconds of one thread.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

import pidnet as pn
from benchmarks.information_acceptance import acceptance
from benchmarks.information_channels import exact_channels, rules
from benchmarks.information_table import markdown, mean_errors
from benchmarks.information_tasks import EIGHT, OTHERS, Task
from benchmarks.made_with import commit, machine
from pidnet.channels import Normal

RESULTS = Path(__file__).parent / "results"
SAMPLES, REPETITIONS, MANY, SEEDS = 10_000, 200, 1000, 40
LN2 = math.log(2)


def peers() -> dict[str, Callable[[np.ndarray, np.ndarray], float | None]]:
    """Name -> function from samples to nats; None where an estimator does not take them."""
    from sklearn.feature_selection import mutual_info_regression

    found: dict[str, Callable] = {
        "scikit-learn": lambda x, y: (
            _single(x, y) and float(mutual_info_regression(x, y[:, 0], random_state=0)[0])
        )
    }
    try:
        import npeet_plus

        found["npeet_plus"] = lambda x, y: float(npeet_plus.mi(x, y, k=3, base=math.e))
    except ImportError:
        pass
    try:
        import ennemi

        found["ennemi"] = lambda x, y: (
            _single(x, y) and float(np.squeeze(ennemi.estimate_mi(y[:, 0], x, k=3)))
        )
    except ImportError:
        pass
    return found


def _single(x: np.ndarray, y: np.ndarray) -> bool | None:
    return True if x.shape[1] == y.shape[1] == 1 else None


def ours(how: str) -> Callable[[np.ndarray, np.ndarray], float | None]:
    """Trees are slow in many dimensions: there neighbors alone are left out."""

    def estimate(x, y):
        if how == "ksg" and x.shape[1] > 20:
            return None
        return LN2 * pn.mutual_information(x, y, how).value

    return estimate


def sample_rows(tasks: dict[str, Task]) -> list[dict]:
    """Truth, estimates and CPU seconds of each estimator on each task, nats."""
    methods = {how: ours(how) for how in ("canonical", "ksg", "gaussian")} | peers()
    rows = []
    for name, (truth, sample) in tasks.items():
        x, y = sample(SAMPLES, np.random.default_rng(0))
        row: dict = {"task": name, "truth": truth}
        for method, estimate in methods.items():
            start = time.process_time()
            row[method] = estimate(x, y)
            row[f"{method} s"] = time.process_time() - start
        rows.append(row)
        print(
            {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()},
            flush=True,
        )
    return rows


def linear_channel(units: int, samples: int, seed: int) -> tuple[Normal, float]:
    """A linear Gaussian channel of 20 Gaussian inputs and its information, bits."""
    g = torch.Generator().manual_seed(seed)
    loads = torch.randn(units, 20, generator=g, dtype=torch.float64) / math.sqrt(20)
    truth = 0.5 * float(torch.logdet(torch.eye(20).double() + loads.T @ loads)) / LN2
    return Normal(torch.randn(samples, 20, generator=g, dtype=torch.float64) @ loads.T, 1.0), truth


def coverage_rows() -> list[dict]:
    """How often the truth is inside the bracket."""
    rows = []
    for units in (1, 5, 20, 50, 200):
        inside, near, widths = [], [], []
        for seed in range(REPETITIONS):
            channel, truth = linear_channel(units, 2000, seed)
            found = pn.channel_information(channel, draws=1, seed=seed)["I(X;T)"]
            inside.append(found.low <= truth <= found.high)
            widths.append(found.width)
            if found.state == "ok":
                error = (found.value - found.low) / 2
                near.append(abs(found.value - truth) <= 0.05 + 2 * error)
        row = {"units": units, "inside": np.mean(inside), "width": np.mean(widths)}
        rows.append(row | {"ok": len(near) / REPETITIONS, "near where ok": np.mean(near) if near else None})
        print(rows[-1], flush=True)
    return rows


def exact_rows() -> list[dict]:
    """Mean error over seeds, and how often 1.96 standard errors hold the truth, at 2 draws."""
    rows = []
    for name, (make, truth) in exact_channels().items():
        found = [pn.channel_information(make(), seed=seed)["I(X;T)"] for seed in range(MANY)]
        errors = np.array([f.value - truth for f in found])
        covered = np.abs(errors) <= 1.96 * np.array([f.error for f in found])
        row = {
            "channel": name,
            "truth": truth,
            "mean error": errors[:SEEDS].mean(),
            "covered": covered.mean(),
        }
        above = max(f.value - math.log2(f.samples) - 3 * f.error for f in found)
        rows.append(row | {"mean error, all": errors.mean(), "above log2 n and 3 errors": max(above, 0.0)})
        print(rows[-1], flush=True)
    return rows


def cost_rows() -> list[dict]:
    """CPU seconds and memory of one call with labels."""
    rows = []
    pn.channel_information(Normal(torch.randn(500, 4), 1.0))  # the first call loads libraries
    g = torch.Generator().manual_seed(0)
    for n, units, draws, kind in [
        (4000, 64, 1, "common"),
        (4000, 64, 2, "common"),
        (10_000, 64, 1, "common"),
        (10_000, 64, 2, "common"),
        (10_000, 64, 2, "each its own"),
        (10_000, 256, 2, "common"),
    ]:
        h = torch.tanh(torch.randn(n, 8, generator=g) @ torch.randn(8, units, generator=g)).double()
        y = torch.randint(10, (n,), generator=g)
        channel = Normal(h, 1.0 if kind == "common" else torch.ones(n, units))
        start = time.process_time()
        found = pn.channel_information(channel, y, draws=draws)
        seconds = time.process_time() - start
        rest = found["I(X;T)"].value - found["I(X;T|Y)"].value - found["I(T;Y)"].value
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        rows.append(
            {
                "n": n,
                "units": units,
                "draws": draws,
                "noise": kind,
                "CPU s": seconds,
                "peak GB": peak,
                "chain rule": rest,
            }
        )
        print(rows[-1], flush=True)
    return rows


def label_row() -> dict:
    """Labels that carry nothing: how often 0 is inside, and what in-sample values say."""
    inside, values = [], []
    for seed in range(100):
        g = torch.Generator().manual_seed(seed)
        channel = Normal(torch.randn(1000, 10, generator=g), 1.0)
        found = pn.channel_information(channel, torch.randint(10, (1000,), generator=g), draws=1)["I(T;Y)"]
        inside.append(found.low <= 0 <= found.high)
        values.append(found.value)
    return {"inside": np.mean(inside), "in-sample value": np.mean(values)}


def code_rows() -> list[dict]:
    """Signs of random directions of four Gaussian inputs; the truth from 1,000,000 samples."""
    rows = []
    for units, samples in [
        (10, 1000),
        (10, 10_000),
        (14, 1000),
        (14, 10_000),
        (20, 4000),
        (20, 10_000),
        (32, 10_000),
    ]:
        weights = np.random.default_rng(1).normal(size=(units, 4))
        shift = np.random.default_rng(2).normal(size=units)

        def draw(n, seed, weights=weights, shift=shift):
            return (np.random.default_rng(seed).normal(size=(n, 4)) @ weights.T + shift > 0).astype(np.uint8)

        truth = pn.code_information(draw(1_000_000, 3))["H(T)"].value
        found = [pn.code_information(draw(samples, 10 + seed))["H(T)"] for seed in range(REPETITIONS)]
        errors = np.array([f.value - truth for f in found])
        states = sorted({f.state for f in found})
        inside = np.mean([f.low <= truth <= f.high for f in found])
        row = {"units": units, "samples": samples, "truth": truth, "mean error": errors.mean()}
        row["worst error"] = np.abs(errors).max()
        rows.append(row | {"inside": inside, "states": ", ".join(states)})
        print(rows[-1], flush=True)
    wide = np.random.default_rng(0).integers(0, 2, (10_000, 256)).astype(np.uint8)
    from pidnet.estimators.codes import row_codes

    start = time.process_time()
    for _ in range(10):
        row_codes(wide)
    rows.append({"units": 256, "samples": 10_000, "ms to count": 100 * (time.process_time() - start)})
    return rows


def plane_rows() -> list[dict]:
    """The plane of a convolutional network on Fashion-MNIST: 8,000 training and 2,000 held-out images."""
    if "PIDNET_DATA" not in os.environ:
        return []
    data = pn.datasets.load("fashion_mnist", images=True)
    train, held_out = (data.x_train[:8000], data.y_train[:8000]), (data.x_test[:2000], data.y_test[:2000])
    rows = []
    for variant in ("plain", "stochastic", "bayesian", "binarized"):
        torch.manual_seed(0)
        net = pn.training.train(pn.zoo.conv(1, (8, 16, 16), 10, variant=variant), *train, epochs=1)
        wall, start = time.perf_counter(), time.process_time()
        plane = pn.information_plane(net, train, held_out=held_out)
        row = {"variant": variant, "CPU s": time.process_time() - start, "wall s": time.perf_counter() - wall}
        rows.append(row | {"plane": str(plane).splitlines()})
        print(rows[-1], flush=True)
    return rows


def all_samples() -> dict:
    found: dict = {"eight": sample_rows(EIGHT), "others": sample_rows(OTHERS)}
    for name in ("eight", "others"):
        found[f"mean errors, {name}"] = ", ".join(f"{k} {v}" for k, v in mean_errors(found[name]).items())
    return found


TABLES: dict[str, Callable[[], dict]] = {
    "cost": lambda: {"cost": cost_rows()},
    "samples": all_samples,
    "exact": lambda: {"exact": exact_rows()},
    "labels": lambda: {"labels": label_row()},
    "codes": lambda: {"codes": code_rows()},
    "rules": lambda: {"rules": rules()},
    "planes": lambda: {"planes": plane_rows()},
    "coverage": lambda: {"coverage": coverage_rows()},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("tables", nargs="*")
    asked = parser.parse_args().tables
    if unknown := set(asked) - {*TABLES, "text"}:
        parser.error(f"no such table: {', '.join(sorted(unknown))}; choose from {', '.join(TABLES)}, text")
    torch.set_num_threads(1)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "information.json"
    result = json.loads(path.read_text()) if path.is_file() else {}
    # In their own order: the peak memory of "cost" is that of the process.
    for name in (name for name in TABLES if name in (asked or TABLES)):
        result |= TABLES[name]()
        result.setdefault("made", {})[name] = made()
        path.write_text(json.dumps(result, indent=1) + "\n")
    if set(TABLES) <= set(result["made"]):
        sizes = {"samples": SAMPLES, "repetitions": REPETITIONS, "many": MANY, "seeds": SEEDS}
        collapse = json.loads((RESULTS / "collapse_mlp.json").read_text())
        (RESULTS / "information.md").write_text(markdown(result, acceptance(result, collapse), **sizes))


def made() -> str:
    """Where and by what a table was made."""
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}"
    return f"commit {commit()}, load {os.getloadavg()[0]:.1f}; {versions}; {machine()}"


if __name__ == "__main__":
    main()
