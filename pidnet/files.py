"""Files appear whole or not at all."""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast
from zlib import crc32

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    import numpy as np

LONGEST_NAME = 120
TEMPORARY = ".pidnet-"
CHANGE, GONE = ".change", ".gone"  # files that are about to take their places; the names of those that go
PATIENCE = 10.0  # seconds that a writer waits for another one
FORGOTTEN = 3600.0  # seconds after which nobody can still be writing one file


@contextmanager
def replacing(path: str | Path) -> Generator[Path]:
    """A temporary path beside ``path``; it takes its place when the block ends without an error.

    What a writer that was killed long ago has left in the folder is removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{TEMPORARY}*"):
        with suppress(OSError):  # another writer may have removed it
            if left.is_file() and left.stat().st_mtime < time.time() - FORGOTTEN:
                left.unlink()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY, suffix=path.suffix)
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except OSError as error:  # a full disk does not say which file it had no room for
        if error.errno and not error.filename:
            error.filename = str(path)
        raise
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def sole_writer(folder: str | Path) -> Generator[None]:
    """No other process writes into the folder in this block. First, a change that was stopped on its way to its place
    is finished, and what killed writers left half done is removed.

    The lock is the operating system's, so that it ends with the process that holds it. Raises TimeoutError where
    another process does not let go of the folder.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=PATIENCE, is_singleton=True)
    try:
        lock.acquire()
    except Timeout as error:
        raise TimeoutError(
            f"another process is writing into {folder}; wait for it, or name another folder"
        ) from error
    try:
        if lock.lock_counter == 1:
            _settle(folder)
        yield
    finally:
        lock.release()


@contextmanager
def one_change(folder: str | Path) -> Generator[Path]:
    """A place for new files of a folder: all of them come into the folder when the block ends, or none, even where
    the process is killed. Blocks inside a block are part of it.
    """
    folder = Path(folder)
    staged = folder / f"{TEMPORARY}change"
    with sole_writer(folder):
        if staged.is_dir():
            yield staged
            return
        staged.mkdir()
        try:
            yield staged
            staged.rename(folder / CHANGE)  # from here on the change is made, whoever finishes it
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        _settle(folder)


@contextmanager
def settled(folder: Path) -> Generator[None]:
    """No process writes into the folder in this block, and no change is on its way. A folder that cannot be written
    is read as it is; ValueError where a change in it was stopped."""
    with sole_writer(folder) if os.access(folder, os.W_OK) else nullcontext():
        if (folder / CHANGE).is_dir():
            raise ValueError(
                f"a change of {folder} was stopped; make the folder writable, so that it is finished"
            )
        yield


def current(folder: Path, name: str) -> Path:
    """Where a file of a folder stands for who is in ``one_change``: among the new ones, or in the folder."""
    new = folder / f"{TEMPORARY}change" / name
    return new if new.exists() else folder / name


def _settle(folder: Path) -> None:
    """Move the files of a change to their places, remove those that go with it, and what was left half done."""
    change = folder / CHANGE
    if change.is_dir():
        for file in change.iterdir():
            if file.name != GONE:
                os.replace(file, folder / file.name)
        if (change / GONE).exists():
            for name in (change / GONE).read_text(encoding="utf-8").splitlines():
                (folder / Path(name).name).unlink(missing_ok=True)
        shutil.rmtree(change)
    for left in folder.glob(f"{TEMPORARY}*"):
        shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> Path:
    """Write a text file atomically; returns its path."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def plain(value: Any) -> Any:
    """A value as JSON takes it: arrays as lists, null for a number that is not finite."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Saved:
    """A small dataclass that is kept as JSON under the name of its class.

    A class whose fields are not plain gives ``_stored``; one whose fields must be checked or rebuilt gives ``_restored``.
    """

    def _stored(self) -> dict[str, Any]:
        return {part.name: plain(getattr(self, part.name)) for part in fields(cast(Any, self))}

    @classmethod
    def _restored(cls, stored: dict[str, Any]) -> Self:
        return cls(**stored)

    def save(self, path: str | Path) -> Path:
        """Write the result as JSON.

        Parameters
        ----------
        path : str or Path
            The file; .json is added to a name that does not end so.

        Returns
        -------
        Path
            The file written.
        """
        text = json.dumps({type(self).__name__: self._stored()}, indent=1, allow_nan=False)
        return write_text(with_ending(path, ".json"), text)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a result that ``save`` wrote.

        Parameters
        ----------
        path : str or Path
            The file, or the name that ``save`` got.

        Returns
        -------
        Self
            The same result.

        Raises
        ------
        FileNotFoundError
            Without such a file.
        ValueError
            For a file that is broken or holds another result, with the reason.
        """
        file = saved_as(path, ".json")
        try:
            return cls._restored(json.loads(file.read_text(encoding="utf-8"))[cls.__name__])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else error
            raise ValueError(
                f"{path} holds no {cls.__name__} that can be read: {reason}; make it again"
            ) from error


def with_ending(path: str | Path, ending: str) -> Path:
    """The path with an ending, added where it is missing: ``pruned-0.5`` and ``blocks.0.conv1`` keep their dots."""
    path = Path(path)
    return path if path.suffix == ending else path.with_name(path.name + ending)


def saved_as(path: str | Path, ending: str) -> Path:
    """The file that ``save`` wrote under this name, with the ending that it has given it.

    Raises FileNotFoundError where there is none, IsADirectoryError for a folder.
    """
    tried = dict.fromkeys([Path(path), with_ending(path, ending)])
    found = next((file for file in tried if file.exists()), None)
    if found is None:
        raise FileNotFoundError(f"there is no file {' or '.join(map(str, tried))}")
    if found.is_dir():
        raise IsADirectoryError(f"{found} is a folder; expected a file that ends in {ending}")
    return found


def safe_name(name: str) -> str:
    """A file name without ending for any text: short, and different on disks that do not tell A from a."""
    safe = re.sub(r"[^\w.-]", "_", name)[:LONGEST_NAME]
    if safe == name.lower() and re.match(r"\w", safe):
        return safe
    return f"{safe.strip('.-') or 'name'}-{crc32(name.encode()):08x}"


def array_headers(path: str | Path) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Name -> (shape, dtype) of the arrays in an .npz file, read from their headers: no array takes memory.

    Raises ValueError for a file that is not one, for an array that is not as large as its header says, and for one of
    Python objects, which would have to be unpickled.
    """
    from numpy.lib import format as npy

    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                with archive.open(member) as stream:
                    version = npy.read_magic(stream)
                    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                    shape, _, dtype = read(stream)
                    if (
                        not dtype.hasobject
                        and stream.tell() + math.prod(shape) * dtype.itemsize != member.file_size
                    ):
                        raise ValueError(f"{name!r} is not as large as its shape {shape} says")
                found[name] = shape, dtype
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is not an .npz file: {error}") from error
    objects = [name for name, (_, dtype) in found.items() if dtype.hasobject]
    if objects:
        raise ValueError(f"{path} holds Python objects ({', '.join(objects)}); they are not unpickled")
    return found
