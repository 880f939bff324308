"""What every penalty is: a term that is added to the loss after a forward pass, and what it costs."""

from __future__ import annotations

from functools import cached_property
from types import TracebackType
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from pidnet.energy.counting import count
from pidnet.networks.naming import Layers
from pidnet.printing import Printed
from pidnet.training.penalties._guard import Guard
from pidnet.training.penalties._watching import Watch

START = 0.1


class Penalty(Printed):
    """A term of the loss of a network that shall be cut later: the base of all of ``PENALTIES``.

    Call it after each forward pass with the share of the training that is done, and add what it gives to the loss; or
    give it to ``train`` as ``penalty=``. It looks at the network by hooks, until ``close`` or the end of a ``with``
    block. Its strength grows from 0 at a tenth of the training to ``weight`` at the end. A penalty of your own derives
    from this class and defines ``term``.

    Parameters
    ----------
    model : torch.nn.Module
        The network that is trained. Which units can be cut is found at its first forward pass.
    weight : float, optional
        Strength at the end of the training; ``usual_weight`` of the class by default.
    every : int
        Steps between two terms; each counts as many times as much.
    layers : sequence of str or Module, optional
        Layers whose units shall be cut later; all that can be by default.

    Raises
    ------
    ValueError
        For a weight below 0 or fewer than 1 step; at the first pass, where no unit of the network can be cut.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> class Small(pn.training.Penalty):
    ...     def term(self, progress):
    ...         return sum(p.square().sum() for p in self.model.parameters())
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> with Small(net, weight=0.1) as penalty:
    ...     _ = net(torch.randn(32, 8))
    ...     term = penalty(progress=0.5)
    >>> bool(term > 0), penalty.overhead
    (True, 0.0)
    """

    usual_weight: ClassVar[float] = 1.0
    is_share: ClassVar[bool] = False

    def __init__(
        self,
        model: nn.Module,
        *,
        weight: float | None = None,
        every: int = 1,
        layers: Layers = None,
    ) -> None:
        weight = self.usual_weight if weight is None else weight
        if not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
            raise ValueError(f"weight={weight!r}; expected a number of 0 or more")
        if not isinstance(every, int) or every < 1:
            raise ValueError(f"every={every!r}; expected a whole number of steps, at least 1")
        self.weight, self.every, self.macs = weight, every, 0
        self.watch = Watch(model, layers)
        self.step = -1
        self._guard = Guard()
        self._generator = torch.Generator().manual_seed(0)

    def _lines(self) -> list[str]:
        asked = f"asked at every {self.every} steps" if self.every > 1 else "asked at every step"
        return [f"{type(self).__name__}: weight {self.weight:g}, {asked}"]

    def __call__(self, progress: float) -> Tensor:
        """The term to add to the loss of the latest forward pass.

        Parameters
        ----------
        progress : float
            Share of the training that is done, from 0 to 1.

        Returns
        -------
        Tensor
            Scalar, with a gradient where the penalty is asked at this step.

        Raises
        ------
        RuntimeError
            Without a forward pass since the last call.
        ValueError
            For a progress outside [0, 1].
        """
        if not 0 <= progress <= 1:
            raise ValueError(
                f"progress={progress!r}; expected the share of the training that is done, from 0 to 1"
            )
        scores, strength = self.watch.scores(), self.weight * max(0.0, (progress - START) / (1 - START))
        self.step += 1
        remedy = f"lower weight={self.weight:g}"
        if strength:
            self._guard.see(scores, remedy)
        self.observe(progress)
        found = scores.new_zeros(())
        if strength and self.step % self.every == 0:
            found = strength * self.every * self.term(progress)
            if self.is_share:
                self._guard.pay(float(found.detach()) / self.every, progress, remedy)
        self.watch.forget()
        return found

    def observe(self, progress: float) -> None:
        """Look at the pass at every step, before the term is asked for; nothing by default.

        Parameters
        ----------
        progress : float
            Share of the training that is done.
        """

    def term(self, progress: float) -> Tensor:
        """The term at strength 1.

        Parameters
        ----------
        progress : float
            Share of the training that is done.

        Returns
        -------
        Tensor
            Scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} has no term(progress)")

    @property
    def model(self) -> nn.Module:
        """The network that is trained."""
        return self.watch.model

    @property
    def left_out(self) -> dict[str, str]:
        """Layer -> why nothing is asked of its units."""
        return dict(self.watch.left_out)

    @cached_property
    def pass_macs(self) -> int:
        """Multiply-accumulates of one sample's forward pass. Raises RuntimeError before the first one."""
        if self.watch.example is None:
            raise RuntimeError("the model has not run yet; what a pass costs is known after the first one")
        with self.watch.paused():
            return count(self.model, self.watch.example).macs

    @property
    def overhead(self) -> float:
        """Multiply-accumulates of the penalty, ``macs``, as a share of the training's so far.

        The training's are three forward passes a sample.
        """
        return self.macs / (3 * self.pass_macs * self.watch.samples) if self.watch.samples else 0.0

    def close(self) -> None:
        """Take the hooks off the network."""
        self.watch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
