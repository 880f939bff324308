"""`pidnet bench`."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pidnet.cli import _options as options
from pidnet.cli._import_path import check_file
from pidnet.cli._output import print_json, say, show, steps, write_json
from pidnet.progress import shown

if TYPE_CHECKING:
    from pidnet.measures import Measure

SHAPE = (4, 4, 10)
# Pairs of each measure; the iterative ones get fewer. Any other measure gets the last number.
PAIRS = {"i_min": 40_000, "i_mmi": 40_000, "i_broja": 10_000, "i_ccs": 10_000, "": 1_000}
REPEATS = 3
WIDTH, SAMPLES = 128, 1000


def bench(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(help="A benchmark of a checkout to start; none measures this machine.")
    ] = None,
    arguments: Annotated[list[str] | None, typer.Argument(help="What that benchmark itself takes.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the benchmarks of a checkout.")] = False,
    checkout: Annotated[
        Path, typer.Option(metavar="PATH", help="A clone of pidnet, for a name or --list.")
    ] = Path(),
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, callback=options.fitting_seed, help="Seed of the random tables and networks."
        ),
    ] = 0,
    out: options.OutFile = None,
    as_json: options.AsJson = False,
) -> None:
    """How fast pidnet is on this machine: every measure, a map of a layer, a plan. Takes about half a minute.

    The full benchmarks, against other packages and with accuracies, are in a clone and take minutes to hours.

    pidnet bench --list names them, pidnet bench NAME starts one and returns its exit code.
    """
    if listed:
        options.refuse(context, ("seed", "out", "name"), "with --list")
        rows = [
            {"benchmark": stem, "what it measures": words} for stem, words in _benchmarks(checkout).items()
        ]
        print_json(rows) if as_json else show("pidnet bench NAME", rows)
        return
    if name is not None:
        options.refuse(context, ("seed", "out", "as_json"), f"on {name}, which has options of its own")
        raise typer.Exit(_start(name, arguments or [], checkout))
    options.refuse(context, ("checkout",), "without a NAME or --list")
    if out is not None:
        check_file(out)
    machine, measured = _machine(), _measured(seed)
    result = {"machine": machine, "seed": seed, **measured}
    write_json(out, result)
    if as_json:
        print_json(result)
        return
    show(f"Random tables of {SHAPE[0]} x {SHAPE[1]} levels and {SHAPE[2]} classes", measured["measures"])
    show(f"A layer of {WIDTH} units, {SAMPLES:,} samples, {SHAPE[2]} classes", measured["jobs"])
    say(f"On {', '.join(f'{what} {value}' for what, value in machine.items())}.")


def _start(name: str, arguments: list[str], checkout: Path) -> int:
    """Runs a benchmark of a checkout; its exit code. Raises ValueError for one that is not there."""
    known = _benchmarks(checkout)
    if name not in known:
        raise ValueError(f"no benchmark {name!r}; {checkout.resolve()} has {', '.join(known)}")
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], cwd=checkout).returncode


def _measured(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Pairs per second and worst gap of each measure, and seconds of the jobs that take longest."""
    with steps("compiling, which takes up to a minute the first time") as tell:
        from pidnet.measures import MEASURES

        jobs = _jobs(seed)
        with shown(doing="measuring", total=len(MEASURES) + len(jobs), unit="job") as counted:
            measures = []
            for name, measure in MEASURES.items():
                tell(f"timing {name}")
                measures.append({"measure": name, **_speed(measure, PAIRS.get(name, PAIRS[""]), seed)})
                counted.update()
            seconds = []
            for name, job in jobs.items():
                tell(f"timing {name}")
                seconds.append({"job": name, "seconds": _best(job, 1)})
                counted.update()
    return {"measures": measures, "jobs": seconds}


def _speed(measure: Measure, pairs: int, seed: int) -> dict[str, Any]:
    """Pairs per second on random tables, after a call that compiles, and the largest certified error."""
    import numpy as np

    from pidnet.tables.discrete import PairTables

    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(np.prod(SHAPE)), size=pairs).reshape(pairs, *SHAPE)
    tables = PairTables(np.full((pairs, 2), -1), p)
    measure(PairTables(tables.pairs[:20], p[:20]))
    return {
        "pairs": pairs,
        "pairs per second": round(pairs / _best(lambda: measure(tables))),
        "largest gap, bits": float(measure(tables).gap.max()),
    }


def _jobs(seed: int) -> dict[str, Callable[[], object]]:
    """What a user waits for, on a random network and random samples."""
    import torch

    import pidnet as pn

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = pn.zoo.mlp(64, (WIDTH,), SHAPE[2])
        x, y = torch.randn(SAMPLES, 64), torch.arange(SAMPLES) % SHAPE[2]
    codes = pn.quantize(pn.capture(network, (x, y), ["fc1"]), SHAPE[0], "zero_level")
    plan = pn.plan_pruning(network, (x, y), 0.5, "l1")
    return {
        "map by i_min": lambda: pn.layer_maps(codes, "i_min"),
        "map by i_broja": lambda: pn.layer_maps(codes, "i_broja"),
        "plan by pid, half of the units": lambda: pn.plan_pruning(network, (x, y), 0.5),
        "cut and refit": lambda: pn.apply_plan(network, plan, (x, y)),
    }


def _best(job: Callable[[], object], runs: int = REPEATS) -> float:
    """Seconds of the fastest of some runs."""
    seconds = []
    for _ in range(runs):
        start = perf_counter()
        job()
        seconds.append(perf_counter() - start)
    return min(seconds)


def _machine() -> dict[str, Any]:
    """What the speed depends on."""
    import platform

    import torch

    from pidnet import __version__

    return {
        "processor": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "Python": platform.python_version(),
        "torch": torch.__version__,
        "pidnet": __version__,
    }


def _benchmarks(checkout: Path) -> dict[str, str]:
    """Name -> first sentence, of the scripts in benchmarks/ that can be started."""
    found = {}
    for path in sorted((checkout / "benchmarks").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        if "__main__" in source:
            paragraph = (ast.get_docstring(ast.parse(source)) or "").split("\n\n")[0]
            found[path.stem] = " ".join(paragraph.split())
    if not found:
        raise FileNotFoundError(
            f"{checkout.resolve()} holds no benchmarks; they do not ship with the package: clone pidnet and "
            "name the clone with --checkout"
        )
    return found
