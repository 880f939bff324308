"""What every number of the page was made with: rows of settings, from the maps, plans and the plane themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pidnet.printing import listed
from pidnet.runs import Run

# Said elsewhere on the page, or of no use to its reader.
PASSED_OVER = ("pidnet", "exact_units", "intervals", "network", "seems_trained_on")


def made_with(run: Run) -> dict[str, list[dict[str, Any]]]:
    """Caption -> rows of one table; nothing for what the run does not hold."""
    maps = ({"measure": one.measure, "samples": one.samples} | _words(one.settings) for one in run.maps)
    plans = ({"criterion": one.plan.criterion} | _words(one.plan.settings) for one in run.budgets)
    plane = [_words(run.sections.plane.settings)] if run.sections.plane else []
    found = {
        "What the maps were made with": _rows("layers", [one.layer for one in run.maps], maps),
        "What the plans were made with": _rows("budgets", [one.name for one in run.budgets], plans),
        "What the plane was made with": [row for row in plane if row],
    }
    return {caption: rows for caption, rows in found.items() if rows}


def _words(settings: Mapping[str, Any]) -> dict[str, str]:
    """The settings that are one word or number each; others, such as the cost of every proposal, are in the run folder."""
    return {
        name.replace("_", " "): str(value)
        for name, value in settings.items()
        if name not in PASSED_OVER and isinstance(value, str | bool | int | float)
    }


def _rows(name: str, owners: Iterable[str], settings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for all owners of the same settings, each with all columns."""
    shared: dict[tuple, list[str]] = {}
    for owner, made in zip(owners, settings, strict=True):
        shared.setdefault(tuple(made.items()), []).append(owner)
    columns = dict.fromkeys(column for made in shared for column, _ in made)
    return [
        {name: listed(owners), **{column: dict(made).get(column, "-") for column in columns}}
        for made, owners in shared.items()
    ]
