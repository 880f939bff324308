"""A whole run written in one call, for whoever works from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from pidnet.arguments import check_arguments
from pidnet.codes import Codes
from pidnet.files import one_change
from pidnet.maps import LayerMap
from pidnet.planes import Collapse, Plane
from pidnet.runs.carried_out import PrunedRun
from pidnet.runs.sections import write_sections
from pidnet.runs.writing import write_maps, write_pruned, write_settings
from pidnet.training import Foldable, Recorder


def write_run(
    folder: str | Path,
    maps: Mapping[str, LayerMap] | Sequence[LayerMap] = (),
    pruned: Sequence[PrunedRun] = (),
    example: Tensor | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    codes: Codes | None = None,
    plane: Plane | None = None,
    collapse: Mapping[str, Collapse] | None = None,
    training: Recorder | Foldable | Sequence[Recorder | Foldable] | None = None,
) -> Path:
    """Write what was made in Python as a run folder, which ``write_report`` and ``pidnet explain`` read.

    Parameters
    ----------
    folder : str or Path
        The run folder; made where there is none.
    maps : mapping or sequence of LayerMap
        What ``layer_maps`` returned, or maps of several measures in a row.
    pruned : sequence of PrunedRun
        What ``carry_out`` returned, one a budget.
    example : Tensor, optional
        An input of the network, needed with ``pruned``; only its shape and type are stored.
    settings : mapping, optional
        What to remember beside: a seed, a data set.
    codes : Codes, optional
        Those that the maps were made of: the page then shows which levels two units take in each class.
    plane : Plane, optional
        What ``information_plane`` returned.
    collapse : mapping of str to Collapse, optional
        What ``neural_collapse`` returned, by layer.
    training : Recorder, Stopper, Foldable or sequence of these, optional
        After a training.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        For nothing to write, pruned networks without an example, or a recorder of something that is neither profile nor plane.
    TimeoutError
        Where another process keeps writing into the folder.

    Examples
    --------
    >>> import tempfile, torch
    >>> import pidnet as pn
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> net = pn.zoo.mlp(8, (6,), 3)
    >>> maps = pn.layer_maps(pn.quantize(pn.capture(net, data, ["fc1"])), "i_min")
    >>> done = pn.runs.carry_out(net, pn.plan_pruning(net, data, keep=0.5, criterion="l1"), data)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     run = pn.runs.read_run(pn.runs.write_run(folder, maps, [done], data[0]))
    >>> [one.layer for one in run.maps], [budget.name for budget in run.budgets]
    (['fc1'], ['0.5'])
    """
    check_arguments(write_run, locals())
    if not any((maps, pruned, codes, plane, collapse, training)):
        raise ValueError(
            f"nothing was given to write into {folder}; pass maps, pruned networks, or another part"
        )
    if pruned and example is None:
        raise ValueError("pruned networks were given without an example; pass an input of the network")
    folder = Path(folder)
    with one_change(folder):
        write_settings(folder, "python", settings or {})
        write_maps(folder, list(maps.values()) if isinstance(maps, Mapping) else list(maps), "python")
        if pruned and example is not None:
            write_pruned(folder, pruned, example, "python")
        write_sections(folder, codes=codes, plane=plane, collapse=collapse, training=training)
    return folder
