"""How fast and how right the measures are, next to ECOS and dit in the same run.

    python -m benchmarks.measures            prints the tables, writes benchmarks/results/measures.{json,md}

Each table takes minutes; --only WORD measures again those whose title has the word, and keeps the others.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
import torch

from benchmarks.made_with import commit, machine
from peers import cone_unique, dit_distribution, mixed_tables
from pidnet.activations import Activations
from pidnet.codes import Codes, quantize
from pidnet.files import write_text
from pidnet.maps import layer_maps
from pidnet.measures import MEASURES, decompose
from pidnet.tables.discrete import PairTables, iterate_pair_tables

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("numpy", "numba", "scipy", "torch", "dit", "ecos")
FIRST_CALL = (
    "import time, numpy as np; from pidnet.measures import decompose; start = time.perf_counter();"
    "p = np.random.default_rng(0).dirichlet(np.ones({cells})).reshape({shape});"
    "decompose(p, measure='{measure}'); print(time.perf_counter() - start)"
)
LARGE_COUNT = "from benchmarks.measures import count_large; count_large()"


def random_pairs(shape: tuple[int, ...], pairs: int, seed: int = 0) -> PairTables:
    p = np.random.default_rng(seed).dirichlet(np.ones(np.prod(shape)), size=pairs).reshape(pairs, *shape)
    return PairTables(np.full((pairs, 2), -1), p)


def pairs_per_second(work: Callable[[], object], pairs: int, repeats: int = 3) -> float:
    """Best of the repeats."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return pairs / min(seconds)


def ours(measure: str, shape: tuple[int, ...], pairs: int) -> float:
    tables = random_pairs(shape, pairs)
    MEASURES[measure](random_pairs(shape, 20))
    return pairs_per_second(lambda: MEASURES[measure](tables), pairs)


def one_at_a_time(solve: Callable[[np.ndarray], object], shape: tuple[int, ...], pairs: int) -> float:
    p = random_pairs(shape, pairs).p
    solve(p[0])
    return pairs_per_second(lambda: [solve(table) for table in p], pairs, repeats=1)


def speed_rows() -> list[dict]:
    """Pairs per second of each measure and of its peers, and the ratio to the fastest peer."""
    import dit.pid

    rows = []
    for measure, shape, pairs, peers in (
        ("i_broja", (4, 4, 10), 20_000, {"ECOS cone": 60, "dit cone": 8, "dit default (wrong)": 1}),
        ("i_broja", (2, 2, 10), 400_000, {"ECOS cone": 60, "dit cone": 8, "dit default (wrong)": 1}),
        ("i_ccs", (4, 4, 10), 20_000, {"dit PID_CCS": 3}),
        ("i_min", (4, 4, 10), 40_000, {"dit PID_WB": 3}),
        ("i_mmi", (4, 4, 10), 40_000, {"dit PID_MMI": 3}),
    ):
        solvers = {
            "ECOS cone": cone_unique,
            "dit cone": lambda p: dit.pid.PID_BROJA(dit_distribution(p), method="cone"),
            "dit default (wrong)": lambda p: dit.pid.PID_BROJA(dit_distribution(p)),
            "dit PID_CCS": lambda p: dit.pid.PID_CCS(dit_distribution(p)),
            "dit PID_WB": lambda p: dit.pid.PID_WB(dit_distribution(p)),
            "dit PID_MMI": lambda p: dit.pid.PID_MMI(dit_distribution(p)),
        }
        row = {"measure": measure, "shape": shape, "pidnet": ours(measure, shape, pairs)}
        row["peers"] = {name: one_at_a_time(solvers[name], shape, count) for name, count in peers.items()}
        row["ratio"] = row["pidnet"] / max(row["peers"].values())
        rows.append(row)
    return rows


