"""Pruning plans: how much of each layer stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pidnet.plots._drawable import check_drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KEPT, REMOVED = "#0072B2", "#D9D9D9"


class Planned(Protocol):
    """A ``PruningPlan`` with the widths and the units of its layers."""

    @property
    def criterion(self) -> str: ...
    @property
    def widths(self) -> Mapping[str, int]: ...
    @property
    def units(self) -> Mapping[str, int]: ...


def plot_plan(plan: Planned, ax: Axes | None = None) -> Figure:
    """Draw a bar for each layer of a plan: the units kept, and those removed behind them.

    Parameters
    ----------
    plan : PruningPlan
        What ``plan_pruning`` returned, edited or not.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        The first layer on top; beside each bar, how many of how many units are kept.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.
    ValueError
        For a plan of no layers, or one without the widths before pruning.

    Examples
    --------
    >>> import pidnet as pn
    >>> plan = pn.PruningPlan(kept={"fc1": [0, 2]}, removed={}, criterion="hand", units={"fc1": 4})
    >>> [text.get_text() for text in plot_plan(plan).axes[0].texts]
    ['2 of 4']
    """
    from pidnet.plots.figure import given_or_new

    check_drawable(plan, Planned, "a PruningPlan, from plan_pruning")
    missing = [layer for layer in plan.widths if layer not in plan.units]
    if missing or not plan.widths:
        what = f"no width before pruning for {', '.join(missing)}" if missing else "no layers"
        raise ValueError(f"the plan has {what}; expected a plan with units={{layer: width}}")
    figure, ax = given_or_new(ax, (5.6, max(1.8, 1.0 + 0.3 * len(plan.widths))))
    place = np.arange(len(plan.widths))
    before = [plan.units[layer] for layer in plan.widths]
    ax.barh(place, before, color=REMOVED, label="removed")
    ax.barh(place, list(plan.widths.values()), color=KEPT, label="kept")
    for k, (kept, units) in enumerate(zip(plan.widths.values(), before, strict=True)):
        ax.annotate(
            f"{kept} of {units}", (units, k), (3, 0), textcoords="offset points", va="center", fontsize=8
        )
    ax.set_yticks(place, list(plan.widths))
    ax.set_ylim(len(place) - 0.5, -0.5)
    ax.margins(x=0.15)
    ax.set(xlabel="units", title=f"pruned by {plan.criterion}")
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    return figure
