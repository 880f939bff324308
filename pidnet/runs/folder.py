"""What stands in a run folder, written and read in one place.

settings.json (by command), layers.json and .csv with a .npz a map, budgets.json and .csv with a plan, a network
and an energy report a budget. Whoever writes maps again replaces the list of maps; files of earlier ones stay
and are not read.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import crc32

import torch
from torch import Tensor

from pidnet import __version__
from pidnet.energy import EnergyReport
from pidnet.files import write_text
from pidnet.maps import LayerMap
from pidnet.pruning import PruningPlan, save_pruned
from pidnet.pruning.result import PrunedRun, rows


@dataclass(frozen=True, eq=False)
class Budget:
    """One budget as it was found in the folder: its name, the plan and the energy report."""

    name: str
    plan: PruningPlan
    report: EnergyReport


@dataclass(frozen=True, eq=False)
class Run:
    """Everything in a run folder. settings: command -> what it was called with. maps, budgets: in order."""

    folder: Path
    settings: dict[str, dict[str, Any]]
    maps: list[LayerMap]
    budgets: list[Budget]


def map_file(layer: str, measure: str) -> str:
    """The file name of a map without its ending, safe whatever the layer is called."""
    name = f"{layer}-{measure}"
    safe = re.sub(r"[^\w.-]", "_", name)
    return safe if safe == name else f"{safe}-{crc32(name.encode()):08x}"


def write_maps(folder: Path, maps: Sequence[LayerMap]) -> None:
    """The maps, and their summaries as tables."""
    for map in maps:
        map.save(folder / f"{map_file(map.layer, map.measure)}.npz")
    _write_table(folder / "layers", [map.summary() for map in maps])


def write_pruned(folder: Path, pruned: Sequence[PrunedRun], example: Tensor) -> None:
    """For each budget the plan, the smaller network and its energy report; and all budgets as tables."""
    for one in pruned:
        name = f"pruned-{one.name}"
        save_pruned(one.model, one.plan, example, folder / f"{name}.safetensors")
        one.plan.save(folder / f"{name}.plan.json")
        write_text(folder / f"{name}.energy.json", one.report.to_json())
    names = [{"budget": name} for name in ("dense", *(one.name for one in pruned))]
    _write_table(folder / "budgets", [name | row for name, row in zip(names, rows(pruned), strict=True)])


def write_settings(folder: Path, command: str, settings: Mapping[str, Any]) -> None:
    """What a command was called with, beside what other commands have left in the folder."""
    path = folder / "settings.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    known[command] = {**settings, "pidnet": __version__, "torch": torch.__version__}
    write_text(path, json.dumps(known, indent=1))


def read_run(folder: str | Path) -> Run:
    """Read a run folder. Raises FileNotFoundError for one without a run, ValueError for files that are broken."""
    folder = Path(folder)
    if not (folder / "settings.json").is_file():
        raise FileNotFoundError(
            f"{folder} holds no run; expected a folder that pidnet demo, map or prune wrote (--out)"
        )
    try:
        settings = {command: dict(said) for command, said in _stored(folder / "settings.json").items()}
        names = [map_file(row["layer"], row["measure"]) for row in _table(folder / "layers.json")]
        return Run(
            folder,
            settings,
            [LayerMap.load(folder / f"{name}.npz") for name in names],
            [_budget(folder, row["budget"]) for row in _table(folder / "budgets.json")[1:]],
        )
    except (KeyError, TypeError, AttributeError, ValueError, OSError, BadZipFile) as error:
        raise ValueError(
            f"{folder} holds a run that is broken or of another version ({type(error).__name__}: {error}); run it again"
        ) from error


def _budget(folder: Path, name: str) -> Budget:
    report = (folder / f"pruned-{name}.energy.json").read_text(encoding="utf-8")
    return Budget(name, PruningPlan.load(folder / f"pruned-{name}.plan.json"), EnergyReport.from_json(report))


def _table(path: Path) -> list[dict[str, Any]]:
    return _stored(path) if path.is_file() else []


def _stored(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows as .json and as .csv."""
    text = io.StringIO()
    writer = csv.DictWriter(
        text, fieldnames=list(dict.fromkeys(k for row in rows for k in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    write_text(path.with_suffix(".json"), json.dumps(rows, indent=1))
    write_text(path.with_suffix(".csv"), text.getvalue())
