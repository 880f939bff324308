"""Noise before the layer as well: p(t|x) is a mixture over draws of that noise, known by sampling."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor

from pidnet.channels.channel import DensityChannel


class Upstream(DensityChannel):
    """T given x_j, when what the layer gets is random too: one channel for each of several draws of its input.

    Parameters
    ----------
    paths : DensityChannel
        Of draws * n inputs: those of the first draw, of the second, and so on. T is drawn from the first.
    draws : int
        How many, at least 2.
    groups : Tensor, optional
        (sample,) whole numbers: inputs of the same number share their draws, as those of a batch share weights that
        are drawn once. By default each input has its own.

    Raises
    ------
    ValueError
        For fewer draws, inputs that are not a multiple of them, or groups that do not fit.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.channels.Upstream(pn.channels.Normal(torch.randn(20, 3), 0.1), draws=4)
    Upstream channel: 5 inputs, 3 units
    """

    def __init__(self, paths: DensityChannel, draws: int, groups: Tensor | None = None) -> None:
        if draws < 2 or len(paths) % draws:
            raise ValueError(
                f"{draws} draws for {len(paths)} paths; expected at least 2, equally many for each input"
            )
        if groups is not None and groups.shape != (len(paths) // draws,):
            raise ValueError(
                f"groups has shape {tuple(groups.shape)}; expected one number for each of the {len(paths) // draws} inputs"
            )
        self.paths, self.draws, self.groups = paths, draws, groups
        self.parameters = paths.parameters[: len(paths) // draws]

    def _taken(self, rows: Tensor) -> Self:
        every = torch.cat([rows + draw * len(self) for draw in range(self.draws)])
        groups = None if self.groups is None else self.groups[rows]
        return type(self)(self.paths.take(every), self.draws, groups)

    def _joined(self, others: list[Self]) -> Self:
        every = [self, *others]
        if {channel.draws for channel in every} != {self.draws} or any(c.groups is not None for c in every):
            raise ValueError("channels with unequal numbers of draws upstream, or groups, cannot be joined")
        first, *rest = (channel._path(draw) for draw in range(self.draws) for channel in every)
        return type(self)(first.join(rest), self.draws)

    def _path(self, draw: int) -> DensityChannel:
        """The channel of all inputs in one draw."""
        begin = draw * len(self)
        return self.paths.take(torch.arange(begin, begin + len(self), device=self.parameters.device))

    def _selected(self, units: Tensor) -> Self:
        return type(self)(self.paths.select(units), self.draws, self.groups)

    def _drawn(self, generator: torch.Generator | None) -> Tensor:
        return self._path(0).sample(generator)

    def _log_density(self, t: Tensor) -> Tensor:
        return torch.logsumexp(self.by_draw(t), 1) - math.log(self.draws)

    def by_draw(self, t: Tensor) -> Tensor:
        """How likely each t is given each input and each draw of what the layer gets.

        Parameters
        ----------
        t : Tensor
            float64 (row, unit).

        Returns
        -------
        Tensor
            (row, draw, sample), in nats, up to a term that depends on t_i alone.
        """
        return self.paths.log_density(t).unflatten(1, (self.draws, len(self)))

    def _ceiling(self) -> Tensor | None:
        """By data processing, that of the layer about what it gets."""
        found = self.paths.ceiling()
        return None if found is None else found.unflatten(0, (self.draws, len(self))).mean(0)
