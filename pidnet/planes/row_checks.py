"""Traps that the rows of a plane show by themselves, each as a check with a name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from pidnet.estimators import Information
from pidnet.printing import Printed, wrapped


@dataclass(frozen=True, eq=False, repr=False)
class Finding(Printed):
    """What one check saw.

    Attributes
    ----------
    check : str
        Its name.
    where : str
        The layer and the split, or what else it is about.
    sentence : str
        What is wrong, and what can be said all the same.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.planes.Finding("samples", "fc1 (train)", "too few samples")
    samples, fc1 (train): too few samples
    """

    check: str
    where: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.check}, {self.where}: {self.sentence}"

    def _lines(self) -> list[str]:
        return wrapped(str(self))


class Row(Protocol):
    """What is read of a ``PlaneRow``."""

    @property
    def layer(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def how(self) -> str: ...
    @property
    def information(self) -> Mapping[str, Information]: ...


def check_plane(rows: Sequence[Row], *, chain: bool = False) -> tuple[Finding, ...]:
    """All checks that need nothing but the rows of a plane.

    Parameters
    ----------
    rows : sequence of PlaneRow
        ``Plane.rows``.
    chain : bool
        Whether each layer reads nothing but the one before it, so that data processing holds.

    Returns
    -------
    tuple of Finding
        Empty where nothing was seen.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
    >>> plane = pn.information_plane(pn.zoo.mlp(4, (3,), 2), (x, torch.arange(100) % 2), layers=["fc1"])
    >>> [finding.check for finding in pn.planes.check_plane(plane.rows)]
    ['determinism', 'in-sample labels']
    """
    found = [finding for check in ROW_CHECKS for finding in check(rows)]
    return tuple(found + (data_processing(rows) if chain else []))


def determinism(rows: Iterable[Row]) -> list[Finding]:
    """Layers without noise whose I(X;T) is infinite for continuous inputs."""
    sentence = "a function of the input without noise: I(X;T) is infinite, and any finite number is that of an estimator"
    return _once("determinism", sentence, [row for row in rows if row.how == "infinite"])


def saturation(rows: Iterable[Row]) -> list[Finding]:
    """Layers of which the samples only give the ends."""
    sentence = "I(X;T) is at the limit of the samples: compare ends, not values"
    wide = [
        row
        for row in rows
        if row.information["I(X;T)"].state == "saturated" and row.how in ("channel", "codes")
    ]
    return _once("saturation", sentence, wide)


def nested_draws(rows: Iterable[Row]) -> list[Finding]:
    """Layers with noise before them whose ends the draws leave apart."""
    sentence = "too few draws of the noise upstream: the ends are apart; take more (upstream)"
    wide = [row for row in rows if row.how == "upstream" and row.information["I(X;T)"].state == "saturated"]
    return _once("nested draws", sentence, wide)


def in_sample_labels(rows: Iterable[Row]) -> list[Finding]:
    """I(T;Y) of samples whose labels the network has seen, without held-out samples beside it, or well above them."""
    rows = list(rows)
    held_out = {row.layer: row.information["I(T;Y)"] for row in rows if row.split == "held out"}
    train = [row for row in rows if row.split == "train"]
    if not held_out:
        return _once(
            "in-sample labels",
            "I(T;Y) of the training samples alone tells nothing: give held-out samples",
            train,
        )
    above = [row for row in train if row.information["I(T;Y)"].low > held_out[row.layer].high]
    sentence = (
        "I(T;Y) of the training samples is above that of held-out ones: it is what the network remembers"
    )
    return _once("in-sample labels", sentence, above)


def data_processing(rows: Iterable[Row]) -> list[Finding]:
    """A later layer that surely has more information than an earlier one of the same chain."""
    rows, found = list(rows), []
    for split in dict.fromkeys(row.split for row in rows):
        for before, after in pairwise(row for row in rows if row.split == split):
            first, second = (row.information["I(X;T)"] for row in (before, after))
            if math.isfinite(first.high) and second.state != "infinite" and first.surely_below(second):
                sentence = f"more information than {before.layer} before it, which data processing rules out"
                found.append(Finding("data processing", f"{after.layer} ({split})", sentence))
    return found


ROW_CHECKS = (determinism, saturation, nested_draws, in_sample_labels)


def _once(check: str, sentence: str, rows: Sequence[Row]) -> list[Finding]:
    """One finding for all rows that it is true of."""
    if not rows:
        return []
    layers = ", ".join(dict.fromkeys(row.layer for row in rows))
    splits = " and ".join(dict.fromkeys(row.split for row in rows))
    return [Finding(check, f"{layers} ({splits})", sentence)]
