"""How the class means of a layer stand to one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from pidnet.plots._drawable import check_drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TICKS = 20


class Collapsed(Protocol):
    """What is drawn of a ``Collapse``."""

    @property
    def cosines(self) -> np.ndarray: ...
    @property
    def labels(self) -> np.ndarray: ...
    @property
    def cdnv(self) -> float: ...


def plot_collapse(collapse: Collapsed, ax: Axes | None = None) -> Figure:
    """Draw the cosines between class means about their mean, less that of a simplex.

    Parameters
    ----------
    collapse : Collapse
        What ``neural_collapse`` returned.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        White where two classes stand as in a simplex, red where they are nearer, blue where they are opposite.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> found = pn.neural_collapse(torch.eye(3).repeat(4, 1), torch.arange(3).repeat(4))
    >>> plot_collapse(found).axes[0].get_title()
    'class means, CDNV 0'
    """
    from pidnet.plots.figure import given_or_new

    check_drawable(collapse, Collapsed, "a Collapse, from neural_collapse")
    figure, ax = given_or_new(ax, (4.4, 3.6))
    off = collapse.cosines + 1 / (len(collapse.labels) - 1)
    np.fill_diagonal(off, np.nan)
    largest = max(float(np.nanmax(np.abs(off))), 1e-3)
    picture = ax.imshow(off, cmap="RdBu_r", vmin=-largest, vmax=largest)
    figure.colorbar(picture, ax=ax, label="cosine less -1 / (C - 1)")
    places = np.arange(0, len(off), max(1, len(off) // TICKS))
    ax.set_xticks(places, collapse.labels[places])
    ax.set_yticks(places, collapse.labels[places])
    ax.set(xlabel="class", ylabel="class", title=f"class means, CDNV {collapse.cdnv:.3g}")
    return figure
