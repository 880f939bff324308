"""What was recorded of a training: by a stopper, and by a penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pidnet.plots._drawable import check_drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Recorded(Protocol):
    """What is drawn of a ``History``."""

    @property
    def epochs(self) -> Sequence[int]: ...
    @property
    def columns(self) -> Mapping[str, np.ndarray]: ...


def plot_history(history: Recorded, ax: Sequence[Axes] | None = None) -> Figure:
    """Draw what was recorded of a training: a panel for each column, over the epochs.

    Parameters
    ----------
    history : History
        What a ``Stopper`` recorded.
    ax : sequence of Axes, optional
        Where to draw, one for each column.

    Returns
    -------
    Figure
        The epoch with the largest test accuracy is marked in each panel, where it was recorded.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.
    ValueError
        For a history without columns.

    Examples
    --------
    >>> import pidnet as pn
    >>> history = pn.training.History((1, 2), {"loss": [2, 1], "test_accuracy": [0.5, 0.7]})
    >>> [axes.get_title() for axes in pn.plots.plot_history(history).axes]
    ['loss', 'test_accuracy']
    """
    from pidnet.plots.figure import new_figure

    check_drawable(history, Recorded, "a History, from a Stopper")
    if not history.columns:
        raise ValueError("the history has no columns; record a training with a rule first")
    panels: Any = ax
    if ax is None:
        size = 2.4 * len(history.columns), 2.4
        panels = new_figure(size).subplots(1, len(history.columns), squeeze=False)[0]
    best = history.columns.get("test_accuracy")
    for panel, (name, values) in zip(panels, history.columns.items(), strict=True):
        panel.plot(history.epochs, values, linewidth=1.2)
        if best is not None:
            panel.axvline(history.epochs[int(np.argmax(best))], color="0.6", linewidth=0.8, linestyle=":")
        panel.set(title=name, xlabel="epoch")
    return panels[0].figure


class Penalized(Protocol):
    """What is drawn of a ``Foldable``."""

    @property
    def history(self) -> Sequence[Mapping[str, Any]]: ...


def plot_unexplained(penalty: Penalized, ax: Axes | None = None) -> Figure:
    """Draw what the units that stay could not say, over the training: a line for each layer and share of units.

    Parameters
    ----------
    penalty : Foldable
        After a training, with its ``history``.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        The figure drawn in.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.
    ValueError
        For a penalty that has not made a plan yet.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> with pn.training.Foldable(net, keep=(0.25,), weight=1.0) as penalty:
    ...     _ = pn.training.train(net, *data, epochs=3, penalty=penalty)
    >>> [line.get_label() for line in pn.plots.plot_unexplained(penalty).axes[0].lines]
    ['fc1, 25% stay']
    """
    from pidnet.plots.figure import given_or_new

    check_drawable(penalty, Penalized, "a Foldable penalty after a training")
    if not penalty.history:
        raise ValueError("the penalty has made no plan yet; train with it first")
    figure, ax = given_or_new(ax, (5.2, 3.4))
    for layer, keep in dict.fromkeys((row["layer"], row["keep"]) for row in penalty.history):
        own = [row for row in penalty.history if (row["layer"], row["keep"]) == (layer, keep)]
        progress, unsaid = ([row[name] for row in own] for name in ("progress", "unsaid"))
        ax.plot(progress, unsaid, "o-", markersize=3, linewidth=1.2, label=f"{layer}, {keep:.0%} stay")
    ax.set(xlabel="share of the training", ylabel="share of the message unsaid", ylim=(0, None))
    ax.legend(frameon=False, fontsize=8)
    return figure
