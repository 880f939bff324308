"""How much time and memory maps of wide layers take, and how the I_BROJA kernels compare.

    python -m benchmarks.scale                      all of it, hours of one core
    python -m benchmarks.scale --only WORD          only the tables whose title has the word; the others are kept
    python -m benchmarks.scale --only Maps --units 512 2048 --measures i_min        only these maps
    python -m benchmarks.scale --only Maps --units 11008 --cores 8      by processes of one thread, not two threads
    python -m benchmarks.scale --only Maps --units 11008 --stores FOLDER --minutes 25      again, until it is done
    python -m benchmarks.scale --results FOLDER    not into benchmarks/results; jobs beside each other have a folder each
    python -m benchmarks.scale --collect FOLDER ...     the rows of those folders, into the results

Each map runs in a process of its own, after a small one that compiles. CPU seconds are of all threads and processes (with
those that start a process), so that they say something on a machine that others use too; each row names its commit,
machine and the load when it began. The bars are seconds of two quiet cores: twice that many CPU seconds. Writes
scale.{json,md} after every row; rows that this commit has there are not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.made_with import commit, machine
from benchmarks.measures import number
from benchmarks.scale_disk import disk_rows
from benchmarks.scale_maps import BARS, THREADS, edge_rows, first_rows, map_rows, relu_codes
from pidnet.files import write_text

RESULTS = Path(__file__).parent / "results"
CHECKED = 1_000_000
AT_ONCE = 20_000


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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", default="", metavar="WORD", help="only the tables with this word in their title"
    )
    parser.add_argument("--units", type=int, nargs="+", default=list(BARS), help="widths of the maps")
    parser.add_argument("--measures", nargs="+", default=["i_min", "i_mmi", "i_broja", "i_ccs"])
    parser.add_argument("--cores", type=int, default=THREADS, help="that make a map")
    parser.add_argument(
        "--stores", type=Path, metavar="FOLDER", help="that keeps the maps which were cut off"
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="after which a map is left")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER")
    parser.add_argument("--collect", type=Path, nargs="+", default=[], metavar="FOLDER")
    asked = parser.parse_args()
    tables: dict[str, Callable[[list[dict]], Iterator[dict]]] = {
        "Maps: 10,000 samples, 4 levels, 10 classes": lambda done: map_rows(
            done, asked.units, asked.measures, asked.cores, asked.stores, asked.minutes
        ),
        "First call of a default map, nothing compiled": first_rows,
        "I_BROJA: pairs a CPU second, one thread": kernel_rows,
        "I_BROJA: gaps of a million tables (4, 4, 10), bits": checked_rows,
        "GraphML": edge_rows,
        "Codes on disk": disk_rows,
    }
    known = stored(asked.results)
    for title, make in tables.items():
        if asked.collect:
            rows = known.setdefault(title, [])
            for row in [row for folder in asked.collect for row in stored(folder).get(title, [])]:
                replace(rows, row)
            write(asked.results, known)
        elif asked.only in title:
            add_rows(asked.results, known, title, make)


def stored(folder: Path) -> dict[str, list[dict]]:
    """The tables that a folder has."""
    path = folder / "scale.json"
    return json.loads(path.read_text())["tables"] if path.is_file() else {}


def add_rows(
    folder: Path, known: dict[str, list[dict]], title: str, make: Callable[[list[dict]], Iterator[dict]]
) -> None:
    """Add the rows that a table does not have of this commit, each written when it is there, in the place of an older one."""
    rows, load = known.setdefault(title, []), round(os.getloadavg()[0], 1)
    for row in make([row for row in rows if row["commit"] == commit()]):
        replace(rows, row | {"commit": commit(), "machine": machine(), "load": load})
        print(rows[-1], flush=True)
        load = round(os.getloadavg()[0], 1)
        write(folder, known)


def replace(rows: list[dict], row: dict) -> None:
    """Put a row in the place of the one of the same job."""
    jobs = [_job(old) for old in rows]
    where = jobs.index(_job(row)) if _job(row) in jobs else len(rows)
    rows[where : where + 1] = [row]


def write(folder: Path, known: dict[str, list[dict]]) -> None:
    """All tables, as numbers and as a page."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "scale.json", json.dumps({"tables": known}, indent=1) + "\n")
    sections = [_section(title, rows) for title, rows in known.items() if rows]
    write_text(folder / "scale.md", "\n\n".join(["# Wide layers", *sections]) + "\n")


def _job(row: dict) -> list:
    """What a row is of."""
    return [row.get(name) for name in ("units", "measure", "correction", "cores", "shape", "tables", "work")]


def _section(title: str, rows: list[dict]) -> str:
    names = list(dict.fromkeys(name for row in reversed(rows) for name in row))
    lines = [f"## {title}", "", "| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    return "\n".join(
        lines + ["| " + " | ".join(number(row.get(name, "-")) for name in names) + " |" for row in rows]
    )


if __name__ == "__main__":
    main()
