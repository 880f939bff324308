"""The command line: one file a command."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from pidnet.cli.bench import bench
from pidnet.cli.demo import demo
from pidnet.cli.energy import energy
from pidnet.cli.map import map
from pidnet.cli.output import progress
from pidnet.cli.prune import prune
from pidnet.cli.report import report

BAD_INPUT = (ValueError, TypeError, FileNotFoundError, FileExistsError, ImportError)

app = typer.Typer(
    help="Partial information decomposition of neural networks: map, graph, prune, and the energy saved.",
    epilog="Start with: pidnet demo. All information is in bits; energy is modelled unless it says measured.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
COMMANDS: tuple[Callable, ...] = (demo, map, prune, energy, report, bench)
for command in COMMANDS:
    app.command()(command)


@app.callback()
def pidnet(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Partial information decomposition of neural networks: which units of a layer know the same about the
    label, which only know something together, which can go, and what that saves.
    """


def main() -> None:
    """Entry point. An error is one sentence, not a traceback: exit code 2 for a bad input, 1 for all else.

    --debug may stand anywhere on the line.
    """
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    try:
        app(arguments)
    except Exception as error:
        if len(arguments) < len(sys.argv) - 1:
            raise
        expected = isinstance(error, BAD_INPUT)
        text = " ".join(str(error).split()) or type(error).__name__
        hint = "" if expected else f" ({type(error).__name__}; --debug shows where)"
        progress.print(f"pidnet: {text}{hint}", highlight=False, markup=False, soft_wrap=True)
        raise SystemExit(2 if expected else 1) from None
