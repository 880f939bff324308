"""Let the kept units move: all weights from the first cut on, fitted together to the dense network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, takewhile

import torch
from torch import Tensor, nn

from pidnet.networks.inputs import Inputs, blended, samples, take
from pidnet.networks.kinds import CONVOLUTIONS, weighted
from pidnet.networks.replay import Replay
from pidnet.progress import shown
from pidnet.pruning.repair._streams import Call, watched
from pidnet.pruning.repair.walk import Walk

# Samples in a batch.
SIZE = 32
STEPS = 720
# Of one round after the other.
RATES = (0.05, 0.025)
# What the last layer weighs in the last round, in a network without sums.
LAST = 0.8
# How far to go from the present weights to those that were fitted.
WAYS = (0.25, 0.5, 0.75, 1.0)


def reconstruct(walk: Walk, x: Inputs, loss: Callable[[], float]) -> bool:
    """Fit all weights from the first cut on together, in place, so that the layers that lost inputs make what they make
    in the dense network, and the sums that layers feed become what they are there: argmin of the mean over these layers
    of |small - dense|^2 / |dense - mean|^2, of sums after the ReLU where one follows. Without sums the last layer weighs most in
    the last round, so that the kept units inside may become others than they were.

    A nonlinear least squares without labels, in rounds of ``STEPS`` steps of Adam from the present weights, on x and on blends
    of its samples. Of the points on the way to where they end (Wortsman et al. 2022, arXiv:2109.01903) the one is taken at
    which the loss is least: that of the small network on samples that neither this fit nor the present weights have seen.
    Where none lies below the present loss the weights stay as they are, and no other round is made. Returns whether they
    moved. Raises ValueError where the network does not let gradients through.
    """
    aims = Aims.of(walk, take(x, slice(SIZE)))
    with _movable(walk.small.model, _moving(walk)) as weights:
        ways = (aims.error, aims.error if aims.summed else aims.mostly_last)
        rounds = (
            _descend(weights, map(error, _batches(x)), loss, rate)
            for rate, error in zip(RATES, ways, strict=True)
        )
        return sum(takewhile(bool, rounds)) > 0


@dataclass(eq=False)
class Aims:
    """What layers should make. calls: of the layers. kept: layer -> the outputs that the small network has. scales: the
    square that an error of each call is measured by."""

    walk: Walk
    calls: list[Call]
    kept: dict[str, Tensor]
    scales: list[float]

    @staticmethod
    def of(walk: Walk, x: Inputs) -> Aims:
        """The layers that lost inputs, those that feed sums, and the last one, but no step of a recurrence; scales by what x
        makes of them."""
        layers = {call.layer for call in walk.calls if call.total is not None}
        layers = {*layers, *walk.lost} - _recurrent(walk) | {walk.calls[-1].layer}
        calls = [call for call in walk.calls if call.layer in layers]
        aims = Aims(walk, calls, {layer: walk.layer(layer).outputs for layer in layers}, [])
        for rows in (made.reshape(len(made), -1) for made in aims.wanted(x)):
            aims.scales.append(float(rows.var(1, correction=0).sum()) or 1.0)
        return aims

    @property
    def summed(self) -> bool:
        """Whether what layers make is added to something."""
        return any(call.total is not None for call in self.calls)

    def error(self, x: Inputs) -> Tensor:
        """The mean over calls of the small network's squared error on one batch, in shares of the scale."""
        return self._errors(x).mean()

    def mostly_last(self, x: Inputs) -> Tensor:
        """The same, but that of the last call weighs at least ``LAST``."""
        *_, last = errors = self._errors(x)
        return LAST * last + (1 - LAST) * errors.mean()

    def _errors(self, x: Inputs) -> Tensor:
        pairs = zip(_made(self.walk.small.model, x, self.calls), self.wanted(x), self.scales, strict=True)
        errors = [((made - target) ** 2).sum() / made[0].numel() / scale for made, target, scale in pairs]
        return torch.stack(errors)

    @torch.no_grad()
    def wanted(self, x: Inputs) -> list[Tensor]:
        """What the dense network makes of a batch, of the outputs that the small one has."""
        made = _made(self.walk.dense.model, x, self.calls)
        return [values[self.kept[call.layer]] for call, values in zip(self.calls, made, strict=True)]


