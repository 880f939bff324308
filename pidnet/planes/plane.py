"""The information plane: what each layer tells about the input and about the label, as brackets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pidnet.estimators import Information
from pidnet.estimators.information import shown
from pidnet.files import Saved
from pidnet.optional import optional_module
from pidnet.planes._storage import finding_of, information_of, worded
from pidnet.planes.row_checks import Finding
from pidnet.plots import plot_plane
from pidnet.printing import Printed, table

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

QUANTITIES = ("I(X;T)", "I(X;T|Y)", "I(T;Y)")
NUMBERS = ("value", "low", "high", "error")
MOST_ROWS = 7


@dataclass(frozen=True, eq=False, repr=False)
class PlaneRow(Printed):
    """One layer on one part of the samples.

    Attributes
    ----------
    layer : str
        Its name.
    split : str
        "train" or "held out".
    how : str
        "channel", "upstream", "codes", "infinite" or "unknown": what the numbers rest on.
    information : Mapping
        Quantity -> Information: I(X;T), I(X;T|Y) and I(T;Y).

    Examples
    --------
    >>> import pidnet as pn
    >>> bits = {name: pn.Information(name, 1.0, 0.9, 1.1) for name in ("I(X;T)", "I(X;T|Y)", "I(T;Y)")}
    >>> pn.planes.PlaneRow("fc1", "train", "channel", bits)
    fc1 (train, channel)
    I(X;T) 1.00 [0.900, 1.10] bits, ok
    I(X;T|Y) 1.00 [0.900, 1.10] bits, ok
    I(T;Y) 1.00 [0.900, 1.10] bits, ok
    """

    layer: str
    split: str
    how: str
    information: Mapping[str, Information]

    def _lines(self) -> list[str]:
        return [f"{self.layer} ({self.split}, {self.how})", *(repr(self.information[q]) for q in QUANTITIES)]


@dataclass(frozen=True, eq=False, repr=False)
class Plane(Printed, Saved):
    """Layers in the information plane. ``information_plane`` makes it.

    Attributes
    ----------
    rows : tuple of PlaneRow
        One for each layer and split, in the order of the layers.
    findings : tuple of Finding
        What the checks see in it: sentences that belong to every conclusion.
    settings : Mapping
        What it was made with.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> x = torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
    >>> data = x[:200], (x[:200, 0] > 0).long()
    >>> net = pn.zoo.mlp(4, (3,), 2, variant="stochastic")
    >>> plane = pn.information_plane(net, data, held_out=(x[200:], (x[200:, 0] > 0).long()))
    >>> plane.layers
    ('fc1', 'head')
    """

    rows: tuple[PlaneRow, ...]
    findings: tuple[Finding, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers, in order."""
        return tuple(dict.fromkeys(row.layer for row in self.rows))

    @property
    def splits(self) -> tuple[str, ...]:
        """The parts of the samples."""
        return tuple(dict.fromkeys(row.split for row in self.rows))

    def of(self, layer: str, split: str | None = None) -> Mapping[str, Information]:
        """The information of one layer.

        Parameters
        ----------
        layer : str
            Its name.
        split : str, optional
            "train" or "held out"; the last there is by default.

        Returns
        -------
        Mapping
            Quantity -> Information.

        Raises
        ------
        KeyError
            For a layer or split that is not there.
        """
        for row in reversed(self.rows):
            if row.layer == layer and split in (None, row.split):
                return row.information
        raise KeyError(
            f"no {layer!r} on {split!r}; there are {', '.join(self.layers)} on {', '.join(self.splits)}"
        )

    def to_pandas(self) -> pandas.DataFrame:
        """One row for each layer, split and quantity; bits."""
        return optional_module("pandas").DataFrame(self.records())

    def records(self) -> list[dict[str, Any]]:
        """The rows as plain values.

        Returns
        -------
        list of dict
            One for each layer, split and quantity.
        """
        return [
            {
                "layer": row.layer,
                "split": row.split,
                "how": row.how,
                "quantity": quantity,
                **{name: getattr(found, name) for name in (*NUMBERS, "about", "state", "samples", "units")},
                "notes": "; ".join(found.notes),
            }
            for row in self.rows
            for quantity, found in row.information.items()
        ]

    def to_xarray(self) -> xarray.Dataset:
        """``value``, ``low``, ``high``, ``error`` and ``state`` over layer, split and quantity; bits."""
        frame = self.to_pandas().set_index(["layer", "split", "quantity"])
        found = frame[[*NUMBERS, "state"]].to_xarray()
        order = {"layer": list(self.layers), "split": list(self.splits), "quantity": list(QUANTITIES)}
        return found.reindex(order).assign_attrs(units="bits")

    def _stored(self) -> dict[str, Any]:
        return worded(self)

    @classmethod
    def _restored(cls, stored: dict[str, Any]) -> Plane:
        return _checked(stored)

    def plot(self, split: str | None = None, ax: Axes | None = None) -> Figure:
        """Draw the brackets; see ``pidnet.plots.plot_plane``.

        Parameters
        ----------
        split : str, optional
            "train" or "held out"; the last there is by default.
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Figure
            The figure drawn in.
        """
        return plot_plane([self], split=split, ax=ax)

    def __str__(self) -> str:
        lines = self._lines(len(self.rows))
        return "\n".join([*lines[: len(self.rows) + 1], *map(str, self.findings)])

    def brackets(self) -> list[dict[str, str]]:
        """One row for each layer and split, with the ends as text.

        Returns
        -------
        list of dict
            layer, split, how, a column for each quantity, and the state of I(X;T).
        """
        return [
            {
                "layer": row.layer,
                "split": row.split,
                "how": row.how,
                **{quantity: _bracket(row.information[quantity]) for quantity in QUANTITIES},
                "state": row.information["I(X;T)"].state,
            }
            for row in self.rows
        ]

    def _lines(self, most: int = MOST_ROWS) -> list[str]:
        return [*table(self.brackets(), most), *_first(self.findings)]


def _checked(stored: dict[str, Any]) -> Plane:
    """The plane of a file; ValueError for rows without all quantities."""
    rows = [
        PlaneRow(
            *(str(row[name]) for name in ("layer", "split", "how")),
            {quantity: information_of(row["information"][quantity]) for quantity in QUANTITIES},
        )
        for row in stored["rows"]
    ]
    return Plane(tuple(rows), tuple(map(finding_of, stored["findings"])), dict(stored["settings"].items()))


def _bracket(found: Information) -> str:
    """The ends in bits; one word where both are infinite."""
    return "infinite" if found.low == math.inf else f"[{shown(found.low)}, {shown(found.high)}]"


def _first(findings: Sequence[Finding]) -> list[str]:
    """The first findings; their repr is short."""
    hidden = len(findings) - 2
    lines = [line for finding in findings[:2] for line in repr(finding).splitlines()]
    return [*lines, *([f"... and {hidden} more findings"] if hidden > 0 else [])]
