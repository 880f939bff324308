"""Bars for what takes long; where no terminal shows a bar, a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, TextIO

from tqdm import tqdm

# Seconds between two lines in a log file.
QUIET = 30
CURSOR_UP = "\x1b[A"  # what a bar below another one writes


class _Lines:
    """A stream that takes a bar's carriage returns as ends of lines: each state of the bar is a line of the log."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> None:
        if line := text.replace(CURSOR_UP, "").strip():
            self.stream.write(f"{line}\n")

    def flush(self) -> None:
        self.stream.flush()


def shown(
    steps: Iterable[Any] | None = None, doing: str = "", *, total: int | None = None, unit: str = "it"
) -> tqdm:
    """The steps with a bar that comes after a second and goes when all is done; in a log file with a line every
    ``QUIET`` seconds. Without steps ``update`` counts up to ``total``.
    """
    terminal = sys.stderr.isatty()
    return tqdm(
        steps,
        desc="".join(c if c.isprintable() else " " for c in doing),
        total=total,
        unit=unit,
        file=sys.stderr if terminal else _Lines(sys.stderr),
        delay=1 if terminal else QUIET,
        mininterval=0.1 if terminal else QUIET,
        leave=False,
    )