def growth_rows() -> list[dict]:
    """Pairs per second as levels and classes grow."""
    shapes = [(n, n, 10) for n in (2, 3, 4, 6, 8, 12)] + [(4, 4, y) for y in (2, 5, 20)] + [(16, 16, 20)]
    rows = []
    for shape in shapes:
        pairs = max(20, int(2e8 / np.prod(shape) ** 2))
        pairs = min(pairs, 20_000)
        rows.append({"shape": shape, **{m: ours(m, shape, pairs) for m in ("i_broja", "i_ccs", "i_min")}})
    return rows


def random_codes(units: int, levels: int, classes: int, samples: int) -> Codes:
    draw = torch.Generator().manual_seed(0)
    code = torch.randint(levels, (samples, units), generator=draw, dtype=torch.uint8)
    target = torch.randint(classes, (samples,), generator=draw)
    return Codes.of({"layer": code}, target, levels)


def layer_rows() -> list[dict]:
    """Seconds for all pairs of a layer, counting included: 4 levels, 10 classes, 10,000 samples."""
    rows = []
    for units, measures in (
        (64, ("i_min", "i_broja")),
        (128, ("i_min", "i_broja")),
        (256, ("i_min",)),
        (512, ("i_min",)),
    ):
        codes = random_codes(units, 4, 10, 10_000)
        for measure in measures:
            start = time.perf_counter()
            counting = 0.0
            pairs = 0
            mark = start
            for tables in iterate_pair_tables(codes, "layer"):
                counting += time.perf_counter() - mark
                MEASURES[measure](tables)
                pairs += len(tables)
                mark = time.perf_counter()
            seconds = time.perf_counter() - start
            rows.append(
                {"units": units, "measure": measure, "pairs": pairs, "seconds": seconds, "counting": counting}
            )
    return rows


def map_rows() -> list[dict]:
    """CPU microseconds a pair of a whole map: 128 units of a ReLU layer, 1,000 samples, 4 levels, 10 classes."""
    draw = torch.Generator().manual_seed(0)
    target = torch.randint(10, (1000,), generator=draw)
    means = torch.randn(10, 128, generator=draw)[target]
    layer = torch.relu(0.6 * means + torch.randn(1000, 128, generator=draw))
    codes = quantize(Activations({"layer": layer}, target, {"layer": "none"}), how="zero_level")
    rows = []
    for measure in ("i_min", "i_mmi", "i_broja", "i_ccs"):
        row: dict = {"measure": measure}
        for name, options in (("as it is", {"correction": "none", "null": "none"}), ("by default", {})):
            layer_maps(codes, measure, **options)  # compiled, or read from the cache
            start = time.process_time()
            pairs = len(layer_maps(codes, measure, **options)["layer"].pairs)
            row[name] = (time.process_time() - start) * 1e6 / pairs
        rows.append(row)
    return rows


def count_large() -> None:
    """Count 1,024 units of 8 levels, 10 classes, 100,000 samples; print seconds and peak memory in GB."""
    codes = random_codes(1024, 8, 10, 100_000)
    before = peak_memory()
    start = time.perf_counter()
    pairs = sum(len(tables) for tables in iterate_pair_tables(codes, "layer"))
    seconds, peak = time.perf_counter() - start, peak_memory()
    row = {"pairs": pairs, "seconds": seconds, "added_GB": peak - before, "process_GB": peak}
    print(json.dumps(row))


