"""Maps of wide layers, each in a process of its own: CPU and wall seconds, memory; first calls; GraphML."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import nullcontext, suppress
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from benchmarks.measures import peak_memory

CHECKOUT = Path(__file__).parent.parent
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
COMPARED = 512  # units up to which maps are held in memory
THREADS = 2  # cores that share the pairs of a tile; with more, tiles go to as many processes
EDGES = 1_000_000
WRITTEN_BAR, FIRST_BAR = 5.0, 15.0  # microseconds an edge, seconds


def relu_codes(units: int, samples: int = SAMPLES):
    """Quantile codes of a random ReLU layer on ten clusters."""
    import torch

    import pidnet as pn

    draw = torch.Generator().manual_seed(0)
    target = torch.randint(CLASSES, (samples,), generator=draw)
    x = torch.randn(CLASSES, 64, generator=draw)[target] + 1.5 * torch.randn(samples, 64, generator=draw)
    hidden = torch.relu(x @ torch.randn(64, units, generator=draw) / 8)
    return pn.quantize(pn.Activations({"h": hidden}, target, {"h": "none"}), LEVELS)


class Enough(Exception):
    """No further tile is wanted."""


class Here(Executor):
    """Makes tiles in this process, one after the other, until enough are made."""

    def __init__(self, tiles: float = float("inf"), seconds: float = float("inf")) -> None:
        self.left, self.end = tiles, time.perf_counter() + seconds

    def submit(self, function, /, *args, **kwargs) -> Future:
        """Make a tile."""
        if self.left <= 0 or time.perf_counter() > self.end:
            raise Enough
        self.left -= 1
        future: Future = Future()
        future.set_result(function(*args, **kwargs))
        return future


def one_map(
    units: int, measure: str, correction: str, store: str, cores: int = 1, minutes: float = float("inf")
) -> dict:
    """CPU and wall seconds and peak memory of one map, by threads of this process or by as many others as cores; nothing
    where the minutes were not enough: the same call then goes on, and its seconds add up."""
    import pidnet as pn

    options = {} if correction == "default" else {"correction": correction}
    pn.layer_maps(relu_codes(24, 2000), measure, **options)
    codes = relu_codes(units)
    if store:
        options["store"] = store
    forget_peak()
    cpu, wall, finished = time.process_time(), time.perf_counter(), True
    with workers(cores, 60 * minutes) as executor:
        try:
            pn.layer_maps(codes, measure, executor=executor, **options)
        except Enough:
            finished = False
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = {
        "CPU seconds": time.process_time()
        - cpu
        + (others.ru_utime + others.ru_stime if cores > THREADS else 0),
        "wall seconds": time.perf_counter() - wall,
        "peak GB": peak_memory() + (cores * others.ru_maxrss / 2**20 if cores > THREADS else 0),
    }
    spent = _with_earlier(Path(f"{store}.json"), spent) if store else spent
    return _map_row(units, measure, correction, cores, spent) if finished else {}


def _with_earlier(known: Path, spent: dict) -> dict:
    """What a map has taken in all its runs so far, kept beside its store."""
    if known.is_file():
        earlier = json.loads(known.read_text())
        peak = max(earlier.pop("peak GB"), spent["peak GB"])
        spent = {name: earlier[name] + spent[name] for name in earlier} | {"peak GB": peak}
    known.write_text(json.dumps(spent))
    return spent


def _map_row(units: int, measure: str, correction: str, cores: int, spent: dict) -> dict:
    pairs, seconds = units * (units - 1) // 2, spent["CPU seconds"]
    row = {"units": units, "measure": measure, "correction": correction, "cores": cores, "pairs": pairs}
    row |= {"CPU seconds": seconds, "microseconds a pair": seconds / pairs * 1e6}
    bars, most = BARS[units] if correction == "default" else ({}, "-")
    bar = bars[measure] if bars else None
    row |= {"wall seconds": spent["wall seconds"], "peak GB": spent["peak GB"]}
    row |= {"bar, CPU seconds": 2 * bar if bar else "-", "bar, wall seconds of 2 cores": bar or "-"}
    return row | {"bar, GB": most}


def workers(cores: int, seconds: float = float("inf")) -> Executor | nullcontext[None]:
    """None for this process and its threads, or the same for so many seconds, or processes of one thread each."""
    if cores > THREADS:
        return ProcessPoolExecutor(cores, get_context("spawn"), initializer=_one_thread)
    return nullcontext() if seconds == float("inf") else Here(seconds=seconds)


def _one_thread() -> None:
    import numba
    import torch

    numba.set_num_threads(1)
    torch.set_num_threads(1)


def forget_peak() -> None:
    """From here on the peak memory of this process is that of what follows (Linux, where it is allowed)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def map_rows(
    done: list[dict],
    sizes: list[int],
    measures: list[str],
    cores: int,
    stores: Path | None = None,
    minutes: float = float("inf"),
) -> Iterator[dict]:
    """A map of each kind; with a folder for stores, what was cut off is gone on with."""
    made = {(row["units"], row["measure"], row["correction"], row["cores"]) for row in done}
    for units, measure, correction in MAPS:
        if units not in sizes or measure not in measures or (units, measure, correction, cores) in made:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) if stores is None else stores.absolute()
            folder.mkdir(parents=True, exist_ok=True)
            store = str(folder / f"{units}-{measure}") if units > COMPARED else ""
            asked = (units, measure, correction, store, cores, minutes)
            call = f"one_map(*{asked!r})".replace("inf", "float('inf')")
            row = in_process(CHECKOUT, call, cores=min(cores, THREADS))
        if row:
            yield row | {"store": "yes" if store else "no"}


