"""What a network loses by the width of each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from pidnet.plots._drawable import check_drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Curved(Protocol):
    """A ``PruningPlan`` with the curves that its widths follow."""

    @property
    def curves(self) -> Mapping[str, Sequence[tuple[int, float]]]: ...
    @property
    def units(self) -> Mapping[str, int]: ...
    @property
    def kept(self) -> Mapping[str, Sequence[int]]: ...


def plot_loss_curves(plan: Curved, ax: Axes | None = None) -> Figure:
    """Where a network can be cut: bits lost by the share of a layer's units that stays, one line per layer.

    Parameters
    ----------
    plan : PruningPlan
        With measured ``curves``; the widths that it keeps are marked.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        One line for each layer.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.

    Examples
    --------
    >>> import pidnet as pn
    >>> curves = {"fc1": [(4, 0.5), (8, 0.1), (16, 0.0)]}
    >>> plan = pn.PruningPlan({"fc1": list(range(8))}, {}, "by hand", units={"fc1": 16}, curves=curves)
    >>> len(pn.plots.plot_loss_curves(plan).axes[0].lines)
    2
    """
    from pidnet.plots.figure import given_or_new

    check_drawable(plan, Curved, "a PruningPlan, from plan_pruning")
    figure, ax = given_or_new(ax, (5.2, 3.4))
    for layer, points in plan.curves.items():
        whole, width = plan.units[layer], len(plan.kept[layer])
        known = dict(points)
        (line,) = ax.plot(
            [w / whole for w, _ in points], [bits for _, bits in points], label=layer, linewidth=1.2
        )
        nearest = min(known, key=lambda w: abs(w - width))
        ax.plot(width / whole, known[nearest], "o", color=line.get_color(), markersize=4)
    ax.set_xlabel("share of the layer's units kept")
    ax.set_ylabel("bits lost, this layer cut alone")
    if plan.curves:
        ax.legend(fontsize=7)
    return figure
