"""Modules that are not installed with pidnet, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def optional_module(name: str, command: str = "") -> Any:
    """The module; ImportError with the command that installs it, ``pip install name`` by default, where it is missing."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{name} cannot be imported ({error}); install it: {command or f'pip install {name}'}"
        ) from error
