"""What the commands print: results to standard output, progress to standard error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pidnet.files import plain, write_text
from pidnet.printing import number, visible

if TYPE_CHECKING:
    from pidnet.maps import LayerMap

console = Console()
progress = Console(stderr=True)
WIDEST = 10_000  # characters


@contextmanager
def steps(first: str) -> Generator[Callable[[str], None]]:
    """Yields a function that is told each next step in words; a line stays for each.

    The bars of long steps, with the time left, come from ``pidnet.progress``.
    """

    def tell(step: str) -> None:
        progress.print(Text(visible(step), "dim"), soft_wrap=True)

    tell(first)
    yield tell


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """A table with one line a row. In a narrow terminal headings are stacked and long names go on in the next line; a
    file has no width.
    """
    say(title)
    whole = _table(rows, " ")
    width = Console(width=WIDEST).measure(whole).maximum
    if width <= console.width or not console.is_terminal:
        Console(width=max(width, console.width), file=console.file).print(whole)
    else:
        console.print(_table(rows, "\n"))


def _table(rows: Sequence[dict[str, Any]], before_last: str) -> Table:
    """Rows under headings, with what stands before the last word of each; only texts may be wrapped."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name, value in rows[0].items():
        text = isinstance(value, str)
        heading = Text(before_last.join(name.rsplit(" ", 1)))
        table.add_column(heading, justify="left" if text else "right", overflow="fold", no_wrap=not text)
    for row in rows:
        table.add_row(*(Text(number(value)) for value in row.values()))
    return table


def show_maps(maps: Sequence[LayerMap]) -> None:
    """The summaries of some maps, what the floor is, and their notes."""
    from pidnet.maps.collection import short_rows

    samples = ", ".join(dict.fromkeys(f"{layer_map.samples:,}" for layer_map in maps))
    title = f"All pairs of units about the target on {samples} samples: means, in bits"
    show(title, short_rows(maps))
    corrections = ", ".join(dict.fromkeys(layer_map.correction for layer_map in maps))
    if any(layer_map.noise_floor for layer_map in maps):
        bias = "not corrected" if corrections == "none" else f"corrected by {corrections}"
        say(
            f"Sampling bias {bias}; "
            "noise_floor: the 95th percentile of synergy among pairs that carry no information about the target."
        )
    from pidnet.maps.notes import short_notes

    for note in short_notes(note for one in maps for note in one.notes):
        say(f"Note: {note}")


def say(sentence: str) -> None:
    """One line of a result."""
    console.print(Text(visible(sentence)), soft_wrap=True)


def print_json(result: Any) -> None:
    """The whole result as JSON on standard output; what is not finite becomes null."""
    typer.echo(json.dumps(plain(result), indent=1))


def write_json(path: Path | None, result: Any) -> None:
    """The same in a file, where one is named."""
    if path is not None:
        write_text(path, json.dumps(plain(result), indent=1))


def as_options(sentence: str, parameters: Iterable[Any]) -> str:
    """A sentence about arguments of Python, such as ``correction='none'``, with the options of a command for them."""
    known = {parameter.name: parameter.opts[0] for parameter in parameters if parameter.opts}

    def option(found: re.Match[str]) -> str:
        name, value = found[1], (found[2] or "").strip("'")
        if name not in known:
            return found[0]
        return {"": known[name], "True": known[name], "False": f"no {known[name]}"}.get(
            value, f"{known[name]} {value}"
        )

    return re.sub(r"(?<![^\s(])(\w+)=('[^']*'|[\w.+-]*\w)?(?=[\s,;:).]|$)", option, sentence)
