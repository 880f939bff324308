"""What stands at module:name or file.py:name, and where results may be written."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from runpy import run_path
from typing import Any

PLACE = "expected module:name or file.py:name"


@contextmanager
def path_restored() -> Generator[None]:
    """Folders that ``found_at`` searches stay on the path while a command runs, since own code may import late."""
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before


def found_at(source: str, what: str) -> Any:
    """What stands at module:name or file.py:name. Modules are searched in the working directory and
    beside the file.

    Raises ValueError where nothing does, or where the file raises.
    """
    place, _, name = source.partition(":")
    for folder in (Path.cwd(), *([Path(place).resolve().parent] if place.endswith(".py") else [])):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    if not name:
        raise ValueError(f"no {what} at {source!r} (no name after a colon); {PLACE}")
    if place.endswith(".py") and not Path(place).is_file():
        raise ValueError(f"no {what} at {source!r} (there is no file {place}); {PLACE}")
    try:
        scope = run_path(place) if place.endswith(".py") else vars(import_module(place))
    except ImportError as error:
        raise ValueError(f"no {what} at {source!r} ({error}); {PLACE}") from error
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"reading {place} failed: {type(error).__name__}: {error} (--debug shows where)"
        ) from error
    if name not in scope:
        raise ValueError(f"no {what} at {source!r} ({place} has no {name!r}); {PLACE}")
    return scope[name]


def called(found: Any, source: str, what: str) -> Any:
    """What a function without arguments returns. Raises ValueError where it is none, or raises."""
    if not callable(found):
        raise ValueError(f"{source} is a {type(found).__name__}, not a {what}; {PLACE}")
    try:
        return found()
    except (Exception, SystemExit) as error:
        if isinstance(error, TypeError) and not (error.__traceback__ and error.__traceback__.tb_next):
            raise ValueError(
                f"{source} wants arguments ({error}); name a function that takes none"
            ) from error
        raise ValueError(
            f"calling {source} failed: {type(error).__name__}: {error} (--debug shows where)"
        ) from error


def check_folder(folder: Path, option: str = "--out") -> None:
    """Before the work starts: OSError unless the folder of an option can be made and written. Nothing is made."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise NotADirectoryError(f"cannot write to {folder}: {there} is a file; name a folder with {option}")
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise PermissionError(
            f"cannot write to {folder} ({error.strerror}); name another place with {option}"
        ) from error


def check_picture(path: Path) -> None:
    """As ``check_file``, for a picture: ValueError where nothing draws that format."""
    from matplotlib.figure import Figure

    check_file(path, "--plot")
    known = Figure().canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ValueError(
            f"{path} is no picture that can be drawn; name one with {', '.join(known)} at its end"
        )


def check_file(path: Path, option: str = "--out") -> None:
    """As ``check_folder``, for one file."""
    if path.is_dir():
        raise IsADirectoryError(f"cannot write to {path}: it is a folder; name a file with {option}")
    check_folder(path.parent, option)
