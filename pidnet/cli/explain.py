"""`pidnet explain`."""

from __future__ import annotations

from typing import Annotated

import typer

from pidnet.cli import _options as options
from pidnet.cli._output import print_json, say


def explain(
    run: options.RunFolder,
    unit: Annotated[
        str,
        typer.Option(
            "--unit", metavar="LAYER:UNIT", help="Layer and unit with a colon between, such as fc1:12."
        ),
    ],
    as_json: options.AsJson = False,
) -> None:
    """One unit in words: what it carries, with whom it is redundant or synergistic, why it goes or stays.

    Example: pidnet explain runs/demo --unit fc1:12
    """
    layer, colon, index = unit.rpartition(":")
    if not (colon and layer and index.isdecimal()):
        raise ValueError(f"--unit {unit!r}; expected a layer and a unit with a colon between, such as fc1:12")
    from pidnet.report import explain_unit
    from pidnet.runs import read_run

    sentences = explain_unit(read_run(run), layer, int(index))
    if as_json:
        print_json({"layer": layer, "unit": int(index), "sentences": sentences})
        return
    for sentence in sentences:
        say(sentence)
