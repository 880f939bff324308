"""What a training that narrows has spent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

from pidnet.plots._drawable import check_drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Narrowing(Protocol):
    """What is drawn of a ``Narrowed``."""

    @property
    def phases(self) -> Sequence[Any]: ...
    @property
    def samples(self) -> int: ...
    @property
    def epochs(self) -> int: ...
    @property
    def dense_macs(self) -> float: ...


def plot_narrowing(narrowed: Narrowing, ax: Axes | None = None) -> Figure:
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

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> data = torch.randn(80, 4, generator=torch.Generator().manual_seed(0)), torch.arange(80) % 3
    >>> narrowed = pn.training.train_narrowing(pn.zoo.mlp(4, (64,), 3), data, 0.25, epochs=4, criterion="l2")
    >>> len(pn.plots.plot_narrowing(narrowed).axes[0].lines)
    2
    """
    from pidnet.plots.figure import given_or_new

    check_drawable(narrowed, Narrowing, "a Narrowed, from train_narrowing")
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
