"""Files appear whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

LONGEST_NAME = 120


@contextmanager
def replacing(path: str | Path) -> Generator[Path]:
    """A temporary path beside ``path``; it takes its place when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(handle)
    try:
        yield Path(name)
        os.chmod(name, 0o644)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> Path:
    """Write a text file atomically; returns its path."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def safe_name(name: str) -> str:
    """A file name without ending for any text: short, and different on disks that do not tell A from a."""
    safe = re.sub(r"[^\w.-]", "_", name)[:LONGEST_NAME]
    if safe == name.lower() and re.match(r"\w", safe):
        return safe
    return f"{safe.strip('.-') or 'name'}-{crc32(name.encode()):08x}"
