"""Cost of the Gaussian measures against dimension, against gpid where it can be imported, and what the bias
correction leaves.

    python -m benchmarks.gaussian

prints the tables and writes results/gaussian.json and results/gaussian.md. gpid (github.com/praveenv253/gpid,
not on PyPI) is found when its src folder is on PYTHONPATH; without it those columns stay empty.
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path

import numpy as np
import scipy
from scipy.stats import wishart

from benchmarks.made_with import commit, machine
from pidnet.measures.gaussian import decompose_gaussian
from pidnet.measures.gaussian.ibroja import i_broja
from pidnet.significance.gaussian_bias import corrected_atoms, information_bias
from pidnet.tables.covariances import PairCovariances

RESULTS = Path(__file__).parent / "results"
MEASURES = ("i_mmi", "i_broja", "i_dep", "i_delta", "i_ccs")
DIMENSIONS = [(1, 1, 1), (1, 1, 10), (2, 2, 2), (5, 5, 5), (10, 10, 10), (30, 30, 10), (100, 100, 10)]
SAMPLES, EXPERIMENTS = 200, 200
ATOMS = ("redundancy", "unique1", "unique2", "synergy")


def random_covariances(dims: tuple[int, int, int], cases: int, seed: int) -> np.ndarray:
    """Wishart covariances with few more degrees of freedom than dimensions."""
    size = sum(dims)
    root = np.random.default_rng(seed).standard_normal((cases, size, size + 3))
    return root @ root.mT / (size + 3)


def seconds_a_case(cov: np.ndarray, dims: tuple[int, int, int], measure: str) -> float:
    """Best of three runs over the batch."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        decompose_gaussian(cov, dims, measure)
        times.append(time.perf_counter() - start)
    return min(times) / len(cov)


def peer_row(cov: np.ndarray, dims: tuple[int, int, int]) -> dict[str, float]:
    """Seconds a case of gpid's ~G solver, and how far its union information lies above the closed form."""
    try:
        from gpid.tilde_pid import exact_gauss_tilde_pid
    except ImportError:
        return {}
    first, second, target = dims
    order = np.roll(np.arange(sum(dims)), target)
    start = time.perf_counter()
    found = [exact_gauss_tilde_pid(c[np.ix_(order, order)], target, first, second) for c in cov]
    elapsed = (time.perf_counter() - start) / len(cov)
    atoms = decompose_gaussian(cov, dims, "i_broja")
    excess = np.array([row[3] for row in found]) - (atoms.total - atoms.synergy)
    return {"peer_s": elapsed, "peer_excess_min": float(excess.min()), "peer_excess_max": float(excess.max())}


def cost_rows() -> list[dict]:
    rows = []
    for dims in DIMENSIONS:
        cov = random_covariances(dims, 20 if sum(dims) > 40 else 200, seed=0)
        row = {"dims": dims, **{m: 1000 * seconds_a_case(cov, dims, m) for m in MEASURES}}
        row |= peer_row(cov[: 1 if sum(dims) > 40 else 5], dims)
        if "peer_s" in row:
            single = min(seconds_a_case(cov[:1], dims, "i_broja") for _ in range(5))
            row["ratio_batched"] = 1000 * row["peer_s"] / row["i_broja"]
            row["ratio_single"] = row["peer_s"] / single
        rows.append(row)
    return rows


def proportional(covariances: PairCovariances) -> dict[str, np.ndarray]:
    """The correction of Venkatesh et al. 2023: the union shrinks in proportion to I12; everything clipped."""
    atoms, (first, second, target) = i_broja(covariances), covariances.dims
    biases = [information_bias(d, target, covariances.samples) for d in (first, second, first + second)]
    one, two = np.maximum(atoms.information1 - biases[0], 0), np.maximum(atoms.information2 - biases[1], 0)
    joint = np.maximum.reduce([atoms.total - biases[2], one, two])
    union = (atoms.total - atoms.synergy) * joint / atoms.total
    union = np.clip(union, np.maximum(one, two), np.minimum(one + two, joint))
    return dict(zip(ATOMS, (one + two - union, union - two, union - one, joint - union), strict=True))


