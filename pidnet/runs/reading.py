"""A run folder as it is read: settings, maps, budgets, pictures of one run each."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from torch import nn

from pidnet.arguments import check_arguments
from pidnet.energy import EnergyReport
from pidnet.files import CHANGE, settled
from pidnet.maps import LayerMap
from pidnet.printing import Printed, listed
from pidnet.pruning import PruningPlan, load_pruned
from pidnet.runs._records import RECORD, SETTINGS, check_records, recorded, stamped, stored
from pidnet.runs.carried_out import PrunedRun, summary_line
from pidnet.runs.sections import Sections, read_sections
from pidnet.runs.writing import map_file


@dataclass(frozen=True, eq=False, repr=False)
class StoredBudget(Printed):
    """One budget as it was found in the folder.

    Attributes
    ----------
    name
        The budget as it was asked for, such as 0.25.
    plan
        Which units it keeps.
    report
        The energy of the smaller network against the dense one.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import torch
    >>> import pidnet as pn
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> plan = pn.plan_pruning(net, data, keep=0.25, criterion="l1")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pn.runs.write_settings(Path(folder), "prune", {"criterion": "l1"})
    ...     pn.runs.write_pruned(Path(folder), [pn.runs.carry_out(net, plan, data, repair="fold")], data[0])
    ...     pn.runs.read_run(folder).budgets
    [StoredBudget 0.25: 4 of 16 units, 25.0% of the MACs]
    """

    name: str
    plan: PruningPlan
    report: EnergyReport

    def _lines(self) -> list[str]:
        return [f"StoredBudget {summary_line(self)}"]


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
    pictures
        Drawings of the maps.
    sections
        Codes, information plane, collapse and training, where they were written.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.runs.read_run("runs/demo")  # doctest: +SKIP
    """

    folder: Path
    settings: dict[str, dict[str, Any]]
    maps: list[LayerMap]
    budgets: list[StoredBudget]
    pictures: tuple[Path, ...] = ()
    sections: Sections = field(default_factory=Sections)

    def _lines(self) -> list[str]:
        return [
            f"Run in {self.folder}{f' by {listed(self.settings)}' if self.settings else ''}",
            *(f"Map of {one.layer} by {one.measure} on {one.samples:,} samples" for one in self.maps[:6]),
            *(f"... and {len(self.maps) - 6} more maps" for _ in self.maps[6:7]),
            *(repr(budget) for budget in self.budgets),
        ]


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
    check_arguments(read_run, locals())
    with unchanged_run(folder) as run:
        return run


@contextmanager
def unchanged_run(folder: str | Path) -> Generator[Run]:
    """A run folder as ``read_run`` gives it; no other process writes into the folder in this block.

    Parameters
    ----------
    folder
        What ``pidnet demo``, ``map`` or ``prune`` wrote.

    Yields
    ------
    Run
        The settings, the maps and the budgets.

    Raises
    ------
    FileNotFoundError
        For a folder without a run.
    ValueError
        For files that are broken, or that two runs wrote.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pidnet.runs import unchanged_run, write_settings
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_settings(Path(folder), "map", {"seed": 0})
    ...     with unchanged_run(folder) as run:
    ...         run.maps
    []
    """
    folder = Path(folder)
    if not any((folder / name).exists() for name in (SETTINGS, RECORD, CHANGE)):
        raise FileNotFoundError(
            f"{folder} holds no run; expected a folder that pidnet demo, map or prune wrote (--out)"
        )
    with settled(folder):
        yield _checked(folder)


def _checked(folder: Path) -> Run:
    """A run, or ValueError for what is broken in any way."""
    try:
        return _read(folder)
    except (KeyError, TypeError, AttributeError, ValueError, OSError, BadZipFile) as error:
        raise ValueError(
            f"{folder} holds a run that is broken or of another version ({type(error).__name__}: {error}); run it again"
        ) from error


def _read(folder: Path) -> Run:
    check_records(folder)
    settings = {command: dict(said) for command, said in stored(folder / SETTINGS, {}).items()}
    if (folder / SETTINGS).is_file() and not any("run" in said for said in settings.values()):
        raise ValueError(f"{SETTINGS} is not of pidnet")
    names = [map_file(row["layer"], row["measure"]) for row in stored(folder / "layers.json", [])]
    return Run(
        folder,
        settings,
        [LayerMap.load(folder / f"{name}.npz") for name in names],
        [_budget(folder, row["budget"]) for row in stored(folder / "budgets.json", [])[1:]],
        tuple(folder / name for name in recorded(folder, "pictures")),
        read_sections(folder),
    )


def _budget(folder: Path, name: str) -> StoredBudget:
    report = (folder / f"pruned-{name}.energy.json").read_text(encoding="utf-8")
    return StoredBudget(
        name, PruningPlan.load(folder / f"pruned-{name}.plan.json"), EnergyReport.from_json(report)
    )


def done_before(
    folder: str | Path, settings: Mapping[str, Any], budgets: Sequence[str], dense: nn.Module
) -> list[PrunedRun]:
    """The budgets that ``prune`` with the same settings has carried out before, all or until it was stopped.

    Parameters
    ----------
    folder
        The run folder.
    settings
        What ``prune`` is called with, as for ``write_settings``.
    budgets
        The names of all budgets that are asked for, in order.
    dense
        The network that is pruned.

    Returns
    -------
    list of PrunedRun
        The first of the budgets; none where the run there is another one, or is broken.

    Examples
    --------
    >>> from pidnet.runs import done_before
    >>> import pidnet as pn
    >>> done_before("no/such/folder", {}, ["0.5"], pn.zoo.mlp(8, (16,), 3))
    []
    """
    try:
        run = read_run(folder)
    except (FileNotFoundError, ValueError):
        return []
    names = [budget.name for budget in run.budgets]
    same = run.settings.get("prune", {}).get("run") == stamped(settings)["run"]
    if not same or names != list(budgets[: len(names)]):
        return []
    return [
        PrunedRun(one.plan, load_pruned(dense, run.folder / f"pruned-{one.name}.safetensors"), one.report)
        for one in run.budgets
    ]
