"""What a run folder holds, written and read in one place.

settings.json (by command), layers.json and .csv with a .npz a map, budgets.json and .csv with a plan, a network
and an energy report a budget, and files.json with a digest of each file. Whoever writes maps again replaces the
list of maps; files of earlier ones stay and are not read. One process writes at a time.
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
from pidnet.files import sole_writer, write_text
from pidnet.maps import LayerMap
from pidnet.printing import Printed, listed
from pidnet.pruning import PruningPlan, save_pruned
from pidnet.pruning.result import PrunedRun, rows
from pidnet.runs._digests import check_digests, record_digests


@dataclass(frozen=True, eq=False, repr=False)
class Budget(Printed):
    """One budget as it was found in the folder.

    Attributes
    ----------
    name
        The budget as it was asked for, such as 0.25.
    plan
        Which units it keeps.
    report
        The energy of the smaller network against the dense one.
    """

    name: str
    plan: PruningPlan
    report: EnergyReport

    def _lines(self) -> list[str]:
        kept, units = sum(self.plan.widths.values()), sum(self.plan.units.values())
        return [f"Budget {self.name}: {kept:,} of {units:,} units, {self.report.macs.kept:.1%} of the MACs"]


@dataclass(frozen=True, eq=False, repr=False)
class Run(Printed):
    """Everything in a run folder.

    Attributes
    ----------
    folder
        Where it is.
    settings
        Command -> what it was called with.
    maps, budgets
        In the order in which they were written.
    """

    folder: Path
    settings: dict[str, dict[str, Any]]
    maps: list[LayerMap]
    budgets: list[Budget]

    def _lines(self) -> list[str]:
        return [
            f"Run in {self.folder} by {listed(self.settings)}",
            *(f"Map of {one.layer} by {one.measure} on {one.samples:,} samples" for one in self.maps[:6]),
            *(f"... and {len(self.maps) - 6} more maps" for _ in self.maps[6:7]),
            *(repr(budget) for budget in self.budgets),
        ]


def map_file(layer: str, measure: str) -> str:
    """The file name of a map without its ending, safe whatever the layer is called.

    Parameters
    ----------
    layer, measure
        Names.

    Returns
    -------
    str
        The same for the same names, another for others.

    Examples
    --------
    >>> from pidnet.runs import map_file
    >>> map_file("encoder.0.fc1", "i_min")
    'encoder.0.fc1-i_min'
    """
    name = f"{layer}-{measure}"
    safe = re.sub(r"[^\w.-]", "_", name)
    return safe if safe == name else f"{safe}-{crc32(name.encode()):08x}"


def write_maps(folder: Path, maps: Sequence[LayerMap]) -> None:
    """Write maps and their summaries as tables; the maps of an earlier run are no longer listed.

    Parameters
    ----------
    folder
        The run folder; made where there is none.
    maps
        The maps, one of each layer and measure.

    Raises
    ------
    TimeoutError
        Where another process keeps writing into the folder.

    Examples
    --------
    See ``read_run``.
    """
    with sole_writer(folder):
        files = [one.save(folder / f"{map_file(one.layer, one.measure)}.npz") for one in maps]
        _write_table(folder / "layers", [layer_map.summary() for layer_map in maps], files)


def write_pruned(folder: Path, pruned: Sequence[PrunedRun], example: Tensor) -> None:
    """Write the plan, the smaller network and its energy report of each budget, and all budgets as tables.

    Parameters
    ----------
    folder
        The run folder; made where there is none.
    pruned
        What ``carry_out`` returned, one a budget.
    example
        An input of the network; only its shape and type are stored.

    Raises
    ------
    TimeoutError
        Where another process keeps writing into the folder.

    Examples
    --------
    >>> import tempfile, torch
    >>> from pathlib import Path
    >>> import pidnet as pn
    >>> from pidnet.runs import carry_out, read_run, write_pruned, write_settings
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> plan = pn.plan_pruning(net, data, keep=0.25, criterion="l1")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_settings(Path(folder), "prune", {"criterion": "l1"})
    ...     write_pruned(Path(folder), [carry_out(net, plan, data, repair="fold")], data[0])
    ...     [budget.name for budget in read_run(folder).budgets]
    ['0.25']
    """
    names = [{"budget": name} for name in ("dense", *(one.name for one in pruned))]
    table = [name | row for name, row in zip(names, rows(pruned), strict=True)]
    with sole_writer(folder):
        files = [path for one in pruned for path in _write_budget(folder, one, example)]
        _write_table(folder / "budgets", table, files)


def _write_budget(folder: Path, pruned: PrunedRun, example: Tensor) -> list[Path]:
    """The plan, the network and the energy report of one budget; returns the paths."""
    name = f"pruned-{pruned.name}"
    network = save_pruned(pruned.model, pruned.plan, example, folder / f"{name}.safetensors")
    plan = folder / f"{name}.plan.json"
    pruned.plan.save(plan)
    return [network, plan, write_text(folder / f"{name}.energy.json", pruned.report.to_json())]


def write_settings(folder: Path, command: str, settings: Mapping[str, Any]) -> None:
    """Write what a command was called with, beside what other commands have left in the folder.

    Parameters
    ----------
    folder
        The run folder; made where there is none.
    command
        The name of the command; its earlier settings are replaced.
    settings
        What it was called with; the versions of pidnet and torch are added.

    Raises
    ------
    TimeoutError
        Where another process keeps writing into the folder.

    Examples
    --------
    See ``read_run``.
    """
    path = folder / "settings.json"
    with sole_writer(folder):
        known = _stored(path) if path.is_file() else {}
        known[command] = {**settings, "pidnet": __version__, "torch": torch.__version__}
        write_text(path, json.dumps(known, indent=1))


def read_run(folder: str | Path) -> Run:
    """Read a run folder.

    Parameters
    ----------
    folder
        What ``pidnet demo``, ``map`` or ``prune`` wrote.

    Returns
    -------
    Run
        The settings, the maps and the budgets.

    Raises
    ------
    FileNotFoundError
        For a folder without a run.
    ValueError
        For files that are broken, or that two runs wrote: one that was stopped may have replaced some of them.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pidnet.runs import read_run, write_maps, write_settings
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_settings(Path(folder), "map", {"seed": 0})
    ...     write_maps(Path(folder), [])
    ...     run = read_run(folder)
    >>> run.settings["map"]["seed"], run.maps
    (0, [])
    """
    folder = Path(folder)
    if not (folder / "settings.json").is_file():
        raise FileNotFoundError(
            f"{folder} holds no run; expected a folder that pidnet demo, map or prune wrote (--out)"
        )
    try:
        check_digests(folder)
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


def _write_table(path: Path, rows: Sequence[Mapping[str, Any]], files: Sequence[Path]) -> None:
    """Rows as .json and as .csv, and the digests of the table and of the files it lists."""
    text = io.StringIO()
    writer = csv.DictWriter(
        text, fieldnames=list(dict.fromkeys(k for row in rows for k in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    tables = [
        write_text(path.with_suffix(".json"), json.dumps(rows, indent=1)),
        write_text(path.with_suffix(".csv"), text.getvalue()),
    ]
    record_digests(path, [*tables, *files])
