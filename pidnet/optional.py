"""Modules that are not installed with pidnet, imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

TABLES = "pip install 'pidnet[tables]'"


def optional_module(name: str, command: str = TABLES) -> Any:
    """The module; ImportError with the command that installs it where it is missing."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ImportError(f"{name} cannot be imported ({error}); install it: {command}") from error
