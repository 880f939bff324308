"""The network of a training that narrows as it is now, and when it is cut."""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.energy import count, counted_work
from pidnet.networks.inputs import Inputs, take
from pidnet.pruning import PruningPlan
from pidnet.pruning.plans.composing import composed
from pidnet.training.cutting import Cut, cut_counted
from pidnet.training.fit import cross_entropy, train_epochs
from pidnet.training.narrowed import Phase
from pidnet.training.penalties import Penalty

# Epoch -> the cut, where it is to be made after that epoch.
Moment = Callable[[int], Cut | None]
# Where the moment is sought: as many looks are spread over the epochs, the first is left out; the cut is made where the loss
# of the cut network fell by less than this share since the look before.
LOOKS = 8
LEAST_FALL = 0.05
HOLDOUT = 5


@dataclass(eq=False)
class Run:
    """The network, and what has been done to it. epochs: of the schedule that the dense network is on. last: epochs after
    the last cut, None for those that are left. how: options of ``cut_counted``. penalty: of the training before a cut."""

    model: nn.Module
    x: Inputs
    y: Tensor
    epochs: int
    last: int | None
    calibration: int
    seed: int
    how: dict[str, Any]
    penalty: Callable[[nn.Module], Penalty] | None = None
    plans: list[PruningPlan] = field(default_factory=list)
    phases: list[Phase] = field(default_factory=list)
    cutting_macs: int = 0

    def train(self, moment: Moment | None, **options: Any) -> None:
        """Train until a moment has come and cut, or to the end; on a schedule of all epochs that are left."""
        before = sum(phase.epochs for phase in self.phases)
        left = self.epochs - before if moment or self.last is None else self.last
        options |= {"epochs": left, "seed": self.seed + len(self.phases)}
        done, cut = 0, None
        with self._watched(moment) as (trained, term):
            for done in train_epochs(trained, self.x, self.y, penalty=term, **options):
                if trained is not self.model:
                    self.model.load_state_dict(trained.state_dict())
                cut = moment(before + done) if moment else None
                if cut:
                    break
        counts = count(self.model, take(self.x, slice(1)))
        self.phases.append(Phase(done, counts, self.cutting_macs, term.macs if term else 0))
        if cut:
            self.cutting_macs, self.model = cut.macs, cut.model
            self.plans.append(composed(self.plans[-1], cut.plan) if self.plans else cut.plan)

    @contextmanager
    def _watched(self, moment: Moment | None) -> Generator[tuple[nn.Module, Penalty | None]]:
        """The network to train, and its penalty. The one that is cut must not carry the hooks of a penalty."""
        if moment is None or self.penalty is None:
            yield self.model, None
            return
        trained = copy.deepcopy(self.model)
        with self.penalty(trained) as term:
            yield trained, term

    def drawn(self) -> list[int]:
        """The samples that the next plan is made on."""
        generator = torch.Generator().manual_seed(self.seed + len(self.plans))
        return torch.randperm(len(self.y), generator=generator)[: self.calibration].tolist()

    def cut(self, keep: float, places: list[int]) -> Cut:
        """Plan and repair on some samples."""
        data = take(self.x, places), self.y[places]
        return cut_counted(self.model, data, keep, seed=self.seed, **self.how)


def fixed(run: Run, keep: float, end: int) -> Moment:
    """After that epoch."""
    return lambda epoch: run.cut(keep, run.drawn()) if epoch == end else None


class Saturation:
    """When more training of the dense network no longer makes its cut better, by the loss of the cut network on every
    fifth of the calibration samples. Its looks are counted with the cut."""

    def __init__(self, run: Run, keep: float) -> None:
        self.run, self.keep = run, keep
        found = {round(run.epochs * look / LOOKS) for look in range(2, LOOKS)}
        self.looks = sorted(found & set(range(1, run.epochs)))
        self.loss, self.macs = float("inf"), 0

    def __call__(self, epoch: int) -> Cut | None:
        """The cut of now, if the moment has come."""
        if epoch not in self.looks:
            return None
        drawn = self.run.drawn()
        held = drawn[::HOLDOUT]
        cut = self.run.cut(self.keep, [place for k, place in enumerate(drawn) if k % HOLDOUT])
        with counted_work() as work, torch.no_grad():
            loss = float(cross_entropy(cut.model, take(self.run.x, held), self.run.y[held]))
        saturated = loss > (1 - LEAST_FALL) * self.loss
        self.loss, self.macs = loss, self.macs + cut.macs + work.macs
        return replace(cut, macs=self.macs) if saturated or epoch == self.looks[-1] else None
