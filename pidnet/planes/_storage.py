"""Planes and collapses as JSON. Brackets have infinite ends, which JSON has not: they stand as words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from pidnet.estimators import Information
from pidnet.planes.row_checks import Finding

BITS = ("value", "low", "high", "error")
COUNTS = ("samples", "units", "rows", "draws")
WORDS = ("quantity", "about", "estimator", "state")


def worded(result: Any) -> Any:
    """The fields of a result as JSON takes them, numbers that are not finite as words: inf, -inf, nan."""
    if isinstance(result, Mapping):
        return {str(name): worded(value) for name, value in result.items()}
    if isinstance(result, list | tuple):
        return [worded(value) for value in result]
    if hasattr(result, "__dataclass_fields__"):
        return worded(asdict(result))
    if hasattr(result, "tolist"):
        return worded(result.tolist())
    if isinstance(result, float) and not math.isfinite(result):
        return str(result)
    return result if result is None or isinstance(result, str | int | float) else repr(result)


def information_of(stored: Mapping[str, Any]) -> Information:
    """The information whose fields ``worded`` gave. KeyError, TypeError or ValueError for something else."""
    found: dict[str, Any] = {name: float(stored[name]) for name in BITS}
    found |= {name: int(stored[name]) for name in COUNTS}
    found |= {name: str(stored[name]) for name in WORDS}
    if found["low"] > found["high"]:
        raise ValueError(f"{found['quantity']} lies between {found['low']} and {found['high']}")
    return Information(
        **found, notes=tuple(map(str, stored["notes"])), settings=dict(stored["settings"].items())
    )


def finding_of(stored: Mapping[str, Any]) -> Finding:
    """The finding whose fields ``worded`` gave."""
    return Finding(**{part.name: str(stored[part.name]) for part in fields(Finding)})


def square(stored: Any, classes: int) -> np.ndarray:
    """A matrix over pairs of classes. ValueError for another shape."""
    found = np.array(stored, dtype=float)
    if found.shape != (classes, classes):
        raise ValueError(f"a matrix of shape {found.shape}; expected {classes} x {classes} classes")
    return found


def collapse_fields(stored: Mapping[str, Any], scalars: Sequence[str]) -> dict[str, Any]:
    """The fields of a collapse, and its matrices where they fit its classes."""
    labels = np.array(stored["labels"], dtype=np.int64)
    found: dict[str, Any] = {name: float(stored[name]) for name in scalars}
    found |= {name: int(stored[name]) for name in ("classes", "rank", "samples", "units")}
    if labels.shape != (found["classes"],):
        raise ValueError(f"{labels.size} labels of {found['classes']} classes")
    matrices = {name: square(stored[name], len(labels)) for name in ("pair_cdnv", "cosines")}
    return found | matrices | {"labels": labels, "notes": tuple(map(str, stored["notes"]))}
