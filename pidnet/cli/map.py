"""`pidnet map`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from pidnet.cli.networks import Data, Model, SampleCount, Weights, find_data, find_model
from pidnet.cli.output import AsJson, print_json, say, show_maps, steps

QUANTIZERS = ("zero_level", "equal_mass", "equal_width", "deviation_steps", "lloyd", "binary", "own_values")


def map(
    model: Model,
    data: Data,
    weights: Weights = None,
    layers: Annotated[
        str | None, typer.Option(help="Layers with commas between, such as fc1,fc2; else all with units.")
    ] = None,
    measure: Annotated[
        str, typer.Option(help="i_broja, i_min, i_mmi, i_ccs, or gaussian_i_mmi and its kin (no quantizer).")
    ] = "i_broja",
    quantizer: Annotated[
        str, typer.Option(help=f"How activations become levels: {', '.join(QUANTIZERS)}.")
    ] = ("zero_level"),
    levels: Annotated[int, typer.Option(min=2, help="Levels a unit.")] = 4,
    correction: Annotated[str, typer.Option(help="Of the sampling bias.")] = "shuffle_sources",
    null: Annotated[
        str, typer.Option(help="What the p-values test against: units, labels, sources, none.")
    ] = ("units"),
    intervals: Annotated[
        bool, typer.Option("--intervals", help="95 % intervals as well; takes up to twice as long.")
    ] = False,
    samples: SampleCount = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the correction, the null and the intervals.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("runs/map"),
    as_json: AsJson = False,
) -> None:
    """What all pairs of units of each layer say about the label: redundancy, unique information, synergy.

    Example: pidnet map --model mine.py:network --weights mine.safetensors --data mine.py:loader
    """
    with steps("starting") as tell:
        from pidnet.activations import capture
        from pidnet.maps import layer_maps
        from pidnet.measures.gaussian import PREFIX
        from pidnet.runs import write_maps, write_settings

        network, found = find_model(model, weights), find_data(data, samples)
        tell(f"capturing {len(found.calibration[1])} samples")
        acts = capture(network, found.calibration, layers.split(",") if layers else None)
        shape = ", ".join(f"{name} ({values.shape[1]} units)" for name, values in acts.layers.items())
        tell(f"mapping all pairs of {shape} by {measure}")
        if measure.startswith(PREFIX):
            options: dict[str, Any] = {}
            maps = list(layer_maps(acts, measure).values())
        else:
            options = {"correction": correction, "null": null, "intervals": intervals, "seed": seed}
            codes = _codes(acts, quantizer, levels)
            maps = list(layer_maps(codes, measure, **options).values())
            options |= {"quantizer": quantizer, "levels": levels}
        write_maps(out, maps)
        settings: dict[str, Any] = {"model": model, "weights": weights and str(weights), "data": data}
        settings |= {"samples": len(acts.target), "measure": measure, **options}
        write_settings(out, "map", settings)
    if as_json:
        print_json({"folder": str(out), "layers": [one.summary() for one in maps]})
        return
    show_maps(maps)
    for name, why in acts.skipped.items():
        say(f"Not mapped: {name}: {why}.")
    say(f"Written to {out}. Next: pidnet report {out}")


def _codes(acts, quantizer: str, levels: int):
    """Quantized activations, by the name of the quantizer."""
    from pidnet import quantization

    if quantizer not in QUANTIZERS:
        raise ValueError(f"unknown quantizer {quantizer!r}; the known ones are {', '.join(QUANTIZERS)}")
    return quantization.quantize(acts, levels, getattr(quantization, quantizer))
