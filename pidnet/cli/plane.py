"""`pidnet plane`."""

from __future__ import annotations

from typing import Any

from pidnet.cli import _options as options
from pidnet.cli._import_path import check_file, check_folder, check_picture
from pidnet.cli._networks import digest, find_both, made_note
from pidnet.cli._output import print_json, say, show, steps, write_json
from pidnet.cli._samples import head


def plane(
    model: options.Model,
    data: options.Data,
    weights: options.Weights = None,
    device: options.Device = "cpu",
    layers: options.Layers = None,
    samples: options.SampleCount = 2000,
    upstream: options.Upstream = 8,
    plot: options.Plot = None,
    out: options.OutFile = None,
    into: options.IntoRun = None,
    as_json: options.AsJson = False,
) -> None:
    """What each layer tells about the input and the label: brackets, and where there is no number.

    Example: pidnet plane --model mine.py:network --data digits --weights mine.safetensors --plot plane.png
    """
    from pidnet.files import one_change
    from pidnet.planes import information_plane
    from pidnet.runs import write_sections, write_settings

    if out is not None:
        check_file(out)
    if plot is not None:
        check_picture(plot)
    if into is not None:
        check_folder(into, "--run")
    names = options.layer_names(layers)
    with steps("starting") as tell:
        network, found = find_both(model, data, weights=weights, samples=samples, device=device)
        held_out = None if found.test is None else _first(found.test, samples)
        tell(f"bracketing what {layers or 'each layer'} tells, {len(found.calibration[1]):,} samples")
        made = information_plane(network, found.calibration, held_out, names, upstream=upstream)
    result = {"rows": made.records(), "findings": [str(finding) for finding in made.findings]}
    write_json(out, result)
    if plot is not None:
        made.plot().savefig(plot)
    if into is not None:
        settings: dict[str, Any] = {"model": model, "weights": weights and str(weights), "data": data}
        with one_change(into):
            write_settings(
                into,
                "plane",
                settings | {"samples": samples, **made.settings, "digest": digest(network, found)},
            )
            write_sections(into, "plane", plane=made)
    if as_json:
        print_json(result)
        return
    show("Information of each layer: [low, high], in bits", made.brackets())
    for line in [*result["findings"], *made_note(model, weights)]:
        say(line)
    if held_out is None:
        say("Nothing is held out: the data have no test part; return (x_train, y_train, x_test, y_test).")
    if into is not None:
        say(f"Written to {into}. Next: pidnet report {into}")


def _first(test: tuple, samples: int) -> tuple:
    return head(test[0], samples), test[1][:samples]