def bias_rows() -> list[dict]:
    """Mean and root-mean-square error of the atoms of ~G over repeated experiments on one truth."""
    rows = []
    for dims in [(1, 1, 5), (3, 3, 3), (10, 10, 10)]:
        for truth in ("independent", "planted"):
            size = sum(dims)
            root = np.random.default_rng(2).standard_normal((size, 2 * size))
            cov = np.eye(size) if truth == "independent" else root @ root.T / (2 * size)
            drawn = wishart(SAMPLES - 1, cov / (SAMPLES - 1)).rvs(EXPERIMENTS, random_state=3)
            seen = PairCovariances(np.full((EXPERIMENTS, 2), -1), drawn, dims, SAMPLES)
            exact = decompose_gaussian(cov, dims, "i_broja")
            methods = {
                "none": dict(i_broja(seen).items()),
                "proportional": proportional(seen),
                "bootstrap": dict(corrected_atoms(seen, i_broja).items()),
            }
            for method, atoms in methods.items():
                error = np.stack([atoms[name] - getattr(exact, name)[0] for name in ATOMS])
                row = {"dims": dims, "truth": truth, "correction": method}
                row |= dict(zip(ATOMS, error.mean(1).tolist(), strict=True))
                rows.append(row | {"rms": float(np.sqrt((error**2).mean()))})
    return rows


HEAD = """# Gaussian measures: cost and bias

{machine}; {versions}; one thread.

Milliseconds a case, batched (200 random Wishart covariances; 20 from (30, 30, 10) on), best of three.
gpid: seconds a case of its projected-gradient solver for the same ~G problem, mean over the first few of the
same covariances (5; 1 from (30, 30, 10) on). Ratio: gpid / i_broja, batched and with one case a call. Excess:
least and largest amount by which gpid's union information lies above the closed form, bits (gpid regularizes
by 1e-7).

| source 1, source 2, target | {measures} | gpid, s | ratio, batched | ratio, single | excess |
| --- |{rules} ---: | ---: | ---: | ---: |
"""

BIAS_HEAD = """
Bias: mean error of each atom of ~G over {experiments} experiments of {samples} samples, and the
root-mean-square error over all four, bits. proportional: the correction of Venkatesh et al. 2023 with its
clipping; bootstrap: `corrected_atoms`, not clipped.

| dims | truth | correction | redundancy | unique1 | unique2 | synergy | rms |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
"""


def markdown(result: dict) -> str:
    """Both tables, with what their columns mean."""
    text = HEAD.format(**result, measures=" | ".join(MEASURES), rules=" ---: |" * len(MEASURES))
    for row in result["cost"]:
        cells = [str(row["dims"]), *(f"{row[m]:.3f}" for m in MEASURES)]
        if "peer_s" in row:
            cells += [f"{row['peer_s']:.3f}", f"{row['ratio_batched']:.0f}", f"{row['ratio_single']:.0f}"]
            cells += [f"{row['peer_excess_min']:.0e} .. {row['peer_excess_max']:.0e}"]
        cells += [""] * (len(MEASURES) + 5 - len(cells))
        text += f"| {' | '.join(cells)} |\n"
    text += BIAS_HEAD.format(**result)
    for row in result["bias"]:
        cells = [str(row["dims"]), row["truth"], row["correction"]]
        cells += [*(f"{row[name]:+.4f}" for name in ATOMS), f"{row['rms']:.4f}"]
        text += f"| {' | '.join(cells)} |\n"
    return text


def main() -> None:
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    result = {"machine": f"{machine()}, commit {commit()}", "versions": versions}
    result |= {"samples": SAMPLES, "experiments": EXPERIMENTS, "cost": cost_rows(), "bias": bias_rows()}
    text = markdown(result)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "gaussian.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "gaussian.md").write_text(text)


if __name__ == "__main__":
    main()
