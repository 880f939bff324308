"""The codes of one layer, with what is known about its units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from pidnet.codes._fitting import where
from pidnet.codes._stored import StoredValues
from pidnet.printing import Printed, number

ROWS_AT_ONCE = 4096


@dataclass(frozen=True, eq=False, repr=False)
class LayerCodes(Printed):
    """The codes of one layer, with what is known about its units.

    Attributes
    ----------
    values : Tensor or StoredValues
        uint8 (sample, unit), each below the number of levels. Where they lie on disk, ``values[:, units]``,
        ``values[rows]`` and ``values.numpy()`` read so much of them.
    edges : Tensor or None
        float32 (unit, levels - 1), where the levels of each unit end; of vector units the cell centers (unit,
        levels, dim). None where the codes were not made from activations.
    constant : list of int
        Units with a single code: they carry no information.
    collapsed : list of int
        Units that use fewer levels than asked, because their values tie.
    exact : list of int
        Units with at most ``levels`` distinct values; their codes are lossless.
    alphabet : str
        What a code means where it is not an interval of one unit, such as "4 cells of 3 dimensions".
    first : int or None
        Where set, only pairs of one of the first so many units with a later one are looked at: a tile of a layer.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.Codes.of({"layer": [[0, 1], [1, 1], [2, 1]]}, [0, 1, 1]).layer("layer")
    LayerCodes: 2 units (1 constant, 0 collapsed, 1 exact), 3 samples
    """

    values: Tensor | StoredValues
    edges: Tensor | None = None
    constant: list[int] = field(default_factory=list)
    collapsed: list[int] = field(default_factory=list)
    exact: list[int] = field(default_factory=list)
    alphabet: str = ""
    first: int | None = None

    @classmethod
    def of(
        cls,
        values: Tensor | StoredValues,
        levels: int,
        *,
        exact: Sequence[int] = (),
        edges: Tensor | None = None,
        alphabet: str = "",
    ) -> LayerCodes:
        """Make the codes of a layer, with their constant and collapsed units found.

        Parameters
        ----------
        values : Tensor or StoredValues
            uint8 (sample, unit).
        levels : int
            How many levels a unit has at most.
        exact : sequence of int, optional
            Units whose codes are lossless, which are not called collapsed.
        edges, alphabet
            As in the class.

        Returns
        -------
        LayerCodes
            The codes with what is known about their units.
        """
        used = _used_levels(values, levels)
        few = sorted({*where((used > 1) & (used < levels))} - {*exact})
        return cls(values, edges, where(used == 1), few, [*exact], alphabet)

    @property
    def units(self) -> np.ndarray:
        """All units, int (unit,)."""
        return np.arange(self.values.shape[1])

    @property
    def varying(self) -> np.ndarray:
        """The units that are not constant, int (unit,)."""
        return np.setdiff1d(self.units, self.constant)

    @property
    def pairs(self) -> np.ndarray:
        """All pairs i < j of units that vary, int (pair, 2), in the order of the tables and of every map."""
        varying = self.varying
        if self.first is None:
            return varying[np.stack(np.triu_indices(len(varying), 1), 1)]
        before, after = varying[varying < self.first], varying[varying >= self.first]
        return np.stack([np.repeat(before, len(after)), np.tile(after, len(before))], 1)

    def take(self, samples: np.ndarray) -> LayerCodes:
        """Take some of the samples. Constant units stay those of all samples, so that the pairs stay the same.

        Parameters
        ----------
        samples : ndarray
            int (row,), in the order wanted.

        Returns
        -------
        LayerCodes
            The same units on these samples.
        """
        return replace(self, values=self.values[torch.from_numpy(samples)])

    def take_units(self, units: np.ndarray) -> LayerCodes:
        """Take some of the units.

        Parameters
        ----------
        units : ndarray
            int (unit,), in the order wanted.

        Returns
        -------
        LayerCodes
            These units with their edges; named units are numbered anew.
        """
        index = torch.from_numpy(np.asarray(units, dtype=np.int64))
        return replace(
            self,
            values=_columns(self.values, index),
            edges=None if self.edges is None else self.edges[index],
            first=None,
            **{
                name: np.flatnonzero(np.isin(units, getattr(self, name))).tolist()
                for name in ("constant", "collapsed", "exact")
            },
        )

    def _lines(self) -> list[str]:
        parts = ", ".join(f"{len(getattr(self, name))} {name}" for name in ("constant", "collapsed", "exact"))
        samples, units = self.values.shape
        first = f"LayerCodes: {number(units)} units ({parts}), {number(samples)} samples"
        return [first, *([f"codes are {self.alphabet}"] if self.alphabet else [])]


def _columns(values: Tensor | StoredValues, units: Tensor) -> Tensor:
    """The codes of some units; where those of a unit lie together they are copied so."""
    if isinstance(values, Tensor) and values.T.is_contiguous():
        return values.T[units].T
    return values[:, units]


def _used_levels(values: Tensor | StoredValues, levels: int) -> Tensor:
    """Number of levels each unit uses, int (unit,)."""
    used = torch.zeros(levels, values.shape[1], dtype=torch.bool)
    for chunk in values.split(
        ROWS_AT_ONCE
    ):  # the comparisons of all rows would take as much memory as the codes
        for level in range(levels):
            used[level] |= (chunk == level).any(0)
    return used.sum(0)
