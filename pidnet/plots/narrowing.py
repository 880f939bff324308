"""What a training that narrows has spent."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_narrowing(narrowed: Any, ax: Axes | None = None) -> Figure:
    """Multiply-accumulates spent by epoch, as a share of what the dense network takes, with the cuts marked.

    Parameters
    ----------
    narrowed : Narrowed
        With ``phases``.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        Two lines: this training and the dense one.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> data = torch.randn(80, 4, generator=torch.Generator().manual_seed(0)), torch.arange(80) % 3
    >>> narrowed = pn.training.train_narrowing(pn.zoo.mlp(4, (64,), 3), data, 0.25, epochs=4, criterion="l2")
    >>> len(pn.plots.plot_narrowing(narrowed).axes[0].lines)
    2
    """
    from pidnet.plots.figure import given_or_new

    figure, ax = given_or_new(ax, (5.2, 3.4))
    ends, spent = [0], [0.0]
    for phase in narrowed.phases:
        ends += [ends[-1], ends[-1] + phase.epochs]
        spent += [phase.cutting_macs, phase.macs(narrowed.samples) - phase.cutting_macs]
    shares = [macs / narrowed.dense_macs for macs in accumulate(spent)]
    ax.plot([0, narrowed.epochs], [0, 1], ":", color="0.5", label="dense")
    ax.plot(ends, shares, color="#0072B2", label="narrowing")
    ax.set_xlabel("epoch")
    ax.set_ylabel("MACs of training / dense")
    ax.legend(frameon=False)
    return figure
