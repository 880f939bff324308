"""demo, map and prune are killed at random moments; what is then in their folders is compared with whole runs.

A script of its own: it forks, once what takes long has been imported. Half of the moments are drawn by the clock, half
among the file operations in the run folder, which come in the last tenth of a run. Two runs with different seeds take
turns in one folder. After each kill the folder holds the run before, or the one that was killed, or the first budgets
of that one: never less than there was, never a mixture. Prints a JSON object:

    python -m tests.cli.killing --kills 6
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import nn

from pidnet import cli, training
from pidnet.cli import _demo_run as demo
from pidnet.runs import read_run

MODEL = ["--model", f"{__file__}:network", "--data", "digits", "--samples", "100"]
WORDS = {
    "demo": ["demo", "--criterion", "l1"],
    "map": ["map", *MODEL, "--measure", "i_min", "--null", "none"],
    "prune": ["prune", *MODEL, "--criterion", "l1", "--keep", "0.75", "--keep", "0.5", "--keep", "0.25"],
}
SEEDS = (1, 2)
OPERATIONS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod"}


def network():
    return nn.Sequential(nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 10))


@dataclass(frozen=True)
class Whole:
    """A run that nobody stopped: what a reader finds in its folder, the names there, how long it took."""

    contents: tuple
    names: frozenset[str]
    operations: int
    seconds: float


def start(command, seed, folder, last=None):
    """A child that runs the command, and is killed before its ``last`` file operation in the folder; its id, and a
    pipe that gets a byte at each of these operations."""
    reading, told = os.pipe()
    if child := os.fork():
        os.close(told)
        return child, reading
    status = 1
    try:
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        count_operations(str(folder), last, told)
        cli.app([*WORDS[command], "--seed", str(seed), "--out", str(folder)], standalone_mode=False)
        status = 0
    finally:
        os._exit(status)


def count_operations(folder, last, told):
    seen = 0

    def see(event, arguments):
        nonlocal seen
        inside = event in OPERATIONS and str(arguments[0]).startswith(folder)
        if inside or (event in ("os.remove", "os.rmdir") and arguments[1] != -1):  # within a folder that goes
            seen += 1
            os.write(told, b".")
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(see)


def ended(child, reading):
    """How many file operations a child made, and how it ended."""
    with open(reading, "rb") as pipe:
        return len(pipe.read()), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def contents(folder):
    """What a reader of the folder finds, as values; None where there is no run yet."""
    try:
        run = read_run(folder)
    except FileNotFoundError:
        return None
    page = folder / "report.html"
    return (
        run.settings,
        [(one.layer, one.measure, one.atoms.redundancy.tobytes()) for one in run.maps],
        [path.read_bytes() for path in run.pictures],
        page.read_text().replace(str(folder), "") if page.is_file() else "",
        [(one.name, one.plan.to_json(), one.report.to_json()) for one in run.budgets],
    )


def undisturbed(command, seed, folder):
    begun = time.perf_counter()
    operations, status = ended(*start(command, seed, folder))
    if status:
        raise RuntimeError(f"{command} ends with {status}: {WORDS[command]}")
    names = frozenset(path.name for path in folder.iterdir())
    return Whole(contents(folder), names, operations, time.perf_counter() - begun)


def stages(command, whole):
    """What a run leaves behind, in order: one budget more at a time; the page when all else is there."""
    *rest, page, budgets = whole.contents
    if command == "prune":
        return [(*rest, page, budgets[: count + 1]) for count in range(len(budgets))]
    return [(*rest, "", budgets), whole.contents] if page else [whole.contents]


def one_kill(command, seed, folder, whole, draw):
    """Start a run and kill it; what was found then, in a word, or in words that begin with "fault"."""
    before, ways = contents(folder), stages(command, whole)
    by_clock = draw.random() < 0.5
    child, reading = start(command, seed, folder, None if by_clock else draw.randint(1, whole.operations))
    if by_clock:
        time.sleep(draw.uniform(0, whole.seconds))
        os.kill(child, signal.SIGKILL)
    _, status = ended(child, reading)
    if status not in (0, -signal.SIGKILL):
        return f"fault: the command ends with {status}"
    try:
        after = contents(folder)
    except ValueError as error:
        return f"fault: {error}"
    if (
        command == "prune"
        and before in ways
        and (after not in ways or ways.index(after) < ways.index(before))
    ):
        return "fault: budgets that had been written are lost"
    if after == before:
        return "run before" if before else "nothing yet"
    return "whole run" if after == ways[-1] else "part of it" if after in ways else "fault: a mixture"


def killed(command, kills, seed, place):
    """How often each was found after so many kills of one command."""
    draw, folder = random.Random(seed), place / command
    truth = {seed: undisturbed(command, seed, place / f"{command}-{seed}") for seed in SEEDS}
    found = Counter()
    for _ in range(kills):
        seed = draw.choice(SEEDS)
        found[one_kill(command, seed, folder, truth[seed], draw)] += 1
    last = undisturbed(command, SEEDS[0], folder)
    found["fault: the run after all kills is not right"] += last.contents != truth[SEEDS[0]].contents
    left = last.names - truth[SEEDS[0]].names - {f"dense-seed{SEEDS[1]}.safetensors"}
    found[f"fault: litter {sorted(left)}"] += bool(left)
    return {what: count for what, count in found.items() if count}


def load(command, place):
    """Run it here once: what it imports and compiles, the children share."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        cli.app([*WORDS[command], "--out", f"{place}/loaded"], standalone_mode=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=6)
    kills = parser.parse_args().kills
    torch.set_num_threads(1)
    demo.WIDTHS, demo.CALIBRATION, demo.MEASURES, demo.GRAPH_MEASURE = (6, 6), 100, ("i_min",), "i_min"
    training.train = partial(training.train, epochs=1)
    found = {}
    for index, command in enumerate(WORDS):
        with tempfile.TemporaryDirectory() as place:
            load(command, place)
            found[command] = killed(command, kills // 3 + (index < kills % 3), index, Path(place))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
