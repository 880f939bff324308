"""Let the kept units move: their own weights and the next layer's, fitted together to the dense network."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress

import torch
from torch import Tensor, nn

from pidnet.networks.hooks import record_calls
from pidnet.networks.inputs import Inputs
from pidnet.networks.kinds import Weighted
from pidnet.networks.linear_map import POSITIONS, output_rows
from pidnet.networks.running import run
from pidnet.pruning.repair.least_squares import HOLDOUT, RepairedLayer, StopForward, interleaved
from pidnet.pruning.structure.groups import UnitGroup

ROUNDS = 10
STEPS = 20
Errors = Callable[[], Iterable[Tensor]]


def reconstruct(units: UnitGroup, consumers: Sequence[RepairedLayer], x: Inputs) -> None:
    """Fit the units' own weights together with those of the layers that read them, in place, so that these
    layers make what they make in the dense network: argmin of the sum of |small - dense|^2 over their outputs.

    A nonlinear least squares without labels, by L-BFGS from the present weights. After every ``STEPS`` iterations
    the error on every fifth batch of samples, which the fit has not seen, decides whether it goes on, ``ROUNDS``
    times at most; the weights with the least such error stay. The target outputs of all samples are held in
    memory (``POSITIONS`` positions each). A smaller layer error does not guarantee a smaller error at the output.
    Raises ValueError where the network does not let gradients through.
    """
    dense, small = consumers[0].dense, consumers[0].small
    names = [consumer.name for consumer in consumers]
    kept = {consumer.name: consumer.outputs for consumer in consumers}
    lessons = []
    for batch in interleaved(x):
        with torch.no_grad():
            lessons.append((batch, [rows[:, kept[name]] for name, rows in _made(dense, names, batch)]))

    def errors(some: Iterable[tuple[Inputs, list[Tensor]]]) -> Generator[Tensor]:
        for batch, wanted in some:
            made = _made(small, names, batch, len(wanted))
            yield torch.stack(
                [((rows - w) ** 2).sum() for (_, rows), w in zip(made, wanted, strict=True)]
            ).sum()

    every = min(HOLDOUT, len(lessons))
    held = lessons[every - 1 :: every]
    fit = [lesson for number, lesson in enumerate(lessons) if number % every != every - 1] or held
    with _movable(small, [*units.producers, *names]) as weights:
        _descend(weights, lambda: errors(fit), lambda: errors(held))


def _descend(weights: Sequence[nn.Parameter], fit: Errors, held: Errors) -> None:
    """Lower the sum of the errors to fit as long as the sum of the held ones falls."""
    optimizer = torch.optim.LBFGS(weights, max_iter=STEPS, history_size=STEPS, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        total = 0.0
        for error in fit():
            if not error.requires_grad:
                raise ValueError('"reconstruct" needs gradients, and this network stops them; use "refit"')
            error.backward()
            total += float(error.detach())
        return total

    def held_out() -> float:
        with torch.no_grad():
            return sum(map(float, held()))

    least, best = held_out(), [weight.detach().clone() for weight in weights]
    for _ in range(ROUNDS):
        optimizer.step(closure)
        error = held_out()
        if not error < least:
            break
        least, best = error, [weight.detach().clone() for weight in weights]
    with torch.no_grad():
        for weight, value in zip(weights, best, strict=True):
            weight.copy_(value)


def _made(
    model: nn.Module, names: Iterable[str], batch: Inputs, runs: int | None = None
) -> list[tuple[str, Tensor]]:
    """(layer, rows of its outputs), one item each time one of the layers runs. runs: stop after that many."""
    made: list[tuple[str, Tensor]] = []

    def see(name: str, layer: Weighted, _entering: Tensor, output: Tensor) -> None:
        made.append((name, output_rows(layer, output, POSITIONS)))
        if len(made) == runs:
            raise StopForward

    with record_calls(model, names, see), suppress(StopForward):
        run(model, batch)
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
