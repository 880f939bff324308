"""`pidnet energy`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from pidnet.cli import _options as options
from pidnet.cli._import_path import check_file
from pidnet.cli._networks import check_fit, find_model, made_note
from pidnet.cli._output import print_json, say, show, write_json
from pidnet.cli._samples import UserData, find_data, head

MOST_VALUES = 10**8  # of one sample


def energy(
    model: options.Model,
    shape: options.Shape = None,
    data: options.ExampleData = None,
    weights: options.Weights = None,
    device: options.Device = "cpu",
    small: options.Small = None,
    dtype: options.Dtype = None,
    grid: options.Grid = None,
    measure: options.Measured = False,
    out: options.OutFile = None,
    as_json: options.AsJson = False,
) -> None:
    """What a network costs per sample, layer by layer; with --small, what a pruned one of it saves.

    Example: pidnet energy --model mine.py:network --shape 1,28,28 --small runs/prune/pruned-0.5.safetensors
    """
    _check_options(shape=shape, data=data, small=small, grid=grid, measure=measure)
    if out is not None:
        check_file(out)
    dense = find_model(model, weights, device)
    samples = find_data(data, samples=20) if data else _zeros(shape or "")
    check_fit(dense, samples, data or f"--shape {shape}")
    if small is None:
        result, lines = _alone(dense, head(samples.calibration[0], 1), dtype)
    else:
        result, lines = _compared(dense, small, samples, dtype=dtype, measure=measure, grid=grid)
    write_json(out, result)
    if as_json:
        print_json(result)
        return
    if small is None:
        show(f"{model}, per sample; energy is modelled (Horowitz 2014)", result["layers"])
    for line in [*lines, *(made_note(model, weights) if data and small else [])]:
        say(line)


def _check_options(**given: Any) -> None:
    """ValueError for options that do not go together."""
    if given["shape"] is None and given["data"] is None:
        raise ValueError("the input is not known; give --shape, such as 1,28,28, or --data")
    if None not in (given["shape"], given["data"]):
        raise ValueError("--shape and --data both say what the input is; give one of them")
    alone = [f"--{name}" for name in ("grid", "measure") if given[name]]
    if alone and given["small"] is None:
        raise ValueError(f"{alone[0]} compares two networks; give the pruned one with --small")


def _alone(dense, example, dtype: str | None) -> tuple[dict, list[str]]:
    """The rows of one network, and sentences about what is not in them."""
    from pidnet.energy import count, energy_rows

    counts = count(dense, example)
    rows = energy_rows(counts, dtype=dtype)
    unknown = [f"Not counted in full: {name or '(model)'}: {why}." for name, why in counts.unknown.items()]
    return {"layers": rows, "not counted in full": dict(counts.unknown)}, unknown


def _compared(
    dense, small: Path, samples: UserData, *, dtype: str | None, measure: bool, grid: float | None
) -> tuple[dict, list[str]]:
    """The report of two networks as fields and as lines, with grams of CO2 where a grid is given."""
    from pidnet.energy import add_measured, co2_grams, compare_energy
    from pidnet.runs.carried_out import accuracies

    pruned, example = _pruned(dense, small), head(samples.calibration[0], 1)
    report = compare_energy(dense, pruned, example, dtype=dtype, **accuracies(dense, pruned, samples.test))
    if measure:
        report = add_measured(report, (dense, pruned), example)
    result, lines = json.loads(report.to_json()), str(report).splitlines()
    if grid is not None:
        result["co2_grams"] = grams = co2_grams(report, grid)
        lines += [
            f"CO2, estimated from {where}: {before * 1e6:.4g} -> {after * 1e6:.4g} g per million samples"
            for where, (before, after) in grams.items()
        ]
    return result, lines


def _pruned(dense, path: Path):
    """The smaller network in a file. Raises ValueError for a file that is none."""
    from pidnet.pruning import load_pruned

    return load_pruned(dense, path)


def _zeros(shape: str) -> UserData:
    """Two inputs of a shape, without a label that means anything."""
    import torch

    try:
        sizes = [int(size) for size in shape.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise ValueError(f"--shape {shape!r}; expected numbers above 0 with commas, such as 1,28,28")
    if math.prod(sizes) > MOST_VALUES:
        raise ValueError(
            f"--shape {shape!r} is {math.prod(sizes):,} values a sample; expected at most {MOST_VALUES:,}"
        )
    return UserData((torch.zeros(2, *sizes), torch.zeros(2, dtype=torch.int64)), None)
