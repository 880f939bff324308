"""`pidnet energy`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pidnet.cli.networks import Model, find_model
from pidnet.cli.output import AsJson, print_json, say, show


def energy(
    model: Model,
    shape: Annotated[str, typer.Option(help="Shape of one input without the batch, such as 1,28,28.")],
    small: Annotated[Path | None, typer.Option(help="A pruned network of it, to compare with.")] = None,
    dtype: Annotated[
        str | None, typer.Option(help="fp32, fp16, bf16, int8 or binary; else as it is.")
    ] = None,
    grid: Annotated[float | None, typer.Option(help="Grams of CO2 per kWh, for an estimate.")] = None,
    measure: Annotated[bool, typer.Option(help="Measure as well, where a counter exists (2 min).")] = False,
    out: Annotated[Path | None, typer.Option(help="A file for the result as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """What a network costs per sample, layer by layer; with --small, what a pruned one of it saves.

    Example: pidnet energy --model mine.py:network --shape 1,28,28 --small runs/prune/pruned-0.5.safetensors
    """
    import torch

    dense = find_model(model)
    example = torch.zeros(1, *_sizes(shape))
    if small is None:
        result, lines = _alone(dense, example, dtype)
    else:
        result, lines = _compared(dense, small, example, dtype=dtype, measure=measure, grid=grid)
    if out is not None:
        from pidnet.files import write_text

        write_text(out, json.dumps(result, indent=1))
    if as_json:
        print_json(result)
        return
    if small is None:
        show(f"{model}, per sample; energy is modelled (Horowitz 2014)", result["layers"])
    for line in lines:
        say(line)


def _alone(dense, example, dtype: str | None) -> tuple[dict, list[str]]:
    """The rows of one network, and sentences about what is not in them."""
    from pidnet.energy import count, energy_rows

    counts = count(dense, example)
    rows = energy_rows(counts, dtype=dtype)
    unknown = [f"Not counted in full: {name or '(model)'}: {why}." for name, why in counts.unknown.items()]
    return {"layers": rows, "not counted in full": dict(counts.unknown)}, unknown


def _compared(
    dense, small: Path, example, *, dtype: str | None, measure: bool, grid: float | None
) -> tuple[dict, list[str]]:
    """The report of two networks as fields and as lines, with grams of CO2 where a grid is given."""
    from pidnet.energy import add_measured, co2_grams, compare_energy
    from pidnet.pruning import load_pruned

    pruned = load_pruned(dense, small)
    report = compare_energy(dense, pruned, example, dtype=dtype)
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


def _sizes(shape: str) -> list[int]:
    try:
        return [int(size) for size in shape.split(",")]
    except ValueError:
        raise ValueError(f"shape is {shape!r}; expected numbers with commas, such as 1,28,28") from None