def _batches(x: Inputs) -> Generator[Inputs]:
    """Endless batches of samples in random order, every second one blended with another one of its batch."""
    drawn = torch.Generator().manual_seed(0)
    number = -(-samples(x) // SIZE)
    while True:
        order = torch.randperm(samples(x), generator=drawn)
        for start in range(number):
            yield blended(take(x, order[start::number].tolist()), drawn)


def _recurrent(walk: Walk) -> set[str]:
    """Layers that read again and again what they have made: their state is free, what counts is what others read of it."""
    runs = Counter(call.layer for call in walk.calls)
    groups = walk.networks[0].groups.values()
    own = (name for group in groups for name in {*group.producers} & {*group.consumers})
    return {name for name in own if runs[name] > 1}


def _moving(walk: Walk) -> list[str]:
    """The layers whose weights move: those that lost units or inputs and all that run after the first of them, the
    norms behind them and what else hangs on the units."""
    groups = [walk.networks[0].groups[name] for name, indices in walk.units.items() if len(indices)]
    names = [name for group in groups for name in (*group.producers, *group.followers)]
    return [*names, *walk.order, *(call.norm for call in walk.calls if call.norm)]


def _descend(
    weights: Sequence[nn.Parameter], errors: Iterator[Tensor], loss: Callable[[], float], rate: float
) -> bool:
    """Lower the errors, go as far that way as the loss is least, and say whether that is any way at all."""
    start = [weight.detach().clone() for weight in weights]
    losses = {0.0: loss()}
    _steps(weights, errors, rate)
    end = [weight.detach().clone() for weight in weights]

    @torch.no_grad()
    def go(way: float) -> None:
        for weight, before, after in zip(weights, start, end, strict=True):
            weight.copy_(before.lerp(after, way) if way < 1 else after)

    for way in WAYS:
        go(way)
        losses[way] = loss()
    best = min(losses, key=lambda way: losses[way])
    go(best)
    return best > 0


def _steps(weights: Sequence[nn.Parameter], errors: Iterator[Tensor], rate: float) -> None:
    """``STEPS`` steps of Adam, a batch each, at a rate that rises for a while and falls to 0; it is relative to the size of each
    weight."""
    rates = [rate * (float(weight.detach().square().mean().sqrt()) or 1.0) for weight in weights]
    optimizer = torch.optim.Adam([{"params": [w], "lr": r} for w, r in zip(weights, rates, strict=True)])
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rates, total_steps=STEPS, pct_start=0.1, cycle_momentum=False
    )
    for error in shown(islice(errors, STEPS), "reconstructing", total=STEPS):
        if not error.requires_grad:
            raise ValueError('"reconstruct" needs gradients, and this network stops them; use "refit"')
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        schedule.step()


def _made(model: nn.Module, x: Inputs, calls: Sequence[Call]) -> list[Tensor]:
    """What layers make of a batch, or what becomes of it in the sum that they feed, units first, one item for each
    call."""
    made = []
    for expected, call in zip(calls, watched(Replay(model, [x]), 0, calls), strict=True):
        values = call.output if call.total is None else call.total
        values = values.relu() if expected.rectified else values
        made.append(values.movedim(1 if isinstance(weighted(model, call.layer), CONVOLUTIONS) else -1, 0))
    return made


@contextmanager
def _movable(model: nn.Module, names: Iterable[str]) -> Generator[list[nn.Parameter]]:
    """The weights and biases of these layers, for a while the only parameters with gradients."""
    before = [parameter.requires_grad for parameter in model.parameters()]
    moving = (p for name in names for p in model.get_submodule(name).parameters(recurse=False))
    weights = [weight for weight in dict.fromkeys(moving) if weight.numel()]
    model.requires_grad_(False)
    for weight in weights:
        weight.requires_grad_(True)
    with torch.enable_grad():
        yield weights
    for parameter, wanted in zip(model.parameters(), before, strict=True):
        parameter.requires_grad_(wanted)
        parameter.grad = None
