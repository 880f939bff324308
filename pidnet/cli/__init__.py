"""The command line: one file a command."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

from pidnet import __version__
from pidnet.cli._import_path import path_restored
from pidnet.cli._output import as_options, progress
from pidnet.cli.bench import bench
from pidnet.cli.demo import demo
from pidnet.cli.energy import energy
from pidnet.cli.explain import explain
from pidnet.cli.map import map_layers
from pidnet.cli.plane import plane
from pidnet.cli.prune import prune
from pidnet.cli.report import report
from pidnet.printing import visible

BAD_INPUT = (ValueError, TypeError, OSError, ImportError)
# typer itself ends Python after these two, and after each word that the shell completes
COMPLETION = {"--install-completion", "--show-completion"}
COMPLETING = "_PIDNET_COMPLETE"

app = typer.Typer(
    help="Partial information decomposition of neural networks: map, graph, prune, and the energy saved.",
    epilog="Start with: pidnet demo. All information is in bits; energy is modelled unless it says measured. "
    "Exit codes: 0 done, 2 bad input, 1 any other error, 130 interrupted. Results go to standard output, progress "
    "and errors to standard error.",
    pretty_exceptions_enable=False,
)
COMMANDS: dict[str, Callable] = {
    "demo": demo,
    "map": map_layers,
    "plane": plane,
    "prune": prune,
    "energy": energy,
    "report": report,
    "explain": explain,
    "bench": bench,
}
for name, command in COMMANDS.items():
    app.command(name)(command)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"pidnet {__version__}")
        raise typer.Exit


@app.callback()
def pidnet(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; may stand anywhere.")
    ] = False,
) -> None:
    """Partial information decomposition of neural networks: what the units of a layer tell about the target
    alike, alone and only together, which can go, and what that saves.
    """
    context.with_resource(path_restored())


def main() -> None:
    """Entry point. An error is one sentence, not a traceback: exit code 2 for a bad input, 1 for all else."""
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _tell_warning  # ty: ignore[invalid-assignment]
            code = app(arguments or ["--help"], prog_name="pidnet", standalone_mode=False)
    except (Exception, SystemExit) as error:  # the commands themselves never exit, but the code of a user may
        if (
            len(arguments) < len(sys.argv) - 1
            or COMPLETION.intersection(arguments)
            or COMPLETING in os.environ
        ):
            raise
        if isinstance(error.__context__, BrokenPipeError):  # pidnet ... | head
            raise SystemExit(1) from None
        sentence, code = _explained(error)
        _tell(as_options(sentence, _parameters(arguments)))
        raise SystemExit(code) from None
    raise SystemExit(code or 0)


def _parameters(arguments: list[str]) -> list[Any]:
    """Those of the command that was called."""
    name = next((word for word in arguments if word in COMMANDS), None)
    return typer.main.get_command(app).commands[name].params if name else []  # ty: ignore[missing-attribute]


def _tell(sentence: str) -> None:
    progress.print(f"pidnet: {visible(sentence)}", highlight=False, markup=False, soft_wrap=True)


def _tell_warning(
    message: Warning | str, category: Any, filename: str, lineno: int, file: Any = None, line: Any = None
) -> None:
    """A warning as a sentence, without the line of code that it points to."""
    _tell(f"warning: {' '.join(str(message).split())}")


def _explained(error: BaseException) -> tuple[str, int]:
    """An error as one sentence, and its exit code."""
    if said := getattr(error, "format_message", None):  # the line itself could not be read
        command = getattr(getattr(error, "ctx", None), "command_path", "pidnet")
        return f"{said().rstrip('.')}; see {command} --help", 2
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, SystemExit):
        return f"the code of the network or the data ended Python (SystemExit: {text}); let it return", 2
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, BAD_INPUT):
        return text, 2
    return f"{text} ({type(error).__name__}; --debug shows where)", 1
