"""Which files of a run folder belong together: files.json has a digest of each, list by list."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from pidnet.files import write_text

RECORD = "files.json"


def record_digests(table: Path, files: Sequence[Path]) -> None:
    """Write down the files of a list, in place of those it named before."""
    known = _recorded(table.parent)
    known[table.name] = {file.name: _digest(file) for file in files}
    write_text(table.parent / RECORD, json.dumps(known, indent=1))


def check_digests(folder: Path) -> None:
    """ValueError for a file that is not the one its run recorded."""
    for files in _recorded(folder).values():
        for name, digest in files.items():
            if _digest(folder / name) != digest:
                raise ValueError(f"{name} is damaged, or of another run that was stopped")


def _recorded(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / RECORD
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
