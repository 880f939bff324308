"""Files appear whole or not at all."""

from __future__ import annotations

import math
import os
import re
import tempfile
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    import numpy as np

LONGEST_NAME = 120
TEMPORARY = ".pidnet-"
PATIENCE = 10.0  # seconds that a writer waits for another one


@contextmanager
def replacing(path: str | Path) -> Generator[Path]:
    """A temporary path beside ``path``; it takes its place when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY, suffix=path.suffix)
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o644)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


@contextmanager
def sole_writer(folder: str | Path) -> Generator[None]:
    """No other process writes into the folder in this block; what killed writers left half done is removed first.

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
            for left in folder.glob(f"{TEMPORARY}*"):
                left.unlink(missing_ok=True)
        yield
    finally:
        lock.release()


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


def safe_name(name: str) -> str:
    """A file name without ending for any text: short, and different on disks that do not tell A from a."""
    safe = re.sub(r"[^\w.-]", "_", name)[:LONGEST_NAME]
    if safe == name.lower() and re.match(r"\w", safe):
        return safe
    return f"{safe.strip('.-') or 'name'}-{crc32(name.encode()):08x}"


def array_headers(path: str | Path) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Name -> (shape, dtype) of the arrays in an .npz file, read from their headers: no array takes memory.

    Raises ValueError for a file that is not one, or for an array of Python objects, which would have to be unpickled.
    """
    from numpy.lib import format as npy

    found = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                with archive.open(member) as stream:
                    version = npy.read_magic(stream)
                    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
                    shape, _, dtype = read(stream)
                found[member.removesuffix(".npy")] = shape, dtype
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path} is not an .npz file: {error}") from error
    objects = [name for name, (_, dtype) in found.items() if dtype.hasobject]
    if objects:
        raise ValueError(f"{path} holds Python objects ({', '.join(objects)}); they are not unpickled")
    return found
