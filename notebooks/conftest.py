"""What a notebook stores is what it prints: nbmake runs it, and its text is compared with the stored one.

Only with ``PIDNET_NOTEBOOKS=compare`` in the environment. Words must be the same. Numbers may differ by a tenth, since training differs between processors; they are not
compared in a cell with the tag ``timed``.
"""

import os
import re
from collections.abc import Callable, Generator

import nbformat
import pytest

NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e[+-]?\d+)?")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item) -> Generator[None]:
    """Compares what nbmake ran with what is in the file, where that is asked for and not to be written anew."""
    asked = os.environ.get("PIDNET_NOTEBOOKS") == "compare"
    if not (asked and getattr(item, "nbmake", False)) or item.config.option.overwrite:
        return (yield)
    from nbmake.pytest_items import NotebookRun

    execute = NotebookRun.execute
    NotebookRun.execute = compared(execute)
    try:
        return (yield)
    finally:
        NotebookRun.execute = execute


def compared(execute: Callable) -> Callable:
    """The way in which nbmake runs a notebook, with an error where the outputs are others than the stored ones."""
    from nbmake.nb_result import NotebookError

    def run(notebook):
        result = execute(notebook)
        stored = nbformat.read(notebook.filename, 4)
        lines = [
            line for pair in zip(stored.cells, result.nb.cells, strict=True) for line in differences(*pair)
        ]
        if lines and result.error is None:
            summary = "stores what it no longer prints: read it, then run pytest --nbmake --overwrite"
            result.error = NotebookError(summary, "\n".join([summary, *lines]), 0)
        return result

    return run


def differences(stored, ran) -> list[str]:
    """The lines of a cell that print something else than they did."""
    timed = "timed" in stored.metadata.get("tags", ())
    before, after = printed(stored), printed(ran)
    if len(before) != len(after):
        return [f"- {len(before)} lines", f"+ {len(after)} lines", *(f"+ {line}" for line in after)]
    return [f"- {b}\n+ {a}" for b, a in zip(before, after, strict=True) if not alike(b, a, timed=timed)]


def printed(cell) -> list[str]:
    """Lines of standard output and of results that are text."""
    outputs = cell.get("outputs", ())
    texts = [one.text for one in outputs if one.get("name") == "stdout"]
    texts += [one.data["text/plain"] for one in outputs if "data" in one and "image/png" not in one.data]
    return [line for text in texts for line in text.splitlines() if line.strip()]


def alike(stored: str, ran: str, *, timed: bool) -> bool:
    """The same words, and numbers within a tenth."""
    if NUMBER.sub("#", stored).split() != NUMBER.sub("#", ran).split():
        return False
    pairs = zip(*(map(value, NUMBER.findall(line)) for line in (stored, ran)), strict=True)
    return timed or all(abs(a - b) <= max(0.02, 0.1 * max(abs(a), abs(b))) for a, b in pairs)


def value(text: str) -> float:
    """A number as it is printed."""
    return float(text.replace(",", "").rstrip("."))
