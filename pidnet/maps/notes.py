"""The notes of maps in a form for readers: each once, and of a long list of units the first."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pidnet.measures.atoms import Atoms
from pidnet.printing import number

LISTED = 12
LEAST_NOISE = 0.001  # bits; a mean nearer to 0 is never called negative


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


def negative_means(atoms: Atoms, floor: dict[str, float]) -> tuple[str, ...]:
    """Notes on atoms that cannot be negative, with a mean below 0 by more than what chance gives."""
    means = {name: float(bits.mean()) for name, bits in atoms.items()}
    return tuple(
        f"the mean {name} is {number(mean)} bits, below 0 by more than its noise: the correction takes too much "
        "here; take more samples or fewer levels"
        for name, mean in means.items()
        if mean < -max(floor[name], LEAST_NOISE)
    )
