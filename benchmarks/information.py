"""Are the brackets true, and how good are estimates from samples alone, next to published estimators?

    python -m benchmarks.information [tables]

makes all tables, or those that are named (cost samples exact labels codes planes coverage), beside the ones that are there, and
writes results/information.json and results/information.md. Peers that can be imported have
columns: scikit-learn (one unit only), npeet_plus, ennemi (one unit only). The plane of a convolutional network needs
the data folder. CPU seconds of one thread, in one run.
"""

from __future__ import annotations

import json
import math
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.integrate
import scipy.stats
import torch

import pidnet as pn
from benchmarks.information_tasks import EIGHT, OTHERS, Task
from pidnet.channels import Bernoulli, Normal, Rectified, Scaled

RESULTS = Path(__file__).parent / "results"
SAMPLES, REPETITIONS, SEEDS = 10_000, 200, 40
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


def _counted(likelihood: torch.Tensor) -> float:
    ratio = (likelihood / likelihood.mean(0)).nan_to_num(1)
    return float(torch.xlogy(likelihood, ratio).sum(1).mean()) / LN2


def _integral(density: Callable, low: float, high: float, points: np.ndarray) -> float:
    return scipy.integrate.quad(density, low, high, limit=800, points=list(points))[0]


def exact_channels() -> dict[str, tuple[Callable[[], object], float]]:
    """Channels with a truth by numeric integration or counting, bits."""
    norm = scipy.stats.norm
    points = np.array([-1.5, -0.5, 0.5, 1.5])

    def entropy(density, low, high, at):
        return _integral(lambda t: -density(t) * math.log(max(density(t), 1e-300)), low, high, at)

    found = {}
    for std in (0.2, 1.0):
        h = entropy(lambda t, s=std: norm.pdf(t, points, s).mean(), -20, 20, points)
        truth = (h - 0.5 * math.log(2 * math.pi * math.e * std**2)) / LN2
        mean = torch.tensor(points).repeat(250)[:, None]
        found[f"4 points, noise {std}"] = (lambda m=mean, s=std: Normal(m, s**2)), truth
    z, alpha = np.array([0.5, 1.0, 2.0, -1.0]), 0.5
    h = entropy(lambda t: norm.pdf(t, z, math.sqrt(alpha) * abs(z)).mean(), -15, 15, z)
    dense = (h - np.mean(0.5 * np.log(2 * math.pi * math.e * alpha * z**2))) / LN2
    values = torch.cat([torch.tensor(z).repeat(200), torch.zeros(200).double()])[:, None]
    atoms = 0.8 * dense - 0.2 * math.log2(0.2) - 0.8 * math.log2(0.8)
    found["Gaussian dropout with an atom"] = (lambda: Scaled(values, alpha)), atoms
    p = torch.rand(5, 3, generator=torch.Generator().manual_seed(0)).double()
    patterns = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * 3)
    truth = _counted(torch.stack([(p * t + (1 - p) * (1 - t)).prod(1) for t in patterns], 1))
    found["3 binary units"] = (lambda: Bernoulli(p.repeat(200, 1).log())), truth
    means, std = np.array([-1.0, -0.2, 0.4, 1.5]), 0.6
    zero = norm.cdf(-means / std)

    def density(t):
        q = norm.pdf(t, means, std)
        return np.mean(q * np.log(np.maximum(q, 1e-300) / q.mean()))

    truth = (_integral(density, 0, 8, means[2:]) + np.mean(zero * np.log(zero / zero.mean()))) / LN2
    found["rectified"] = (lambda: Rectified(torch.tensor(means).repeat(250)[:, None], std**2)), truth
    return found


def exact_rows() -> list[dict]:
    """Mean error over seeds, and how often two standard errors hold the truth, at 2 draws."""
    rows = []
    for name, (make, truth) in exact_channels().items():
        found = [pn.channel_information(make(), seed=seed)["I(X;T)"] for seed in range(REPETITIONS)]
        errors = np.array([f.value - truth for f in found])
        covered = np.abs(errors) <= 1.96 * np.array([f.error for f in found])
        row = {
            "channel": name,
            "truth": truth,
            "mean error": errors[:SEEDS].mean(),
            "covered": covered.mean(),
        }
        rows.append(row | {"mean error, all": errors.mean()})
        print(rows[-1], flush=True)
    return rows


