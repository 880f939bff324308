"""Let the kept units move: their own weights and the next layer's, fitted together to the dense network."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from itertools import chain, islice

import torch
from torch import Tensor, nn

from pidnet.networks.kinds import CONVOLUTIONS, weighted
from pidnet.pruning.repair.replay import Replay
from pidnet.pruning.repair.streams import Call, watched
from pidnet.pruning.repair.walk import Walk, held_out
from pidnet.pruning.structure.groups import UnitGroup

ROUNDS = 3
STEPS = 100
RATE = 0.02
SLOWER = 0.2
WORTH = 0.1  # the share of the error that a round must take away for another one
Errors = Callable[[], Iterable[Tensor]]


def reconstruct(units: UnitGroup, walk: Walk) -> None:
    """Fit the units' own weights together with those of the layers that read them and the norms between, in place, so
    that these layers make what they make in the dense network, or the sums that they feed become what they are there:
    argmin of the sum of |small - dense|^2 over outputs and sums, after the ReLU where one follows.

    A nonlinear least squares without labels, by Adam from the present weights and from what has been computed up to the
    first of these layers. After every ``STEPS`` steps the error on every fifth batch of samples, which the fit has not
    seen, decides whether it goes on, ``ROUNDS`` times at most; the weights with the least such error stay. The targets
    of all samples are held in memory. A smaller error here does not guarantee a smaller error at the output.
    Raises ValueError where the network does not let gradients through.
    """
    calls = [call for call in walk.calls if call.layer in units.consumers]
    numbers = range(len(walk.dense.batches))
    with torch.no_grad():
        kept = {name: walk.layer(name).outputs for name in units.consumers}
        wanted = [
            [
                made[kept[call.layer]]
                for call, made in zip(calls, _made(walk.dense, number, calls), strict=True)
            ]
            for number in numbers
        ]

    def errors(numbers: Sequence[int]) -> Generator[Tensor]:
        for number in numbers:
            pairs = zip(_made(walk.small, number, calls), wanted[number], strict=True)
            yield torch.stack([((made - target) ** 2).sum() for made, target in pairs]).sum()

    held = [number for number in numbers if held_out(number, len(wanted))]
    fit = [number for number in numbers if number not in held] or held
    norms = {call.norm for call in calls if call.norm}
    with _movable(
        walk.small.model, [*units.producers, *units.followers, *units.consumers, *norms]
    ) as weights:
        _descend(weights, lambda: errors(fit), lambda: errors(held))


def _descend(weights: Sequence[nn.Parameter], fit: Errors, held: Errors) -> None:
    """Lower the errors to fit as long as the sum of the held ones falls by a share of ``WORTH``; a round that raises it
    is undone and tried again more slowly."""

    def held_out() -> float:
        with torch.no_grad():
            return sum(map(float, held()))

    def write(values: Sequence[Tensor]) -> None:
        with torch.no_grad():
            for weight, value in zip(weights, values, strict=True):
                weight.copy_(value)

    least, best, rate = held_out(), [weight.detach().clone() for weight in weights], RATE
    for _ in range(ROUNDS):
        _steps(weights, fit, rate)
        error = held_out()
        if error < least:
            enough = error > (1 - WORTH) * least
            least, best = error, [weight.detach().clone() for weight in weights]
            if enough:
                break
        else:
            rate *= SLOWER
            write(best)
    write(best)


def _steps(weights: Sequence[nn.Parameter], fit: Errors, rate: float) -> None:
    """``STEPS`` steps of Adam, a batch each, at a rate that falls to 0; it is relative to the size of each weight."""
    sizes = [float(weight.detach().square().mean().sqrt()) or 1.0 for weight in weights]
    groups = [{"params": [weight], "lr": rate * size} for weight, size in zip(weights, sizes, strict=True)]
    optimizer = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for error in islice(chain.from_iterable(iter(fit, None)), STEPS):
        if not error.requires_grad:
            raise ValueError('"reconstruct" needs gradients, and this network stops them; use "refit"')
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        schedule.step()


def _made(replay: Replay, number: int, calls: Sequence[Call]) -> list[Tensor]:
    """What layers make of a batch, or what becomes of it in the sum that they feed, units first, one item for each
    call."""
    made = []
    for expected, call in zip(calls, watched(replay, number, calls), strict=True):
        values = call.output if call.total is None else call.total
        values = values.relu() if expected.rectified else values
        made.append(
            values.movedim(1 if isinstance(weighted(replay.model, call.layer), CONVOLUTIONS) else -1, 0)
        )
    return made


@contextmanager
def _movable(model: nn.Module, names: Iterable[str]) -> Generator[list[nn.Parameter]]:
    """The weights and biases of these layers, for a while the only parameters with gradients."""
    before = [parameter.requires_grad for parameter in model.parameters()]
    weights = [
        p for name in dict.fromkeys(names) for p in model.get_submodule(name).parameters(recurse=False)
    ]
    model.requires_grad_(False)
    for weight in weights:
        weight.requires_grad_(True)
    with torch.enable_grad():
        yield weights
    for parameter, wanted in zip(model.parameters(), before, strict=True):
        parameter.requires_grad_(wanted)
        parameter.grad = None
