"""What is drawn is looked at once, at the door of each plot: it has the attributes that its protocol names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def check_drawable(value: Any, kind: type, expected: str) -> None:
    """TypeError for a value without the attributes of a protocol.

    expected: what has them and who makes it, such as "a LayerMap, from layer_maps".
    """
    members = [name for name in vars(kind) if not name.startswith("_")]
    missing = [name for name in members if not hasattr(value, name)]
    if missing:
        raise TypeError(f"a {type(value).__name__} has no {', '.join(missing)} to draw; expected {expected}")


def check_drawables(values: Any, kind: type, expected: str) -> None:
    """``check_drawable`` of each of several, and ValueError for none."""
    if not isinstance(values, Iterable) or isinstance(values, str | bytes):
        raise TypeError(f"a {type(values).__name__} cannot be drawn; expected a list with {expected}")
    if not hasattr(values, "__len__") or not len(values):
        raise ValueError(f"there is nothing to draw; expected a list with {expected}")
    for value in values:
        check_drawable(value, kind, expected)
