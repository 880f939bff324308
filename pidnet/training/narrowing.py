"""Train, cut, repair, train on: the small network at part of the energy of training the dense one to the end."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.arguments import check_arguments
from pidnet.energy import count
from pidnet.networks.batches import Data, labelled
from pidnet.networks.inputs import Inputs, take
from pidnet.pruning import PruningPlan
from pidnet.pruning.criteria.criterion import Rank
from pidnet.pruning.plans.composing import composed
from pidnet.pruning.repair.running import Repair
from pidnet.training.cutting import cut_counted
from pidnet.training.fit import train_epochs
from pidnet.training.narrowed import Narrowed, Phase


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
    >>> data = torch.randn(80, 4, generator=torch.Generator().manual_seed(0)), torch.arange(80) % 3
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
