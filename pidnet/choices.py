"""A choice by name or as a function of one's own: one way to look it up, one name to store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any, TypeVar

Choice = TypeVar("Choice")


def find_choice(what: str, choice: str | Choice, known: Mapping[str, Choice]) -> Choice:
    """The choice of that name; a function is returned as it is.

    Raises ValueError for an unknown name and TypeError for something that is neither, with the known names.
    """
    if isinstance(choice, str):
        check_name(what, choice, known)
        return known[choice]
    if not callable(choice):
        said = (
            f"={choice!r}"
            if choice is None or isinstance(choice, int | float)
            else f" is a {type(choice).__name__}"
        )
        raise TypeError(f"{what}{said}; expected a function or one of {', '.join(known)}")
    return choice


def check_name(what: str, name: str, known: Collection[str]) -> None:
    """Raises ValueError for a name that is not among the known ones, with these."""
    if name not in known:
        raise ValueError(f"unknown {what} {name!r}; the known ones are {', '.join(known)}")


def name_of(choice: Any) -> str:
    """The name to store for a choice: never a memory address, and with the options of a ``functools.partial``."""
    if isinstance(choice, str):
        return choice
    if isinstance(choice, partial):
        options = [*map(repr, choice.args), *(f"{key}={value!r}" for key, value in choice.keywords.items())]
        return f"{name_of(choice.func)}({', '.join(options)})"
    name = getattr(choice, "name", None) or getattr(choice, "__name__", None)
    return name if isinstance(name, str) else type(choice).__name__
