"""The notes of maps in a form for readers: each once, and of a long list of units the first."""

from __future__ import annotations

import re
from collections.abc import Iterable

LISTED = 12


def short_notes(notes: Iterable[str]) -> list[str]:
    """Each note once; of more than 12 units the first ones, and how many more there are.

    Examples
    --------
    >>> short_notes(["constant units of fc1, skipped: " + ", ".join(map(str, range(15)))])
    ['constant units of fc1, skipped: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more']
    """

    def shortened(numbers: re.Match) -> str:
        named = numbers[0].split(", ")
        return f"{', '.join(named[:LISTED])} and {len(named) - LISTED} more"

    return [re.sub(rf"\d+(, \d+){{{LISTED},}}", shortened, note) for note in dict.fromkeys(notes)]