def peak_memory() -> float:
    """Peak resident memory of this process, GB. getrusage would count the parent's as well."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def first_calls() -> list[dict]:
    """Seconds of the first call in a new process: compiling, and from the cache."""
    rows = []
    for measure, shape in (("i_broja", (2, 2, 10)), ("i_broja", (4, 4, 10)), ("i_ccs", (4, 4, 10))):
        code = FIRST_CALL.format(cells=int(np.prod(shape)), shape=shape, measure=measure)
        with tempfile.TemporaryDirectory() as cache:
            seconds = [float(run_python(code, NUMBA_CACHE_DIR=cache)) for _ in range(2)]
        rows.append({"measure": measure, "shape": shape, "compiling": seconds[0], "cached": seconds[1]})
    return rows


def run_python(code: str, **environment: str) -> str:
    """What a new Python process prints."""
    import os

    found = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return found.stdout


def accuracy() -> dict:
    """Distance from the cone solver on 500 tables of mixed shape and sparsity, bits."""
    apart, missed, gaps = [], [], []
    for p in mixed_tables(500, seed=0):
        atoms, (unique1, unique2) = decompose(p, measure="i_broja"), cone_unique(p)
        apart.append(max(abs(atoms.unique1[0] - unique1), abs(atoms.unique2[0] - unique2)))
        missed.append(abs((unique1 - unique2) - (atoms.unique1[0] - atoms.unique2[0])))
        gaps.append(atoms.gap[0])
    return {
        "tables": len(apart),
        "largest distance": max(apart),
        "median distance": float(np.median(apart)),
        "largest gap": max(gaps),
        "tables farther than 1e-6": int(np.sum(np.array(apart) > 1e-6)),
        "largest error of U1 - U2 by ECOS itself": max(missed),
    }


def certificates() -> list[dict]:
    """The worst gap over many random pairs, full and sparse."""
    rows = []
    for shape, pairs in (
        ((2, 2, 10), 200_000),
        ((4, 4, 10), 50_000),
        ((4, 4, 2), 50_000),
        ((8, 8, 10), 2_000),
    ):
        for zeros in (0.0, 0.6):
            tables = random_pairs(shape, pairs, seed=1)
            rng = np.random.default_rng(2)
            p = np.where(rng.random(tables.p.shape) < zeros, 0.0, tables.p)
            p[:, 0, 0, 0] += 1e-3
            tables = PairTables(tables.pairs, p / p.sum((1, 2, 3), keepdims=True))
            row = {"shape": shape, "zeros": zeros, "pairs": pairs}
            for measure in ("i_broja", "i_ccs"):
                gap = MEASURES[measure](tables).gap
                tolerance = 1e-6 if measure == "i_broja" else 1e-8
                row |= {f"{measure} gap": gap.max(), f"{measure} open": int(np.sum(gap > tolerance))}
            rows.append(row)
    return rows


def number(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} {number(count)}" for name, count in value.items())
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def markdown(results: dict) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items())
    lines = [
        "# Measures of pair tables",
        "",
        f"{results['machine']}, {results['threads']} threads. {versions}.",
        "",
    ]
    for title, rows in results["tables"].items():
        lines += [f"## {title}", "", "| " + " | ".join(rows[0]) + " |", "|" + " --- |" * len(rows[0])]
        lines += ["| " + " | ".join(number(value) for value in row.values()) + " |" for row in rows] + [""]
    return "\n".join(lines)


TABLES: dict[str, Callable[[], list[dict]]] = {
    "Pairs per second": speed_rows,
    "Growth: pairs per second": growth_rows,
    "All pairs of a layer: seconds": layer_rows,
    "A whole map: CPU microseconds a pair": map_rows,
    "First call in a process: seconds": first_calls,
    "I_BROJA against ECOS, bits": lambda: [accuracy()],
    "Certificates over random pairs, bits": certificates,
    "Counting 1,024 units, 8 levels, 10 classes, 100,000 samples": lambda: [
        json.loads(run_python(LARGE_COUNT))
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="WORD", help="only the tables with this word in their title"
    )
    word = parser.parse_args().only
    warnings.simplefilter("ignore", DeprecationWarning)
    stored = RESULTS / "measures.json"
    before = json.loads(stored.read_text())["tables"] if stored.is_file() else {}
    tables = {title: make() if word in title else before.get(title) for title, make in TABLES.items()}
    results = {
        "machine": f"{machine()}, commit {commit()}",
        "threads": numba.get_num_threads(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "tables": {title: rows for title, rows in tables.items() if rows},
    }
    print(markdown(results))
    write_text(stored, json.dumps(results, indent=1) + "\n")
    write_text(RESULTS / "measures.md", markdown(results).rstrip() + "\n")


if __name__ == "__main__":
    main()
