"""Train, cut, repair, train on: the small network at part of the energy of training the dense one to the end."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from pidnet.arguments import check_arguments
from pidnet.energy import Compared, Counts, count, modelled_energy, total
from pidnet.networks.batches import Data, labelled
from pidnet.networks.inputs import Inputs, take
from pidnet.plots import plot_narrowing
from pidnet.printing import Printed, table
from pidnet.pruning import PruningPlan
from pidnet.pruning.criteria.criterion import Rank
from pidnet.pruning.plans.composing import composed
from pidnet.pruning.repair.running import Repair
from pidnet.training.cutting import cut_counted
from pidnet.training.fit import train_epochs

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

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> pn.training.Phase(3, pn.energy.count(pn.zoo.mlp(8, (4,), 2), torch.zeros(1, 8)), 0)
    Phase of 3 epochs with 40 MACs a sample
    """

    epochs: int
    counts: Counts
    cutting_macs: int

    def macs(self, samples: int) -> int:
        """MACs of its training, plan and repair.

        Parameters
        ----------
        samples : int
            Of an epoch.

        Returns
        -------
        int
            Forward and backward passes count as three forward passes.
        """
        return PASSES * samples * self.epochs * self.counts.macs + self.cutting_macs

    def _lines(self) -> list[str]:
        return [f"Phase of {self.epochs} epochs with {self.counts.macs:,} MACs a sample"]


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

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> data = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 3
    >>> narrowed = pn.training.train_narrowing(pn.zoo.mlp(4, (64,), 3), data, 0.25, epochs=4, criterion="l2")
    >>> narrowed.plans[-1].widths
    {'fc1': 16}
    """

    model: nn.Module
    plans: tuple[PruningPlan, ...]
    phases: tuple[Phase, ...]
    samples: int

    @property
    def training_macs(self) -> int:
        """Multiply-accumulates of the whole training, plans and repairs included."""
        return sum(phase.macs(self.samples) for phase in self.phases)

    @property
    def dense_macs(self) -> int:
        """What as many epochs of the dense network take."""
        epochs = sum(phase.epochs for phase in self.phases)
        return PASSES * self.samples * epochs * self.phases[0].counts.macs

    @property
    def macs(self) -> Compared:
        """Both, as (dense, small); ``macs.kept`` is the share that was needed."""
        return Compared(self.dense_macs, self.training_macs)

    def joules(self, where: str = "sram") -> Compared:
        """Modelled joules of the training; a MAC of a plan or a repair costs what one of the dense network does.

        Parameters
        ----------
        where : str
            "sram" or "dram": where every word is.

        Returns
        -------
        Compared
            Of as many epochs of the dense network, and of this training.
        """
        if where not in ("sram", "dram"):
            raise ValueError(f"where={where!r}; expected 'sram' or 'dram'")
        one = [getattr(total(modelled_energy(phase.counts)), where) for phase in self.phases]
        trained = [phase.macs(self.samples) - phase.cutting_macs for phase in self.phases]
        spent = sum(
            macs * joules / phase.counts.macs
            for macs, joules, phase in zip(trained, one, self.phases, strict=True)
        )
        a_mac = one[0] / self.phases[0].counts.macs
        cutting = sum(phase.cutting_macs for phase in self.phases)
        return Compared(a_mac * self.dense_macs, spent + a_mac * cutting)

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
        """One row a phase: epochs, units of the prunable layers, MACs of a sample, of the training and of the cut."""
        widths = [sum(self.plans[0].units.values()), *(sum(plan.widths.values()) for plan in self.plans)]
        return [
            {
                "epochs": phase.epochs,
                "units": units,
                "MACs a sample": phase.counts.macs,
                "MACs of training": phase.macs(self.samples) - phase.cutting_macs,
                "MACs of plan and repair": phase.cutting_macs,
            }
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


def train_narrowing(
    model: nn.Module,
    data: Data,
    keep: float,
    *,
    epochs: int = 30,
    cuts: Sequence[float] = (0.5,),
    criterion: str | Rank = "pid",
    repair: str | Repair = "refit",
    layers: Sequence[str] | None = None,
    rate: float = 1e-3,
    decay: float | tuple[float, float] = 0.0,
    batch: int = 64,
    calibration: int = 500,
    seed: int = 0,
) -> Narrowed:
    """Train a network, cut it on the way, repair it and train the smaller network on.

    Parameters
    ----------
    model : torch.nn.Module
        The dense network, at its initialization; it is not changed.
    data : (x, y), list of such batches, or DataLoader
        Training data.
    keep : float
        Share of the units that stay in the end.
    epochs : int
        Passes over the data, of all phases together.
    cuts : sequence of float
        When to cut, as shares of the epochs. Of several cuts each keeps the same share of what is there.
    criterion, repair, layers
        As for ``plan_pruning`` (without its search, which would cost more than it brings here) and ``apply_plan``.
    rate : float
        Largest learning rate of the one-cycle schedules. The dense phase is the beginning of the schedule of all
        epochs; after a cut the optimizer is new and a schedule of the epochs that are left begins.
    decay : float or (float, float)
        Decay of the weights as for ``train``; a pair is the one before the first cut and the one after it. Worth
        trying first: on an MLP a decay of 1 gained more than any criterion. With BatchNorm stay low.
    batch : int
        Samples of a step.
    calibration : int
        Training samples, drawn at random, that plans and repairs are made on.
    seed : int
        Of the order of the batches and the draw.

    Returns
    -------
    Narrowed
        The small network, the plans, and the energy of the training against that of the dense one.

    Raises
    ------
    ValueError
        For cuts that are not ascending shares between 0 and 1 with an epoch between them, or a budget that
        ``plan_pruning`` does not take.

    Notes
    -----
    MACs = sum over phases of 3 * samples * epochs * MACs of a forward pass + plan + repair: backward counts as two
    forward passes. Of plans and repairs, the matrix products and solves of torch are counted as they run, and the
    elimination of "pid" and "obs" as 2 f (f + o)^2 for f features and o outputs of each layer that reads units; what
    other criteria do in numpy is not counted. Compare with a small network trained from the start for as much
    energy: ``benchmarks/results/training.md`` has both.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> data = torch.randn(60, 4, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 3
    >>> narrowed = pn.training.train_narrowing(pn.zoo.mlp(4, (64,), 3), data, 0.25, epochs=4, criterion="l2")
    >>> narrowed.model.fc1
    Linear(in_features=4, out_features=16, bias=True)
    """
    check_arguments(train_narrowing, locals())
    x, y = labelled(data)
    ends = _ends(cuts, epochs)
    if calibration < 2:
        raise ValueError(f"calibration={calibration}; expected at least 2 samples")
    before, after = decay if isinstance(decay, tuple) else (decay, decay)
    run = _Run(copy.deepcopy(model), x, y, seed)
    how = {"criterion": criterion, "layers": layers, "repair": repair}
    for start, end in zip((0, *ends), (*ends, epochs), strict=True):
        if start:
            run.cut(keep ** (1 / len(ends)), calibration, **how)
        options = {"rate": rate, "decay": after if start else before, "batch": batch}
        run.train(epochs - start, end - start, **options)
    return Narrowed(run.model.eval(), tuple(run.plans), tuple(run.phases), len(y))


def _ends(cuts: Sequence[float], epochs: int) -> list[int]:
    """The epochs after which to cut."""
    if not cuts or not all(0 < cut < 1 for cut in cuts):
        raise ValueError(f"cuts={tuple(cuts)}; expected shares of the epochs between 0 and 1")
    ends = [round(cut * epochs) for cut in cuts]
    if any(end <= start for start, end in zip((0, *ends), (*ends, epochs), strict=True)):
        raise ValueError(
            f"cuts={tuple(cuts)} of epochs={epochs} are epochs {', '.join(map(str, ends))}; "
            "expected ascending ones with an epoch before, between and after them"
        )
    return ends


class _Run:
    """The network as it is now, and what has been done to it."""

    def __init__(self, model: nn.Module, x: Inputs, y: Tensor, seed: int) -> None:
        self.model, self.x, self.y, self.seed = model, x, y, seed
        self.plans: list[PruningPlan] = []
        self.phases: list[Phase] = []
        self.cutting_macs = 0

    def train(self, schedule: int, epochs: int, **options: Any) -> None:
        """The first epochs of a schedule of so many."""
        seed = self.seed + len(self.phases)
        for done in train_epochs(self.model, self.x, self.y, epochs=schedule, seed=seed, **options):
            if done == epochs:
                break
        self.phases.append(Phase(epochs, count(self.model, take(self.x, slice(1))), self.cutting_macs))

    def cut(self, keep: float, calibration: int, **how: Any) -> None:
        """Plan, cut and repair."""
        generator = torch.Generator().manual_seed(self.seed + len(self.plans))
        drawn = torch.randperm(len(self.y), generator=generator)[:calibration].tolist()
        x, y = take(self.x, drawn), self.y[drawn]
        cut = cut_counted(self.model, (x, y), keep, seed=self.seed, **how)
        self.cutting_macs, self.model = cut.macs, cut.model
        self.plans.append(composed(self.plans[-1], cut.plan) if self.plans else cut.plan)
