"""What a training that cut on the way has made, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from pidnet.energy import Compared, Counts, modelled_energy, total
from pidnet.plots import plot_narrowing
from pidnet.printing import Printed, counted, table
from pidnet.pruning import PruningPlan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# A backward pass takes about two forward passes.
PASSES = 3


@dataclass(frozen=True, eq=False, repr=False)
class Phase(Printed):
    """Some epochs with the same units.

    Attributes
    ----------
    epochs : int
        How many.
    counts : Counts
        What a forward pass of one sample takes.
    cutting_macs : int
        MACs of the plan and the repair before it; 0 in the dense phase.
    penalty_macs : int
        MACs of a penalty while it was trained.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> pn.training.Phase(3, pn.energy.count(pn.zoo.mlp(8, (4,), 2), torch.zeros(1, 8)), 0)
    Phase of 3 epochs with 40 MACs per sample
    """

    epochs: int
    counts: Counts
    cutting_macs: int
    penalty_macs: int = 0

    @property
    def extra_macs(self) -> int:
        """MACs of all that is not a pass of training: plan, repair and penalty."""
        return self.cutting_macs + self.penalty_macs

    def macs(self, samples: int) -> int:
        """MACs of its training, plan, repair and penalty.

        Parameters
        ----------
        samples : int
            Of an epoch.

        Returns
        -------
        int
            Forward and backward passes count as three forward passes.
        """
        return PASSES * samples * self.epochs * self.counts.macs + self.extra_macs

    def _lines(self) -> list[str]:
        return [f"Phase of {counted(self.epochs, 'epoch')} with {self.counts.macs:,} MACs per sample"]


@dataclass(frozen=True, eq=False, repr=False)
class Narrowed(Printed):
    """A small network, and what its training took.

    Attributes
    ----------
    model : torch.nn.Module
        The small network, in eval mode.
    plans : tuple of PruningPlan
        One a cut, each with the units that stay by their numbers in the dense network.
    phases : tuple of Phase
        The dense one first.
    samples : int
        Of an epoch.
    epochs : int
        Of the training of the dense network that it is compared with.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> data = torch.randn(80, 4, generator=torch.Generator().manual_seed(0)), torch.arange(80) % 3
    >>> narrowed = pn.training.train_narrowing(pn.zoo.mlp(4, (64,), 3), data, 0.25, epochs=4, criterion="l2")
    >>> narrowed.plans[-1].widths
    {'fc1': 16}
    """

    model: nn.Module
    plans: tuple[PruningPlan, ...]
    phases: tuple[Phase, ...]
    samples: int
    epochs: int

    @property
    def training_macs(self) -> int:
        """Multiply-accumulates of the whole training, plans, repairs and penalties included."""
        return sum(phase.macs(self.samples) for phase in self.phases)

    @property
    def dense_macs(self) -> int:
        """What training the dense network to the end takes."""
        return PASSES * self.samples * self.epochs * self.phases[0].counts.macs

    @property
    def macs(self) -> Compared:
        """Both, as (dense, small); ``macs.kept`` is the share that was needed."""
        return Compared(self.dense_macs, self.training_macs)

    def joules(self, where: str = "sram") -> Compared:
        """Modelled joules of the training; a MAC of a plan, a repair or a penalty costs what one of the dense network does.

        Parameters
        ----------
        where : str
            "sram" or "dram": where every word is.

        Returns
        -------
        Compared
            Of training the dense network to the end, and of this training.
        """
        if where not in ("sram", "dram"):
            raise ValueError(f"where={where!r}; expected 'sram' or 'dram'")
        one = [getattr(total(modelled_energy(phase.counts)), where) for phase in self.phases]
        trained = [phase.macs(self.samples) - phase.extra_macs for phase in self.phases]
        spent = sum(
            macs * joules / phase.counts.macs
            for macs, joules, phase in zip(trained, one, self.phases, strict=True)
        )
        a_mac = one[0] / self.phases[0].counts.macs
        extra = sum(phase.extra_macs for phase in self.phases)
        return Compared(a_mac * self.dense_macs, spent + a_mac * extra)

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw the energy spent by epoch; see ``pidnet.plots.plot_narrowing``.

        Parameters
        ----------
        ax : Axes, optional
            Where to draw.

        Returns
        -------
        Figure
            The figure drawn in.
        """
        return plot_narrowing(self, ax)

    def rows(self) -> list[dict[str, Any]]:
        """One row a phase: epochs, units of the prunable layers, MACs of a sample, of the training, the cut, a penalty."""
        widths = [sum(self.plans[0].units.values()), *(sum(plan.widths.values()) for plan in self.plans)]
        penalized = any(phase.penalty_macs for phase in self.phases)
        return [
            {
                "epochs": phase.epochs,
                "units": units,
                "MACs per sample": phase.counts.macs,
                "MACs of training": phase.macs(self.samples) - phase.extra_macs,
                "MACs of plan and repair": phase.cutting_macs,
            }
            | ({"MACs of penalty": phase.penalty_macs} if penalized else {})
            for units, phase in zip(widths, self.phases, strict=True)
        ]

    def _lines(self) -> list[str]:
        plan = self.plans[-1]
        joules = ", ".join(f"{self.joules(where).kept:.1%} in {where.upper()}" for where in ("sram", "dram"))
        return [
            f"Narrowed to {sum(plan.widths.values())} of {sum(plan.units.values())} units; its training took",
            f"  {self.macs.kept:.1%} of the MACs of the dense one; of its modelled joules {joules}",
            *table(self.rows()),
        ]
