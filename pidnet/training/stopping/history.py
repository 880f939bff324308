"""What was seen of a training, epoch by epoch: the record that stopping rules read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pidnet.files import Saved
from pidnet.optional import optional_module
from pidnet.plots import plot_history
from pidnet.printing import Printed, counted, listed, table

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_ROWS = 9


@dataclass(frozen=True, eq=False, repr=False)
class History(Printed, Saved):
    """Columns of numbers over the epochs of a training. ``Stopper`` makes it.

    Attributes
    ----------
    epochs : tuple of int
        The epochs that were recorded, ascending.
    columns : dict of str to ndarray, (epoch,)
        "loss" (nats) and "changes" (share of predictions that are others than at the record before; nan in the first)
        on training samples, "disparity" and "evidence" of gradients, "unexplained" (share of what a layer tells the
        next that a tenth of its units cannot), "redundancy" and "synergy" (shares of the information of pairs),
        "held_out_loss" (nats), "test_accuracy" (0 to 1).
    seconds : dict of str to ndarray, (epoch,)
        Processor time: "training" since the record before, and each measurement by the columns that it gives, such as
        "loss, changes".

    Raises
    ------
    ValueError
        For columns of another length than the epochs, or epochs that do not ascend.

    Examples
    --------
    >>> import pidnet as pn
    >>> history = pn.training.History((1, 2, 3), {"loss": [2.0, 1.0, 0.9]})
    >>> history.column("loss")
    array([2. , 1. , 0.9])
    """

    epochs: tuple[int, ...]
    columns: dict[str, np.ndarray]
    seconds: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        epochs = tuple(map(int, self.epochs))
        if list(epochs) != sorted(set(epochs)):
            raise ValueError(f"epochs={list(epochs)}; expected each once, ascending")
        object.__setattr__(self, "epochs", epochs)
        for part in ("columns", "seconds"):
            found = {name: np.array(values, float) for name, values in getattr(self, part).items()}
            for name, values in found.items():
                if values.shape != (len(epochs),):
                    raise ValueError(
                        f"{part}: {name!r} has the shape {values.shape}; expected one number for each of "
                        f"{counted(len(epochs), 'epoch')}"
                    )
            object.__setattr__(self, part, found)

    def __len__(self) -> int:
        return len(self.epochs)

    def column(self, name: str) -> np.ndarray:
        """One column.

        Parameters
        ----------
        name : str
            Such as "loss".

        Returns
        -------
        ndarray, (epoch,)
            Its values.

        Raises
        ------
        ValueError
            Where it was not recorded.
        """
        if name not in self.columns:
            raise ValueError(
                f"the history has no column {name!r}, it has {listed(self.columns) or 'none'}; record it with "
                "watch= (held_out_loss with held_out=, test_accuracy with test=)"
            )
        return self.columns[name]

    def first(self, records: int) -> History:
        """The history as it was after so many records.

        Parameters
        ----------
        records : int
            How many.

        Returns
        -------
        History
            The shorter one.
        """
        columns, seconds = (
            {name: values[:records] for name, values in part.items()} for part in (self.columns, self.seconds)
        )
        return History(self.epochs[:records], columns, seconds)

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each record: its epoch as ``step``, and the columns."""
        return optional_module("pandas").DataFrame({"step": self.epochs, **self.columns})

    def plot(self, ax: Sequence[Axes] | None = None) -> Figure:
        """Draw every column over the epochs; see ``pidnet.plots.plot_history``.

        Parameters
        ----------
        ax : sequence of Axes, optional
            Where to draw, one for each column.

        Returns
        -------
        Figure
            The figure drawn in.
        """
        return plot_history(self, ax)

    def _lines(self) -> list[str]:
        rows = [
            {"epoch": epoch, **{name: float(values[k]) for name, values in self.columns.items()}}
            for k, epoch in enumerate(self.epochs)
        ]
        return [f"History of {counted(len(self), 'record')}", *table(rows, MOST_ROWS)]