def cost_rows() -> list[dict]:
    """CPU seconds and memory of one call, two draws, with labels."""
    rows = []
    pn.channel_information(Normal(torch.randn(500, 4), 1.0))  # the first call loads libraries
    g = torch.Generator().manual_seed(0)
    for n, units, kind in [
        (4000, 64, "common"),
        (10_000, 64, "common"),
        (10_000, 64, "each its own"),
        (10_000, 256, "common"),
    ]:
        h = torch.tanh(torch.randn(n, 8, generator=g) @ torch.randn(8, units, generator=g)).double()
        y = torch.randint(10, (n,), generator=g)
        channel = Normal(h, 1.0 if kind == "common" else torch.ones(n, units))
        start = time.process_time()
        found = pn.channel_information(channel, y)
        seconds = time.process_time() - start
        rest = found["I(X;T)"].value - found["I(X;T|Y)"].value - found["I(T;Y)"].value
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        rows.append(
            {"n": n, "units": units, "noise": kind, "CPU s": seconds, "peak GB": peak, "chain rule": rest}
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
    """Signs of random directions of four Gaussian inputs; the truth from 400,000 samples."""
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

        truth = pn.code_information(draw(400_000, 3))["H(T)"].value
        found = [pn.code_information(draw(samples, 10 + seed))["H(T)"] for seed in range(20)]
        errors = np.array([f.value - truth for f in found])
        states = sorted({f.state for f in found})
        inside = np.mean([f.low <= truth <= f.high for f in found])
        row = {"units": units, "samples": samples, "truth": truth, "worst error": np.abs(errors).max()}
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


def table(rows: list[dict]) -> str:
    """A Markdown table."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    text = f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n"
    for row in rows:
        text += f"| {' | '.join(_cell(row.get(head)) for head in heads)} |\n"
    return text


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.0e}" if 0 < abs(value) < 5e-4 else f"{value:.3f}"
    return str(value)


def mean_errors(rows: list[dict]) -> dict[str, str]:
    """Mean absolute error of each estimator over the tasks that it takes."""
    methods = [name for name in rows[0] if name not in ("task", "truth") and not name.endswith(" s")]
    means = {}
    for method in methods:
        errors = [abs(row[method] - row["truth"]) for row in rows if row.get(method) is not None]
        if errors:
            means[method] = f"{np.mean(errors):.3f} ({len(errors)})"
    return means


def markdown(result: dict) -> str:
    text = f"""# Information: brackets and estimates against known truth

{result["machine"]}; {result["versions"]}; commit {result["commit"]}; load {result["load"]}; one thread.

## Samples only, nats

{SAMPLES:,} samples, one seed; "s" are CPU seconds. The eight tasks of Czyz et al. (2023). The rule of "canonical" was
chosen while looking at these eight and at the three Gaussian ones of the second table.

{table(result["eight"])}
Mean absolute error (tasks): {result["mean errors, eight"]}

Other families:

{table(result["others"])}
Mean absolute error (tasks): {result["mean errors, others"]}

## Known channels, bits

Linear Gaussian channel of 20 Gaussian inputs, 2,000 samples, 1 draw, {REPETITIONS} repetitions: how often the truth is
inside the bracket, its mean width, how often the state is ok, and then how often the value is within .05 and two errors.

{table(result["coverage"])}
Truth by integration or counting, 2 draws: mean error over {SEEDS} and over {REPETITIONS} seeds, and how often 1.96
errors hold it.

{table(result["exact"])}
Cost with labels, 2 draws; the chain rule is I(X;T) - I(X;T|Y) - I(T;Y).

{table(result["cost"])}
10 labels without information, 1,000 samples of 10 units, 100 repetitions: 0 is inside the bracket in
{result["labels"]["inside"]:.0%}; the in-sample value is {result["labels"]["in-sample value"]:.2f} bits.

## Codes, bits

Signs of random directions of 4 Gaussian inputs, 20 repetitions.

{table(result["codes"])}
"""
    for row in result["planes"]:
        text += f"\n## Plane, conv {row['variant']}, 8,000 + 2,000 images of Fashion-MNIST: {row['CPU s']:.1f} CPU s, "
        text += f"{row['wall s']:.1f} s\n\n```\n" + "\n".join(row["plane"]) + "\n```\n"
    return text


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
    "planes": lambda: {"planes": plane_rows()},
    "coverage": lambda: {"coverage": coverage_rows()},
}


def main() -> None:
    torch.set_num_threads(1)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / "information.json"
    for name in sys.argv[1:] or TABLES:
        made = TABLES[name]()
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        )
        result = json.loads(path.read_text()) if path.is_file() else {}
        result |= made | {
            "machine": "2-core x86-64 CPU, Linux",
            "versions": f"Python {platform.python_version()}, numpy {np.__version__}, torch {torch.__version__}",
            "commit": commit.stdout.strip(),
            "load": f"{os.getloadavg()[0]:.1f}",
        }
        path.write_text(json.dumps(result, indent=1) + "\n")
    if {"cost", "eight", "exact", "labels", "codes", "planes", "coverage"} <= set(result):
        text = markdown(result)
        print(text)
        (RESULTS / "information.md").write_text(text)


if __name__ == "__main__":
    main()
