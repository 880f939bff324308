"""`pidnet map`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pidnet.choices import check_name
from pidnet.cli import _options as options
from pidnet.cli._import_path import check_folder
from pidnet.cli._networks import digest, find_both, made_note
from pidnet.cli._output import print_json, say, show_maps, steps
from pidnet.names import (
    CORRECTIONS,
    GAUSSIAN_CORRECTIONS,
    GAUSSIAN_MEASURES,
    MEASURES,
    NULLS,
    QUANTIZERS,
)

if TYPE_CHECKING:
    from pidnet.activations import Activations
    from pidnet.codes import Codes
    from pidnet.maps import LayerMaps

DISCRETE_ONLY = ("quantizer", "levels", "null", "intervals", "store")


def map_layers(
    context: typer.Context,
    model: options.Model,
    data: options.Data,
    weights: options.Weights = None,
    device: options.Device = "cpu",
    layers: options.Layers = None,
    measure: options.Measure = "i_broja",
    quantizer: options.Quantizer = "zero_level",
    levels: options.Levels = 4,
    correction: options.Correction = None,
    null: options.Null = "units",
    intervals: options.Intervals = False,
    samples: options.SampleCount = 1000,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            callback=options.fitting_seed,
            help="Seed of the correction, the null, the intervals and weights drawn at random.",
        ),
    ] = 0,
    store: options.Store = None,
    out: options.Out = Path("runs/map"),
    as_json: options.AsJson = False,
) -> None:
    """Decompose the information of all pairs of units of each layer: redundancy, unique information, synergy.

    Example: pidnet map --model mine.py:network --weights mine.safetensors --data mine.py:loader
    """
    check_name("measure", measure, (*MEASURES, *GAUSSIAN_MEASURES))
    chosen: dict[str, Any] = {"correction": correction, "seed": seed}
    if measure in GAUSSIAN_MEASURES:
        options.refuse(context, DISCRETE_ONLY, f"with {measure}, which takes the activations as they are")
    else:
        chosen |= {"null": null, "intervals": intervals, "quantizer": quantizer, "levels": levels}
    _check(measure, chosen)
    names = options.layer_names(layers)
    with steps("starting") as tell:
        check_folder(out)
        if store is not None:
            check_folder(store, "--store")
        from pidnet.activations import capture
        from pidnet.files import one_change
        from pidnet.runs import write_maps, write_sections, write_settings

        network, found = find_both(model, data, weights=weights, samples=samples, device=device, seed=seed)
        tell(f"capturing {len(found.calibration[1])} samples")
        acts = capture(network, found.calibration, names)
        shape = ", ".join(f"{name} ({values.shape[1]} units)" for name, values in acts.layers.items())
        tell(f"mapping all pairs of {shape} by {measure}")
        maps, codes = _maps(acts, measure, dict(chosen), store)
        settings = {"model": model, "weights": weights and str(weights), "data": data}
        settings["digest"] = digest(network, found)
        with one_change(out):
            write_settings(out, "map", settings | {"samples": len(acts.target), "measure": measure, **chosen})
            write_maps(out, list(maps.values()))
            write_sections(out, "map", codes=codes)
    if as_json:
        print_json({"folder": str(out), "layers": maps.summary()})
        return
    show_maps(list(maps.values()))
    for name, why in maps.skipped.items():
        say(f"Not mapped: {name}: {why}.")
    for note in made_note(model, weights):
        say(note)
    say(f"Written to {out}. Next: pidnet report {out}")


def _check(measure: str, chosen: dict[str, Any]) -> None:
    """Sets the correction where none was chosen. Raises ValueError for an unknown name, before the work starts."""
    gaussian = measure in GAUSSIAN_MEASURES
    corrections = GAUSSIAN_CORRECTIONS if gaussian else CORRECTIONS
    chosen["correction"] = chosen["correction"] or corrections[0]
    check_name(f"correction of {measure}", chosen["correction"], corrections)
    if not gaussian:
        check_name("quantizer", chosen["quantizer"], QUANTIZERS)
        check_name("null", chosen["null"], NULLS)


def _maps(
    acts: Activations, measure: str, chosen: dict[str, Any], store: Path | None
) -> tuple[LayerMaps, Codes | None]:
    """The maps of all layers, and the codes for a discrete measure, by the quantizer and the levels among the chosen options."""
    from pidnet.codes import quantize
    from pidnet.maps import layer_maps

    if measure in GAUSSIAN_MEASURES:
        return layer_maps(acts, measure, **chosen), None
    codes = quantize(acts, chosen.pop("levels"), chosen.pop("quantizer"))
    return layer_maps(codes, measure, store=store, **chosen), codes
