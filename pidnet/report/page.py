"""The page: words, tables and figures of a run in one file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pidnet.arguments import check_arguments
from pidnet.files import write_text
from pidnet.maps import LayerMap
from pidnet.printing import number
from pidnet.report import _sections as sections, _text as text
from pidnet.report._curves import accuracy_curve, energy_by_layer, layer_profile
from pidnet.report._encoding import deflate, script_json
from pidnet.report._map_data import explore
from pidnet.report._overview import overview
from pidnet.report._settings import made_with
from pidnet.runs import Run, rows, unchanged_run

# About 6 bytes a pair: at most 20 MB of maps in one page, six layers of 1,024 units.
MOST_PAIRS = 3_150_000
# One square a unit; beyond this the numbers say it better.
MOST_DRAWN = 1024


def write_report(run: str | Path, path: str | Path | None = None) -> Path:
    """Write one self-contained page about a run folder.

    Parameters
    ----------
    run
        The run folder.
    path
        Where to write; report.html in the folder by default.

    Returns
    -------
    pathlib.Path
        The path written.

    Raises
    ------
    FileNotFoundError
        For a folder without a run.
    ValueError
        For files that are broken, or that two runs wrote.

    Notes
    -----
    Every name is escaped. Without the extra ``report`` the page has words, tables and pictures only, and says so.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pidnet.report import write_report
    >>> from pidnet.runs import write_settings
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_settings(Path(folder), "map", {"seed": 0})
    ...     write_report(folder).name
    'report.html'
    """
    check_arguments(write_report, locals())
    with unchanged_run(run) as found:
        return write_text(path or found.folder / "report.html", _page(found))


def _page(found: Run) -> str:
    """The whole page of a run."""
    from jinja2 import Environment

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        _asset("page.html.j2")
    )
    return template.render(
        run=found,
        conclusion=text.conclusion(found),
        summary=text.summary(found),
        most_drawn=MOST_DRAWN,
        layers=[layer_map.summary() for layer_map in found.maps],
        budgets=rows(found.budgets),
        other_network=sections.other_network(found),
        collapse=sections.collapse_rows(found),
        collapse_notes=sections.collapse_notes(found),
        training=sections.training_rows(found),
        plane_drawn=sections.plane_figure(found.sections.plane),
        losses=sections.loss_curves(found.budgets),
        text=text,
        style=_asset("page.css"),
        missing=missing_extra(),
        made_by=text.made_by(found),
        settings=made_with(found),
        cell=number,
        **_interactive(found),
    )


def missing_extra() -> str:
    """What the page lacks on this machine.

    Returns
    -------
    str
        One sentence with the command that installs it; empty where nothing is missing.

    Examples
    --------
    >>> from pidnet.report import missing_extra
    >>> type(missing_extra())
    <class 'str'>
    """
    if find_spec("plotly"):
        return ""
    return (
        "Figures are still pictures here: pip install 'pidnet[report]' and run pidnet report again for heat maps "
        "and a graph that answer to the pointer."
    )


def _interactive(run: Run) -> dict[str, Any]:
    """Scripts and data of the figures, or pictures where plotly is missing."""
    if missing_extra():
        drawn = sorted(path for path in run.pictures if path.suffix == ".png")
        images = {path.stem: base64.b64encode(path.read_bytes()).decode() for path in drawn}
        return {"images": images, "left_out": [], "data": "", "plotly": "", "scripts": []}
    from plotly.offline import get_plotlyjs

    shown = _shown(run.maps)
    left_out = [layer_map for layer_map in run.maps if layer_map not in shown]
    data = {
        "profiles": [layer_profile(maps) for maps in text.by_measure(run.maps).values()],
        "maps": [explore(layer_map) for layer_map in shown],
        "overviews": [overview(layer_map) for layer_map in left_out],
        "plans": [_fates(budget.name, budget.plan) for budget in run.budgets],
        "curves": accuracy_curve(run.budgets),
        "energy": energy_by_layer(run.budgets),
        "codes": sections.codes_by_class(run.sections.codes, [one.layer for one in shown]),
        "plane": sections.plane_figure(run.sections.plane),
        "training": run.sections.training,
        "losses": sections.loss_curves(run.budgets),
    }
    return {
        "images": {},
        "left_out": left_out,
        "data": script_json(data),
        "plotly": deflate(get_plotlyjs().encode()),
        "scripts": [
            _asset(name)
            for name in ("opening.js", "figures.js", "sections.js", "codes.js", "map_data.js", "overview.js")
        ],
    }


def _shown(maps: Sequence[LayerMap]) -> list[LayerMap]:
    """The maps that a page of bounded size can hold, in order."""
    shown, pairs = [], 0
    for layer_map in maps:
        if pairs + len(layer_map.pairs) <= MOST_PAIRS:
            shown.append(layer_map)
            pairs += len(layer_map.pairs)
    return shown


def _fates(name: str, plan) -> dict[str, Any]:
    """What a plan does with each unit: layer -> unit -> sentence, for the units that go."""
    return {
        "name": name,
        "layers": {
            layer: {
                str(removal.unit): f"{text.cost(removal)}; {text.substitutes(removal)}"
                for removal in plan.still_removed(layer)
            }
            for layer in plan.kept
        },
    }


def _asset(name: str) -> str:
    return resources.files("pidnet.report").joinpath(name).read_text(encoding="utf-8")
