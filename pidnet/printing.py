"""How results print: a few lines that a person reads, the same in a REPL and in a notebook."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from numbers import Integral, Real
from typing import Any, cast

MOST_LINES = 12
WIDTH = 100
TINY = 1e-12  # below it is rounding, whatever the figure
LEAST_TEXT = 12
PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"), (1e-12, "p"))


class Printed:
    """A result that prints itself: a class gives ``_lines`` and gets ``repr`` and a notebook's HTML.

    At most ``MOST_LINES`` lines of ``WIDTH`` characters; what is longer is cut and ends in "...".
    A dataclass needs ``@dataclass(repr=False)``, or it would print its fields with all of their digits.
    """

    def _lines(self) -> Sequence[str]:
        """The fields of a dataclass, where it has no words of its own."""
        said = (f"{one.name} {_said(getattr(self, one.name))}" for one in fields(cast(Any, self)) if one.repr)
        return wrapped(f"{type(self).__name__}: {', '.join(said)}")

    def __repr__(self) -> str:
        lines = [_cut(visible(part)) for line in self._lines() for part in line.splitlines()]
        if len(lines) > MOST_LINES:
            hidden = len(lines) - MOST_LINES + 1
            lines = [*lines[: MOST_LINES - 1], f"... and {hidden} more lines"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>"


class Registry(Printed, dict):
    """What one kind of choice can be, by name. noun: the kind, in the plural."""

    def __init__(self, noun: str, known: Mapping[str, Any]) -> None:
        super().__init__(known)
        self.noun = noun

    def _lines(self) -> list[str]:
        return wrapped(f"{len(self)} {self.noun}: {', '.join(self)}")


class Several(Printed, dict):
    """Results by name, each with its lines."""

    def _lines(self) -> list[str]:
        said = ((name, repr(one)) for name, one in self.items())
        return [text if text.startswith(str(name)) else f"{name}: {text}" for name, text in said]


def visible(text: str) -> str:
    """A text whose characters all show: a line break or an escape code of a terminal as it is written in Python."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def number(value: object) -> str:
    """A cell of a table: counts with thousands separators, other numbers with four decimals, one from 10 on; text
    as it is."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return "-" if value is None else visible(str(value))
    if isinstance(value, Integral):
        return f"{value:,}"
    size = abs(float(value))
    if size < TINY or 1e-3 <= size < 10:
        return f"{value if size >= TINY else 0:.4f}"
    return f"{value:,.1f}" if 10 <= size < 1e7 else f"{value:.4g}"


def with_prefix(value: float, unit: str) -> str:
    """A small quantity with the prefix that fits, such as 389 nJ."""
    scale, prefix = next((pair for pair in PREFIXES if abs(value) >= pair[0]), PREFIXES[-1])
    return f"{value / scale:.4g} {prefix}{unit}"


def table(rows: Sequence[Mapping[str, Any]], most: int = MOST_LINES - 4) -> list[str]:
    """Rows as aligned lines under a heading, numbers to the right; after ``most`` rows it says how many follow."""
    if not rows:
        return []
    heads = list(rows[0])
    columns = [[row.get(head) for row in rows[:most]] for head in heads]
    cells = [[head, *map(number, column)] for head, column in zip(heads, columns, strict=True)]
    right = [any(isinstance(value, Real) for value in column) for column in columns]
    widths = [max(map(len, column)) for column in cells]
    if (excess := sum(widths) + 2 * (len(widths) - 1) - WIDTH) > 0:
        cells, widths = _narrowed(cells, widths, excess)
    lines = [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in zip(*cells, strict=True)
    ]
    return [*lines, f"... and {len(rows) - most} more"] if len(rows) > most else lines


def _narrowed(cells: list[list[str]], widths: list[int], excess: int) -> tuple[list[list[str]], list[int]]:
    """Columns of a table that is too wide: the widest loses the middle of its long texts, or the begin of those that would be
    alike."""
    widest = widths.index(max(widths))
    widths = widths.copy()
    widths[widest] = width = max(LEAST_TEXT, widths[widest] - excess)
    tried = [[_cut_at(begin, text, width) for text in cells[widest]] for begin in ((width - 3) // 3, 0)]
    return [*cells[:widest], max(tried, key=lambda texts: len(set(texts))), *cells[widest + 1 :]], widths


def _cut_at(begin: int, text: str, width: int) -> str:
    """A text without what is too much after its first letters."""
    return text if len(text) <= width else f"{text[:begin]}...{text[begin + 3 - width :]}"


def counted(count: int, noun: str) -> str:
    """A number of things, such as "1 pair" or "2,000 pairs"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def listed(names: Collection[object], most: int = 6) -> str:
    """Names in a row; after ``most`` of them it says how many follow."""
    shown = ", ".join(visible(str(name)) for name in list(names)[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def wrapped(sentence: str, indent: str = "") -> list[str]:
    """A sentence as lines of at most ``WIDTH`` characters, all indented, the later ones by two more."""
    return textwrap.wrap(sentence, WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ")


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 4]} ..."


def _said(value: object) -> str:
    return f"({', '.join(map(_said, value))})" if isinstance(value, tuple) else number(value)
