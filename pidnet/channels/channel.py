"""What all channels have in common, and the checks of what they are made from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from pidnet.printing import Printed


class Channel(ABC, Printed):
    """What T can be for each of n inputs. A row of ``parameters`` belongs to one input.

    Attributes
    ----------
    parameters : Tensor
        (sample, unit), what the distribution of each unit given each input hangs on.
    notes : tuple of str
        Sentences that belong to every number made from it.
    whole_units : int
        Units of the layer, where the channel is that of a part of them; 0 otherwise.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> channel = pn.channels.Normal(torch.zeros(3, 2), torch.ones(3, 2))
    >>> len(channel), channel.units, len(channel.take(torch.tensor([0, 2])))
    (3, 2, 2)
    """

    parameters: Tensor
    notes: tuple[str, ...] = ()
    whole_units: int = 0

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def units(self) -> int:
        """Number of units of T."""
        return self.parameters.shape[1]

    def take(self, rows: Tensor) -> Self:
        """The channel of some of the inputs, in the given order.

        Parameters
        ----------
        rows : Tensor
            Indices of the inputs.

        Returns
        -------
        Channel
            Of the same kind.
        """
        return self._like(self._taken(rows))

    def join(self, others: Sequence[Self]) -> Self:
        """The channel of these inputs and of those of others of the same kind.

        Parameters
        ----------
        others : sequence of Channel
            Of other inputs.

        Returns
        -------
        Channel
            Of the same kind.
        """
        return self._like(self._joined(list(others))) if others else self

    def _like(self, other: Self) -> Self:
        other.notes, other.whole_units = self.notes, self.whole_units
        return other

    @abstractmethod
    def _taken(self, rows: Tensor) -> Self: ...

    @abstractmethod
    def _joined(self, others: list[Self]) -> Self: ...

    def _lines(self) -> list[str]:
        return [f"{type(self).__name__} channel: {len(self):,} inputs, {self.units:,} units"]


class DensityChannel(Channel):
    """A channel whose density, or probability where T is discrete, can be evaluated and drawn from.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> channel = pn.channels.Normal(torch.zeros(3, 2), torch.ones(3, 2))
    >>> channel.log_density(channel.sample()).shape
    torch.Size([3, 3])
    """

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """One draw of T for each input.

        Parameters
        ----------
        generator : torch.Generator, optional
            On the device of the channel; torch's own by default.

        Returns
        -------
        Tensor
            float64 (sample, unit).
        """
        return self._drawn(generator)

    def log_density(self, t: Tensor) -> Tensor:
        """How likely each t is given each input.

        Parameters
        ----------
        t : Tensor
            float64 (row, unit), as ``sample`` gives it.

        Returns
        -------
        Tensor
            (row, sample): log p(t_i | x_j) in nats, up to a term that depends on t_i alone.
        """
        return self._log_density(t)

    def select(self, units: Tensor) -> Self:
        """The channel of some of the units.

        Parameters
        ----------
        units : Tensor
            Their indices.

        Returns
        -------
        DensityChannel
            Of the same kind and inputs, which carries at most as much information.
        """
        return self._selected(units)

    def ceiling(self) -> Tensor | None:
        """An upper bound of I(X;T) over the population that no number of samples caps.

        Returns
        -------
        Tensor or None
            (sample,), nats: terms whose mean is the bound. None where there is none, or too few samples for it.
        """
        return self._ceiling()

    @abstractmethod
    def _selected(self, units: Tensor) -> Self: ...

    @abstractmethod
    def _drawn(self, generator: torch.Generator | None) -> Tensor: ...

    @abstractmethod
    def _log_density(self, t: Tensor) -> Tensor: ...

    def _ceiling(self) -> Tensor | None:
        return None


def checked_matrix(name: str, values: Tensor) -> Tensor:
    """Values as float64 (sample, unit), further axes flattened; ValueError for what is not finite or has no units."""
    if not isinstance(values, Tensor) or values.ndim < 2 or 0 in values.shape:
        found = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"{name} is {found}; expected a tensor of shape (sample, unit)")
    matrix = values.detach().double().flatten(1)
    if not matrix.isfinite().all():
        row, unit = (int(i) for i in (~matrix.isfinite()).nonzero()[0])
        raise ValueError(f"{name} of unit {unit} at sample {row} is not finite; check weights and inputs")
    return matrix
