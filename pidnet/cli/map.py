"""`pidnet map`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pidnet.cli.import_path import check_folder
from pidnet.cli.networks import Model, Weights, check_fit, find_model, made_note
from pidnet.cli.output import AsJson, Out, print_json, say, show_maps, steps
from pidnet.cli.samples import Data, SampleCount, find_data

if TYPE_CHECKING:
    from pidnet.activations import Activations
    from pidnet.maps import LayerMaps

QUANTIZERS = ("zero_level", "equal_mass", "equal_width", "deviation_steps", "lloyd", "binary", "own_values")
MEASURES = ("i_broja", "i_min", "i_mmi", "i_ccs")
GAUSSIAN = ("gaussian_i_mmi", "gaussian_i_broja", "gaussian_i_ccs", "gaussian_i_delta", "gaussian_i_dep")
CORRECTIONS = ("shuffle_sources", "shuffle_labels", "miller_madow", "quadratic_extrapolation", "none")
NULLS = ("units", "labels", "sources", "none")

Measure = Annotated[
    str,
    typer.Option(
        help="How redundancy is defined: i_broja (can one unit replace the other in any decision), i_min and i_mmi "
        "(equal amounts are redundant), i_ccs (pointwise); or on the activations themselves, without quantizer: "
        f"{', '.join(GAUSSIAN)}.",
        autocompletion=lambda: [*MEASURES, *GAUSSIAN],
    ),
]
Quantizer = Annotated[
    str,
    typer.Option(
        help=f"How activations become levels: {', '.join(QUANTIZERS)}. zero_level gives zeros, as ReLU makes them, "
        "a level of their own.",
        autocompletion=lambda: list(QUANTIZERS),
    ),
]
Correction = Annotated[
    str,
    typer.Option(
        help=f"Few samples make atoms too large; this takes the bias off: {', '.join(CORRECTIONS)}.",
        autocompletion=lambda: list(CORRECTIONS),
    ),
]
Null = Annotated[
    str,
    typer.Option(
        help="What p-values test against: units (both units know something; free), labels (the pair knows "
        "something) or sources (it knows more than two independent units), each 20 times the work, or none.",
        autocompletion=lambda: list(NULLS),
    ),
]


def map(
    model: Model,
    data: Data,
    weights: Weights = None,
    layers: Annotated[
        str | None, typer.Option(help="Layers with commas between, such as fc1,fc2; else all with units.")
    ] = None,
    measure: Measure = "i_broja",
    quantizer: Quantizer = "zero_level",
    levels: Annotated[int, typer.Option(min=2, max=256, help="Levels a unit.")] = 4,
    correction: Correction = "shuffle_sources",
    null: Null = "units",
    intervals: Annotated[
        bool,
        typer.Option("--intervals", help="95 % intervals of all atoms as well; takes up to twice as long."),
    ] = False,
    samples: SampleCount = 1000,
    seed: Annotated[
        int, typer.Option(help="Seed of the correction, the null, the intervals and weights drawn at random.")
    ] = 0,
    out: Out = Path("runs/map"),
    as_json: AsJson = False,
) -> None:
    """What all pairs of units of each layer say about the label: redundancy, unique information, synergy.

    Example: pidnet map --model mine.py:network --weights mine.safetensors --data mine.py:loader
    """
    options: dict[str, Any] = {}
    if measure not in GAUSSIAN:
        options = {"correction": correction, "null": null, "intervals": intervals, "seed": seed}
        options |= {"quantizer": quantizer, "levels": levels}
    with steps("starting") as tell:
        check_folder(out)
        _check_names(measure, options)
        from pidnet.activations import capture
        from pidnet.runs import write_maps, write_settings

        network, found = find_model(model, weights, seed), find_data(data, samples)
        check_fit(network, found, data)
        tell(f"capturing {len(found.calibration[1])} samples")
        acts = capture(network, found.calibration, layers.split(",") if layers else None)
        shape = ", ".join(f"{name} ({values.shape[1]} units)" for name, values in acts.layers.items())
        tell(f"mapping all pairs of {shape} by {measure}")
        maps = _maps(acts, measure, dict(options))
        write_maps(out, list(maps.values()))
        settings: dict[str, Any] = {"model": model, "weights": weights and str(weights), "data": data}
        settings |= {"samples": len(acts.target), "measure": measure, **options}
        write_settings(out, "map", settings)
    if as_json:
        print_json({"folder": str(out), "layers": maps.summary()})
        return
    show_maps(list(maps.values()))
    for name, why in maps.skipped.items():
        say(f"Not mapped: {name}: {why}.")
    for note in made_note(model, weights):
        say(note)
    say(f"Written to {out}. Next: pidnet report {out}")


def _check_names(measure: str, options: dict[str, Any]) -> None:
    """ValueError for a name that nothing has, before the work starts."""
    for what, name, known in (
        ("measure", measure, (*MEASURES, *GAUSSIAN)),
        ("quantizer", options.get("quantizer"), QUANTIZERS),
        ("correction", options.get("correction"), CORRECTIONS),
        ("null", options.get("null"), NULLS),
    ):
        if name is not None and name not in known:
            raise ValueError(f"unknown {what} {name!r}; the known ones are {', '.join(known)}")


def _maps(acts: Activations, measure: str, options: dict[str, Any]) -> LayerMaps:
    """The maps of all layers, with the quantizer and levels of the options where there are some."""
    from pidnet.codes import quantizing
    from pidnet.maps import layer_maps

    if not options:
        return layer_maps(acts, measure)
    how = getattr(quantizing, options.pop("quantizer"))
    return layer_maps(quantizing.quantize(acts, options.pop("levels"), how), measure, **options)
