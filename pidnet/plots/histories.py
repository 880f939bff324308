"""What was recorded of a training, for stopping rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

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
