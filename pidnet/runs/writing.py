"""What a run folder holds, written and read in one place.

settings.json (by command, each with the id of its run), layers.json and .csv with a .npz a map, budgets.json and
.csv with a plan, a network and an energy report a budget, and files.json with the run of each list and a digest of
each file. Whoever writes maps again replaces the list and its files. One process writes at a time, and what it writes
appears whole or not at all (``one_change``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from pidnet.files import current, one_change, safe_name, write_text
from pidnet.maps import LayerMap
from pidnet.pruning import save_pruned
from pidnet.runs._records import SETTINGS, record, stamped, stored, write_table
from pidnet.runs.carried_out import PrunedRun, rows


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
    return safe_name(f"{layer}-{measure}")


def write_maps(folder: Path, maps: Sequence[LayerMap], command: str = "map") -> None:
    """Write maps and their summaries as tables in place of the maps that were there.

    Parameters
    ----------
    folder
        The run folder; made where there is none.
    maps
        The maps, one of each layer and measure.
    command
        The command whose settings, written before, they belong to.

    Raises
    ------
    TimeoutError
        Where another process keeps writing into the folder.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"fc1": [[0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, 0]] * 5}, [0, 1, 0, 1] * 5)
    >>> maps = pn.layer_maps(codes, "i_mmi", correction="none", null="none")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pn.runs.write_settings(Path(folder), "map", {"levels": 2})
    ...     pn.runs.write_maps(Path(folder), list(maps.values()))
    ...     [one.layer for one in pn.runs.read_run(folder).maps]
    ['fc1']
    """
    with one_change(folder) as staged:
        files = [one.save(staged / f"{map_file(one.layer, one.measure)}.npz") for one in maps]
        tables = write_table(staged / "layers", [one.summary() for one in maps])
        record(folder, staged, "layers", command, [*tables, *files])


def write_pruned(folder: Path, pruned: Sequence[PrunedRun], example: Tensor, command: str = "prune") -> None:
    """Write the plan, the network and the energy report of each budget, and all as tables, in place of earlier ones.

    Parameters
    ----------
    folder
        The run folder; made where there is none.
    pruned
        What ``carry_out`` returned, one a budget.
    example
        An input of the network; only its shape and type are stored.
    command
        The command whose settings, written before, they belong to.

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
    with one_change(folder) as staged:
        files = [path for one in pruned for path in _write_budget(staged, one, example)]
        record(folder, staged, "budgets", command, [*write_table(staged / "budgets", rows(pruned)), *files])


def _write_budget(folder: Path, pruned: PrunedRun, example: Tensor) -> list[Path]:
    """The plan, the network and the energy report of one budget; returns the paths."""
    name = f"pruned-{pruned.name}"
    network = save_pruned(pruned.model, pruned.plan, example, folder / f"{name}.safetensors")
    plan = folder / f"{name}.plan.json"
    pruned.plan.save(plan)
    return [network, plan, write_text(folder / f"{name}.energy.json", pruned.report.to_json())]


def write_pictures(folder: Path, draw: Mapping[str, Callable[[Path], Any]], command: str) -> None:
    """Write drawings of the maps, which go when other maps take their place.

    Parameters
    ----------
    folder
        The run folder, with maps.
    draw
        File name -> function that writes it.
    command
        The command whose settings, written before, they belong to.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pidnet.runs import read_run, write_pictures, write_settings
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_settings(Path(folder), "map", {})
    ...     write_pictures(Path(folder), {"fc1.png": lambda path: path.write_bytes(b"...")}, "map")
    ...     [path.name for path in read_run(folder).pictures]
    ['fc1.png']
    """
    with one_change(folder) as staged:
        for name, write in draw.items():
            write(staged / name)
        record(folder, staged, "pictures", command, [staged / name for name in draw])


def write_settings(folder: Path, command: str, settings: Mapping[str, Any]) -> None:
    """Write what a command was called with, beside what other commands have left in the folder.

    Parameters
    ----------
    folder
        The run folder; made where there is none.
    command
        The name of the command; its earlier settings are replaced.
    settings
        What it was called with; the versions of pidnet and torch are added, and an id of the run, the same for the
        same settings. What the command wrote with other settings is not read any more.

    Raises
    ------
    TimeoutError
        Where another process keeps writing into the folder.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pidnet as pn
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pn.runs.write_settings(Path(folder), "map", {"levels": 4})
    ...     pn.runs.read_run(folder).settings["map"]["levels"]
    4
    """
    with one_change(folder) as staged:
        known = stored(current(folder, SETTINGS), {})
        known[command] = stamped(settings)
        write_text(staged / SETTINGS, json.dumps(known, indent=1))
