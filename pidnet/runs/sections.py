"""What a run folder may hold beside maps and budgets: codes, an information plane, collapse, a training.

codes.npz, plane.json, collapse.json and .csv with a .json a layer, training.json and .csv.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pidnet.arguments import check_arguments
from pidnet.codes import Codes
from pidnet.files import one_change, safe_name
from pidnet.maps.profiles import ATOMS, Profile
from pidnet.planes import Collapse, Plane
from pidnet.planes.plane import QUANTITIES
from pidnet.printing import Printed, counted, listed, wrapped
from pidnet.runs._records import record, recorded, stored, write_table
from pidnet.training import Foldable, Recorder, Stopper


@dataclass(frozen=True, eq=False, repr=False)
class Sections(Printed):
    """What stands in a run folder beside maps and budgets; None or empty where there is none.

    Attributes
    ----------
    codes : Codes or None
        Those that the maps were made of.
    plane : Plane or None
        An information plane.
    collapse : Mapping
        Layer -> Collapse.
    training : list of dict
        Rows of step, layer, quantity, value, low and high, as a ``Recorder`` or a penalty took them.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.runs.Sections()
    Sections: nothing beside maps and budgets
    """

    codes: Codes | None = None
    plane: Plane | None = None
    collapse: Mapping[str, Collapse] = field(default_factory=dict)
    training: list[dict[str, Any]] = field(default_factory=list)

    def _lines(self) -> list[str]:
        there = [f"codes of {counted(len(self.codes.layers), 'layer')}"] if self.codes else []
        there += ["an information plane"] if self.plane else []
        there += [f"collapse of {listed(self.collapse)}"] if self.collapse else []
        there += [f"{counted(len(self.training), 'row')} of the training"] if self.training else []
        return wrapped(f"Sections: {', '.join(there) or 'nothing beside maps and budgets'}")


def write_sections(
    folder: Path,
    command: str = "python",
    *,
    codes: Codes | None = None,
    plane: Plane | None = None,
    plane_of: str = "",
    collapse: Mapping[str, Collapse] | None = None,
    training: Recorder | Foldable | Sequence[Recorder | Foldable] | None = None,
) -> None:
    """Write what is given, each in place of what was there.

    Parameters
    ----------
    folder : Path
        The run folder; made where there is none.
    command : str
        The command whose settings, written before, they belong to.
    codes : Codes, optional
        Those that the maps were made of: the page then shows which levels two units take in each class.
    plane : Plane, optional
        What ``information_plane`` returned.
    plane_of : str
        The network of the plane, where it is another than that of the maps and the plans: the page then says so.
    collapse : mapping of str to Collapse, optional
        What ``neural_collapse`` returned, by layer.
    training : Recorder, Stopper, Foldable or sequence of these, optional
        After a training: profiles, or planes on the last split; the columns of a stopper; what the units that stay could
        not say under a penalty, over the share of the training.

    Raises
    ------
    ValueError
        For a recorder of something else.
    TimeoutError
        Where another process keeps writing into the folder.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pidnet as pn
    >>> codes = pn.Codes.of({"fc1": [[0, 1], [1, 1]]}, [0, 1])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pn.runs.write_settings(Path(folder), "python", {})
    ...     pn.runs.write_sections(Path(folder), codes=codes)
    ...     pn.runs.read_run(folder).sections.codes.classes
    (0, 1)
    """
    check_arguments(write_sections, locals())
    with one_change(folder) as staged:
        if codes is not None:
            record(folder, staged, "codes", command, [codes.save(staged / "codes.npz")])
        if plane is not None:
            named = replace(plane, settings={**plane.settings, "network": plane_of}) if plane_of else plane
            record(folder, staged, "plane", command, [named.save(staged / "plane.json")])
        if collapse is not None:
            files = [one.save(staged / _collapse_file(layer)) for layer, one in collapse.items()]
            rows = [{"layer": layer, **one.to_pandas().iloc[0]} for layer, one in collapse.items()]
            record(folder, staged, "collapse", command, [*write_table(staged / "collapse", rows), *files])
        if training is not None:
            several = training if isinstance(training, Sequence) else [training]
            rows = [row for one in several for row in _curves(one)]
            record(folder, staged, "training", command, write_table(staged / "training", rows))


def read_sections(folder: Path) -> Sections:
    """What ``write_sections`` wrote."""
    there = {name for name in ("codes", "plane") if recorded(folder, name)}
    layers = [row["layer"] for row in stored(folder / "collapse.json", [])]
    return Sections(
        Codes.load(folder / "codes.npz") if "codes" in there else None,
        Plane.load(folder / "plane.json") if "plane" in there else None,
        {layer: Collapse.load(folder / _collapse_file(layer)) for layer in layers},
        stored(folder / "training.json", []),
    )


def _collapse_file(layer: str) -> str:
    return f"collapse-{safe_name(layer)}.json"


def _curves(training: Recorder | Foldable) -> Iterator[dict[str, Any]]:
    """One row for each step, layer and quantity."""
    if isinstance(training, Foldable):
        yield from map(_unsaid_row, training.history)
        return
    if isinstance(training, Stopper):
        history = training.history
        for name, values in history.columns.items():
            for step, value in zip(history.epochs, values.tolist(), strict=True):
                yield {"step": step, "layer": "network", "quantity": name, **_alone(value)}
        return
    recorded_results = training.profiles or training.snapshots
    for step, found in zip(training.steps, recorded_results, strict=True):
        if not isinstance(found, Profile | Plane):
            raise ValueError(
                f"the recorder holds a {type(found).__name__} of each step; a run folder takes profiles and planes"
            )
        for row in _profile_rows(found) if isinstance(found, Profile) else _plane_rows(found):
            yield {"step": step, **row}


def _unsaid_row(row: Mapping[str, Any]) -> dict[str, Any]:
    quantity = f"unsaid with {row['keep']:g} of the units"
    return {"step": row["progress"], "layer": row["layer"], "quantity": quantity, **_alone(row["unsaid"])}


def _alone(value: float) -> dict[str, float | None]:
    """A value without ends; None where it is none."""
    return {"value": value if math.isfinite(value) else None, "low": None, "high": None}


def _profile_rows(found: Profile) -> Iterator[dict[str, Any]]:
    for k, layer in enumerate(found.layers):
        for atom in ATOMS:
            ends = {name: float(getattr(found, name)[atom][k]) for name in ("low", "high")}
            yield {"layer": layer, "quantity": atom, "value": float(found.shares[atom][k]), **ends}


def _plane_rows(found: Plane) -> Iterator[dict[str, Any]]:
    for layer in found.layers:
        for quantity in QUANTITIES:
            bits = found.of(layer)[quantity]
            yield {
                "layer": layer,
                "quantity": quantity,
                "value": bits.value,
                "low": bits.low,
                "high": bits.high,
            }
