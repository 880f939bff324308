"""`pidnet report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pidnet.cli import _options as options
from pidnet.cli._import_path import check_file
from pidnet.cli._output import print_json, say


def report(
    run: options.RunFolder,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=options.place, metavar="PATH", help="The page to write; else report.html in the folder."
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """One page of a run that opens offline in any browser: maps, graph, plan, energy, settings."""
    if out is not None:
        check_file(out)
    from pidnet.report import missing_extra, write_report

    path = write_report(run, out)
    if as_json:
        print_json({"page": str(path), "bytes": path.stat().st_size})
        return
    if missing := missing_extra():
        say(missing)
    say(f"Open {path} ({path.stat().st_size / 1e6:.1f} MB)")
