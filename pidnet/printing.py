"""How results print: a few lines that a person reads, the same in a REPL and in a notebook."""

from __future__ import annotations

import html
from collections.abc import Collection, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

MOST_LINES = 12


class Printed:
    """A result that prints itself: a class gives ``_lines`` and gets ``repr`` and a notebook's HTML.

    A dataclass needs ``@dataclass(repr=False)``, or it would print all of its fields.
    """

    def _lines(self) -> Sequence[str]:
        raise NotImplementedError

    def __repr__(self) -> str:
        lines = list(self._lines())
        if len(lines) > MOST_LINES:
            hidden = len(lines) - MOST_LINES + 1
            lines = [*lines[: MOST_LINES - 1], f"... and {hidden} more lines"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


def number(value: object) -> str:
    """A cell of a table: counts with thousands separators, other numbers with four digits, text as it is."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return "-" if value is None else str(value)
    if isinstance(value, Integral):
        return f"{value:,}"
    size = abs(float(value))
    return f"{value:.4f}" if size == 0 or 1e-3 <= size < 1e4 else f"{value:.4g}"


def table(rows: Sequence[Mapping[str, Any]], most: int = MOST_LINES - 4) -> list[str]:
    """Rows as aligned lines under a heading, numbers to the right; after ``most`` rows it says how many follow."""
    if not rows:
        return []
    heads = list(rows[0])
    columns = [[row.get(head) for row in rows[:most]] for head in heads]
    cells = [[head, *map(number, column)] for head, column in zip(heads, columns, strict=True)]
    right = [any(isinstance(value, Real) for value in column) for column in columns]
    widths = [max(map(len, column)) for column in cells]
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in zip(*cells, strict=True)
    ]
    return [*lines, f"... and {len(rows) - most} more"] if len(rows) > most else lines


def listed(names: Collection[object], most: int = 6) -> str:
    """Names in a row; after ``most`` of them it says how many follow."""
    shown = ", ".join(map(str, list(names)[:most]))
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
