"""Layer maps as heat maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pidnet.plots._drawable import check_drawable, check_drawables
from pidnet.plots.styles import NOISE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAP = "a LayerMap, from layer_maps"
NUMBERED, TICKS = 32, 24
LARGE = 128
COLUMNS = 3


class Mapped(Protocol):
    """What is drawn of a ``LayerMap``."""

    @property
    def layer(self) -> str: ...
    @property
    def measure(self) -> str: ...
    @property
    def samples(self) -> int: ...
    @property
    def units(self) -> np.ndarray: ...
    @property
    def noise_floor(self) -> Mapping[str, float]: ...
    def matrix(self, name: str) -> np.ndarray: ...
    def similar_units(self) -> np.ndarray: ...


def plot_map(layer_map: Mapped, atom: str = "redundancy", ax: Axes | None = None) -> Figure:
    """Heat map of one atom over all pairs of units that vary; redundant units stand side by side.

    Parameters
    ----------
    layer_map : LayerMap
        The map.
    atom : str
        A name that ``LayerMap.matrix`` takes.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        With a color bar in bits, on which a line shows the noise floor of the map.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.

    Notes
    -----
    The order is that of average linkage on the redundancy. Up to 32 units are all numbered, of more every so
    many. Colors span the middle 99 % of the pairs, so that single ones do not wash out the rest.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (200, 4), generator=torch.Generator().manual_seed(0))
    >>> acts = pn.Activations({"fc1": x.float()}, x[:, 0] ^ x[:, 1], {"fc1": "none"})
    >>> layer_map = pn.layer_maps(pn.quantize(acts, 2), "i_min")["fc1"]
    >>> pn.plots.plot_map(layer_map, "synergy").axes[0].get_title()
    'synergy of fc1 (i_min, 200 samples)'
    """
    from pidnet.plots.figure import given_or_new

    check_drawable(layer_map, Mapped, MAP)
    order = layer_map.similar_units()
    figure, ax = given_or_new(ax, (5.6, 4.8) if len(order) <= LARGE else (9.2, 8.0))
    matrix = layer_map.matrix(atom)[np.ix_(order, order)]
    ax.set_facecolor("0.85")  # the diagonal holds no pair
    low, high = np.nanpercentile(matrix, [0.5, 99.5])
    image = ax.imshow(matrix, cmap="viridis", interpolation="nearest", vmin=low, vmax=high)
    _label_units(ax, order, len(layer_map.units) - len(order))
    ax.set_title(f"{atom} of {layer_map.layer} ({layer_map.measure}, {layer_map.samples} samples)")
    bar = figure.colorbar(image, ax=ax, label="bits", extend="both")
    floor = layer_map.noise_floor.get(atom)
    if floor is not None:
        bar.ax.axhline(floor, color=NOISE, linewidth=2)
        bar.set_label(f"bits (line: noise floor, {floor:.3f})")
    return figure


def plot_maps(maps: Sequence[Mapped], atom: str = "redundancy") -> Figure:
    """Heat maps of one atom, a panel for each layer.

    Parameters
    ----------
    maps : sequence of LayerMap
        The maps, in order.
    atom : str
        A name that ``LayerMap.matrix`` takes.

    Returns
    -------
    Figure
        The panels, three in a row; each has a color bar of its own.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (200, 4), generator=torch.Generator().manual_seed(0))
    >>> acts = pn.Activations({"fc1": x.float()}, x[:, 0] ^ x[:, 1], {"fc1": "none"})
    >>> figure = plot_maps([pn.layer_maps(pn.quantize(acts, 2), "i_min")["fc1"]])
    >>> figure.axes[0].get_title()
    'redundancy of fc1 (i_min)'
    """
    from pidnet.plots.figure import new_figure

    check_drawables(maps, Mapped, MAP)
    columns = min(COLUMNS, len(maps))
    rows = -(-len(maps) // columns)
    figure = new_figure((4.8 * columns, 4.1 * rows))
    panels: Any = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in panels[len(maps) :]:
        ax.remove()
    for layer_map, ax in zip(maps, panels, strict=False):
        plot_map(layer_map, atom, ax)
        ax.set_title(f"{atom} of {layer_map.layer} ({layer_map.measure})", fontsize=10)
    return figure


def _label_units(ax: Axes, order: np.ndarray, constant: int) -> None:
    """Numbers of the units at both sides, all of few or every so many of more."""
    few = len(order) <= NUMBERED
    ticks = np.arange(0, len(order), 1 if few else -(-len(order) // TICKS))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks(ticks, labels=order[ticks], fontsize=7)
    ax.tick_params(axis="x", rotation=0 if few else 90)
    left_out = f" ({constant} constant ones left out)" if constant else ""
    ax.set(xlabel=f"unit, clustered by redundancy{left_out}", ylabel="unit")
