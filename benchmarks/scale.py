"""How much CPU time maps of wide layers take, and how the I_BROJA kernels compare, next to an earlier commit.

    python -m benchmarks.scale --against FOLDER     FOLDER: a checkout of the commit to compare with
    python -m benchmarks.scale --only WORD          only the tables whose title has the word; the others are kept
    python -m benchmarks.scale --only Maps --units 512 2048 --measures i_min        only these maps

Each map runs in a process of its own, after a small one that compiles. CPU seconds are of all threads, so that they say
something on a machine that others use too; each row names its commit and the load when it began. The bars of issue 19
are seconds of two quiet cores: twice that many CPU seconds. Writes benchmarks/results/scale.{json,md} after every row;
rows that this commit has are not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.made_with import commit, machine
from benchmarks.measures import number, peak_memory
from pidnet.files import write_text

HERE = Path(__file__).parent
RESULTS = HERE / "results"
STORED = RESULTS / "scale.json"
SAMPLES, LEVELS, CLASSES = 10_000, 4, 10
BARS = {  # units -> seconds on two cores, and GB
    512: ({"i_min": 0.5, "i_mmi": 0.5, "i_broja": 2, "i_ccs": 10}, 0.7),
    2048: ({"i_min": 5, "i_mmi": 5, "i_broja": 25, "i_ccs": 150}, 0.9),
    4096: ({"i_min": 20, "i_mmi": 20, "i_broja": 100, "i_ccs": 600}, 1.2),
    11008: ({"i_min": 150, "i_mmi": 150, "i_broja": 900}, 2.0),
}
MAPS = (
    (512, "i_min", "none"),
    (512, "i_mmi", "none"),
    (512, "i_broja", "none"),
    (512, "i_ccs", "none"),
    *((units, measure, "default") for units, (measures, _) in BARS.items() for measure in measures),
)
COMPARED = (
    512  # units up to which the earlier commit runs as well, without a correction, since that has changed
)
CHECKED = 1_000_000
AT_ONCE = 20_000


def relu_codes(units: int, samples: int = SAMPLES):
    """Quantile codes of a random ReLU layer on ten clusters."""
    import torch

    import pidnet as pn

    draw = torch.Generator().manual_seed(0)
    target = torch.randint(CLASSES, (samples,), generator=draw)
    x = torch.randn(CLASSES, 64, generator=draw)[target] + 1.5 * torch.randn(samples, 64, generator=draw)
    hidden = torch.relu(x @ torch.randn(64, units, generator=draw) / 8)
    return pn.quantize(pn.Activations({"h": hidden}, target, {"h": "none"}), LEVELS)


def one_map(units: int, measure: str, correction: str, store: str) -> dict:
    """CPU and wall seconds and peak memory of one map in this process."""
    import pidnet as pn

    options = {} if correction == "default" else {"correction": correction}
    pn.layer_maps(relu_codes(24, 2000), measure, **options)
    codes = relu_codes(units)
    if store:
        options["store"] = store
    forget_peak()
    cpu, wall = time.process_time(), time.perf_counter()
    found = pn.layer_maps(codes, measure, **options)
    seconds = time.process_time() - cpu
    pairs = units * (units - 1) // 2
    row = {"units": units, "measure": measure, "correction": correction, "pairs": pairs}
    row |= {"CPU seconds": seconds, "microseconds a pair": seconds / pairs * 1e6}
    row |= {"wall seconds": time.perf_counter() - wall, "peak GB": peak_memory(), "maps": len(found)}
    seconds, memory = BARS[units] if correction == "default" else ({}, "-")
    return row | {"bar, CPU seconds": 2 * seconds[measure] if seconds else "-", "bar, GB": memory}


def forget_peak() -> None:
    """From here on the peak memory of this process is that of what follows (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def map_rows(done: list[dict], against: Path | None, sizes: list[int], measures: list[str]) -> Iterator[dict]:
    """A map of each kind, with its CPU time by the earlier commit where that is given."""
    import tempfile

    for units, measure, correction in MAPS:
        if units not in sizes or measure not in measures:
            continue
        if any(
            (row["units"], row["measure"], row["correction"]) == (units, measure, correction) for row in done
        ):
            continue
        with tempfile.TemporaryDirectory() as folder:
            row = _in_process(HERE.parent, units, measure, correction, folder if units > COMPARED else "")
        row["store"] = "yes" if units > COMPARED else "no"
        row.pop("maps")
        before = None
        if against and units <= COMPARED and correction == "none":
            before = _in_process(against, units, measure, correction, "")["CPU seconds"]
        row["earlier CPU seconds"] = before if before is not None else "-"
        row["times faster"] = before / row["CPU seconds"] if before is not None else "-"
        yield row


def _in_process(checkout: Path, *job: object) -> dict:
    """``one_map`` by the pidnet of a checkout, with this file's definitions."""
    code = (
        f"import sys; sys.path[:0] = [{str(checkout)!r}]; import pidnet; sys.path.insert(0, {str(HERE.parent)!r});"
        f"import json; from benchmarks.scale import one_map; print(json.dumps(one_map(*{job!r})))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    return json.loads(found.stdout.splitlines()[-1])


def kernel_rows(done: list[dict]) -> Iterator[dict]:
    """Pairs a CPU second of each I_BROJA kernel on random tables, one thread, the fastest of three, and of the cone solver."""
    import numba

    from peers import cone_unique
    from pidnet.measures.ibroja import _attempts, _general

    numba.set_num_threads(1)
    for shape, many, few in (
        ((2, 2, 10), 200_000, 5_000),
        ((4, 4, 10), 20_000, 1_000),
        ((8, 8, 10), 1_000, 100),
    ):
        if any(row["shape"] == list(shape) for row in done):
            continue
        row = {"shape": list(shape)}
        for kind, tables in kinds(shape, many):
            now = _pairs_a_second(_attempts.find_minima, tables)
            one = _pairs_a_second(_one_at_a_time(_general.solve_general), tables[:few])
            row |= {f"{kind}": now, f"{kind}, one at a time": one, f"{kind}, factor": now / one}
        cone = _cone_speed(cone_unique, next(kinds(shape, 20))[1])
        yield row | {"cone solver": cone, "times the cone solver": row["random"] / cone}


def _one_at_a_time(kernel: Callable) -> Callable:
    def solve(p1, p2, tolerance):
        ends, Q = np.empty((2, len(p1))), np.empty((len(p1), p1.shape[2] * p2.shape[2]))
        found = *ends, np.empty_like(p1), np.empty_like(p2), Q
        kernel(p1, p2, tolerance, *found)

    return solve


def _pairs_a_second(solve: Callable, p_PABY: np.ndarray) -> float:
    margins = [np.ascontiguousarray(p_PABY.sum(axis).swapaxes(1, 2)) for axis in (2, 1)]
    seconds = []
    for _ in range(3):  # the first one finds no memory ready; the fastest counts
        start = time.process_time()
        solve(*margins, 1e-6 * np.log(2))
        seconds.append(time.process_time() - start)
    return len(p_PABY) / min(seconds)


def _cone_speed(solve: Callable, p_PABY: np.ndarray) -> float:
    solve(p_PABY[0])
    start = time.process_time()
    for p in p_PABY:
        solve(p)
    return len(p_PABY) / (time.process_time() - start)


def kinds(shape: tuple[int, int, int], pairs: int, seed: int = 0) -> Iterator[tuple[str, np.ndarray]]:
    """Random tables, and such with one cell in seven."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(np.prod(shape)), pairs).reshape(pairs, *shape)
    yield "random", p
    p = np.where(rng.random(p.shape) < 0.85, 0.0, p)
    p[:, 0, 0, 0] += 1e-3
    yield "sparse", p / p.sum((1, 2, 3), keepdims=True)


def checked_rows(done: list[dict]) -> Iterator[dict]:
    """Gaps of a million (4, 4, 10) tables in all: uneven, even and sparse random ones, and those of a layer."""
    each = CHECKED // 4
    for kind in ("dirichlet(1)", "dirichlet(0.1)", "one cell in seven", "units of a ReLU layer"):
        if any(row["tables"] == kind for row in done):
            continue
        widest, wide, count, first = 0.0, 0, 0, time.process_time()
        for p in _blocks(kind, each):
            gap = _gaps(p)
            widest, wide, count = max(widest, gap.max()), wide + int(np.sum(~(gap <= 1e-6))), count + len(gap)
        seconds = time.process_time() - first
        yield {
            "tables": kind,
            "pairs": count,
            "widest gap": widest,
            "above 1e-6": wide,
            "CPU seconds": seconds,
        }


def _blocks(kind: str, pairs: int) -> Iterator[np.ndarray]:
    """Tables of a kind, some at a time."""
    if kind.startswith("units"):
        from pidnet.tables.discrete import iterate_pair_tables

        units = int(np.ceil((1 + np.sqrt(1 + 8 * pairs)) / 2))
        yield from (tables.p for tables in iterate_pair_tables(relu_codes(units), "h"))
        return
    for seed in range(-(-pairs // AT_ONCE)):
        if kind.startswith("dirichlet"):
            rng, even = np.random.default_rng([1, seed]), float(kind[10:-1])
            yield rng.dirichlet(np.full(160, even), AT_ONCE).reshape(AT_ONCE, 4, 4, 10)
        else:
            yield [p for _, p in kinds((4, 4, 10), AT_ONCE, seed)][1]


def _gaps(p_PABY: np.ndarray) -> np.ndarray:
    import warnings

    from pidnet.measures import decompose

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # counted here
        return decompose(p_PABY, "i_broja").gap


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", type=Path, help="a checkout of the commit to compare with")
    parser.add_argument(
        "--only", default="", metavar="WORD", help="only the tables with this word in their title"
    )
    parser.add_argument("--units", type=int, nargs="+", default=list(BARS), help="widths of the maps")
    parser.add_argument("--measures", nargs="+", default=["i_min", "i_mmi", "i_broja", "i_ccs"])
    asked = parser.parse_args()
    tables: dict[str, Callable[[list[dict]], Iterator[dict]]] = {
        "Maps: 10,000 samples, 4 levels, 10 classes": lambda done: map_rows(
            done, asked.against, asked.units, asked.measures
        ),
        "I_BROJA: pairs a CPU second, one thread": kernel_rows,
        "I_BROJA: gaps of a million tables (4, 4, 10), bits": checked_rows,
    }
    known = json.loads(STORED.read_text())["tables"] if STORED.is_file() else {}
    for title, make in tables.items():
        if asked.only in title:
            add_rows(known, title, make)


def add_rows(known: dict[str, list[dict]], title: str, make: Callable[[list[dict]], Iterator[dict]]) -> None:
    """Add the rows that a table does not have of this commit, each written when it is there, in the place of an older one."""
    rows, load = known.setdefault(title, []), round(os.getloadavg()[0], 1)
    for row in make([row for row in rows if row["commit"] == commit()]):
        rows[:] = [
            *(old for old in rows if _job(old) != _job(row)),
            row | {"commit": commit(), "load": load},
        ]
        print(rows[-1], flush=True)
        load = round(os.getloadavg()[0], 1)
        write_text(STORED, json.dumps({"machine": machine(), "tables": known}, indent=1) + "\n")
        sections = [_section(title, rows) for title, rows in known.items()]
        write_text(RESULTS / "scale.md", "\n\n".join(["# Wide layers", f"{machine()}.", *sections]) + "\n")


def _job(row: dict) -> list:
    """What a row is of."""
    return [row.get(name) for name in ("units", "measure", "correction", "shape", "tables")]


def _section(title: str, rows: list[dict]) -> str:
    names = list(rows[-1])
    lines = [f"## {title}", "", "| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join(
        lines + ["| " + " | ".join(number(row.get(name, "-")) for name in names) + " |" for row in rows]
    )


if __name__ == "__main__":
    main()
