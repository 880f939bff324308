"""Which files of a run folder belong together: files.json has, for each list, the run that wrote it and a digest of
each of its files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from pidnet import __version__
from pidnet.files import GONE, current, plain, write_text

RECORD, SETTINGS, PAGE = "files.json", "settings.json", "report.html"
FOLLOWING = {"layers": ("pictures", "codes")}  # lists that belong to another one and go with it


def stored(path: Path, missing: Any) -> Any:
    """What a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else missing


def stamped(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the versions of pidnet and torch and the id of their run: the same for the same settings."""
    said = {**settings, "pidnet": __version__, "torch": torch.__version__}
    text = json.dumps(said, sort_keys=True)
    return {**said, "run": hashlib.sha256(text.encode()).hexdigest()[:16]}


def record(folder: Path, staged: Path, name: str, command: str, files: Sequence[Path]) -> None:
    """Write down the files of a list; those it stood for before go, with the page and the pictures of them."""
    known = stored(current(folder, RECORD), {})
    run = stored(current(folder, SETTINGS), {}).get(command, {}).get("run")
    old = [known.pop(other, {"files": {}}) for other in (name, *FOLLOWING.get(name, ()))]
    known[name] = {"command": command, "run": run, "files": {file.name: _digest(file) for file in files}}
    stay = {file for one in known.values() for file in one["files"]}
    gone = {file for one in old for file in one["files"]} - stay | {PAGE}
    before = current(folder, GONE)
    earlier = set(before.read_text(encoding="utf-8").split("\n")) - {""} if before.is_file() else set()
    write_text(staged / GONE, "".join(f"{file}\n" for file in sorted((earlier | gone) - stay)))
    write_text(staged / RECORD, json.dumps(known, indent=1))


def recorded(folder: Path, name: str) -> list[str]:
    """The files of a list."""
    return list(stored(folder / RECORD, {}).get(name, {"files": {}})["files"])


def check_records(folder: Path) -> None:
    """ValueError for a file that is not the one its run recorded, and for a list and settings of different runs."""
    settings = stored(folder / SETTINGS, {})
    for name, one in stored(folder / RECORD, {}).items():
        said = settings.get(one["command"], {}).get("run")
        if said != one["run"]:
            raise ValueError(f"{name}.json is of run {one['run']} of {one['command']}, {SETTINGS} of {said}")
        for file, digest in one["files"].items():
            if _digest(folder / file) != digest:
                raise ValueError(f"{file} is damaged, or of another run that was stopped")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Rows as .json and as .csv; returns the paths."""
    text = io.StringIO()
    writer = csv.DictWriter(
        text, fieldnames=list(dict.fromkeys(k for row in rows for k in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return [
        write_text(path.with_suffix(".json"), json.dumps(plain(rows), indent=1)),
        write_text(path.with_suffix(".csv"), text.getvalue()),
    ]
