"""The information plane: brackets as bars, one color per layer, time as a path."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pidnet.plots._drawable import check_drawables
from pidnet.plots.profiles import LAYER_COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Placed(Protocol):
    """What is drawn of a ``Plane``."""

    @property
    def layers(self) -> Sequence[str]: ...
    @property
    def splits(self) -> Sequence[str]: ...
    def of(self, layer: str, split: str | None = None) -> Mapping[str, Any]: ...


def plot_plane(planes: Sequence[Placed], split: str | None = None, ax: Axes | None = None) -> Figure:
    """I(T;Y) over I(X;T) as brackets: a bar in each direction, no point without one.

    Parameters
    ----------
    planes : sequence of Plane
        One, or several over training: then a line joins the middles of a layer, thin to thick.
    split : str, optional
        "train" or "held out"; the last there is by default.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        Open ends are arrows at the right edge; layers with infinite I(X;T) stand beyond it.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.
    ValueError
        Without a plane.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    >>> net = pn.zoo.mlp(4, (3,), 2, variant="stochastic")
    >>> figure = pn.information_plane(net, (x, torch.arange(200) % 2)).plot()
    """
    from pidnet.plots.figure import given_or_new

    check_drawables(planes, Placed, "Planes, from information_plane")
    figure, ax = given_or_new(ax, (6.4, 4.8))
    layers = planes[-1].layers
    boxes = {layer: [_box(plane.of(layer, split)) for plane in planes] for layer in layers}
    ends = [end for found in boxes.values() for box in found for end in box[:2] if math.isfinite(end)]
    edge = 1.08 * max([*ends, 1.0])
    for layer, color in zip(layers, _colors(len(layers)), strict=True):
        _draw(ax, layer, boxes[layer], color, edge)
    ax.set_xlim(-0.02 * edge, 1.04 * edge)
    ax.set_xlabel("I(X;T), bits (at the edge: no upper end, or infinite)")
    ax.set_ylabel("I(T;Y), bits")
    ax.set_title(split or planes[-1].splits[-1])
    ax.legend(fontsize="small")
    return figure


def _box(information: Mapping[str, Any]) -> tuple[float, float, float, float]:
    """The ends of I(X;T) and of I(T;Y)."""
    x, y = information["I(X;T)"], information["I(T;Y)"]
    return x.low, x.high, y.low, y.high


def _draw(
    ax: Axes, layer: str, boxes: Sequence[tuple[float, float, float, float]], color: str, edge: float
) -> None:
    """The brackets of one layer, and the path between their middles."""
    clipped = [(min(a, edge), min(b, edge), c, d) for a, b, c, d in boxes]
    middles = [((a + b) / 2, (c + d) / 2) for a, b, c, d in clipped]
    for step, ((a, b, c, d), (x, y)) in enumerate(zip(clipped, middles, strict=True), start=1):
        shade = step / len(boxes)
        ax.plot([a, b], [y, y], color=color, alpha=shade, lw=2, label=layer if step == len(boxes) else None)
        ax.plot([x, x], [c, d], color=color, alpha=shade, lw=2)
        if b >= edge:
            ax.plot(edge, y, marker=">", color=color, alpha=shade, ls="none")
    ax.plot(*zip(*middles, strict=True), color=color, lw=0.8, alpha=0.6)


def _colors(count: int) -> list[str]:
    return [LAYER_COLORS[k % len(LAYER_COLORS)] for k in range(count)]