def in_process(
    checkout: Path, call: str, cores: int = 1, cache: str = "", module: str = "scale_maps"
) -> dict:
    """A call of this file, or another one, by the pidnet of a checkout, in a new process."""
    paths = f"sys.path[:0] = [{str(checkout)!r}]; import pidnet; sys.path.insert(0, {str(CHECKOUT)!r})"
    code = f"import json, sys; {paths}; from benchmarks import {module}; print(json.dumps({module}.{call}))"
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    # Workers of the pool find the package by PYTHONPATH.
    new = {name: str(cores) for name in names} | {"PYTHONPATH": f"{checkout}:{CHECKOUT}"}
    new |= {"NUMBA_CACHE_DIR": cache} if cache else {}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/", env={**os.environ, **new}
    )
    if found.returncode:
        raise RuntimeError(found.stderr[-2000:])
    return json.loads(found.stdout.splitlines()[-1])


def first_rows(done: list[dict]) -> Iterator[dict]:
    """The first default map by each measure, with nothing compiled before."""
    for measure in ("i_min", "i_mmi", "i_broja", "i_ccs"):
        if not any(row["measure"] == measure for row in done):
            with tempfile.TemporaryDirectory() as cache:
                yield in_process(CHECKOUT, f"first_map({measure!r})", cache=cache) | {"bar": FIRST_BAR}


def first_map(measure: str) -> dict:
    """Seconds of the map of a small layer in this process."""
    import pidnet as pn

    codes = relu_codes(24, 2000)
    cpu, wall = time.process_time(), time.perf_counter()
    pn.layer_maps(codes, measure)
    seconds = {"CPU seconds": time.process_time() - cpu, "wall seconds": time.perf_counter() - wall}
    return {"measure": measure} | seconds


def edge_rows(done: list[dict]) -> Iterator[dict]:
    """Writing a million edges as GraphML, with their numbers."""
    if done:
        return
    from pidnet.graph.arrays import RedundancyEdges

    units = int(np.ceil((1 + np.sqrt(1 + 8 * EDGES)) / 2))
    pairs = np.stack(np.triu_indices(units, 1), 1)[:EDGES]
    rng = np.random.default_rng(0)
    columns = {name: rng.random(EDGES) for name in ("redundancy", "synergy", "weight")}
    edges = RedundancyEdges("h", "i_min", rng.random(units), pairs, columns, 0, 0)
    with tempfile.TemporaryDirectory() as folder:
        cpu = time.process_time()
        path = edges.save(Path(folder) / "edges.graphml")
        seconds = time.process_time() - cpu
        size = path.stat().st_size / EDGES
    row = {"edges": EDGES, "CPU seconds": seconds, "microseconds an edge": seconds / EDGES * 1e6}
    yield row | {"bar": WRITTEN_BAR, "bytes an edge": size}
