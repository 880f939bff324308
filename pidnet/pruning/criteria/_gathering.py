"""Sums over samples of what criteria ask for: one pass for all consumers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.execution.memory import give_back
from pidnet.networks.hooks import record_calls, surround_calls
from pidnet.networks.inputs import Inputs, mapped, samples, split, take, tensors_in
from pidnet.networks.kinds import CONVOLUTIONS, Weighted
from pidnet.networks.linear_map import POSITIONS, feature_count, input_rows, squares
from pidnet.networks.outputs import OutputReading
from pidnet.pruning.criteria.sketching import Sketch
from pidnet.pruning.structure.network import CuttableNetwork

# Of more features than this so many rows are multiplied in the precision of the inputs, and their sums added up in float64.
NARROW = 128
ROUNDING = 1e-5  # of each variance, added so that rounding leaves the covariance positive definite
ROWS = 4096
# Samples are taken together while what layers make of them, twice over, and all gradients by it take no more than this.
MOST_BYTES = 64e6
MOST_SAMPLES = 256
# Sums of squares beyond this, or below its inverse, are formed in double precision.
FAR = 1e20


def input_moments(
    network: CuttableNetwork, x: Inputs, consumers: list[str], sketches: Mapping[str, Sketch]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Covariance (feature, feature) and mean (feature,) of each consumer's inputs over samples (and positions).

    Those of a sketch are of its parts. All is summed from the first row on, so that a feature that never changes has a variance of 0, not of
    rounding. Where there are many features some thousand products add up in the precision of the inputs, and all of them in float64.
    """
    sums: dict[str, tuple[Tensor, Tensor, Tensor, int]] = {}

    def add(name: str, layer: Weighted, inputs: Tensor, _output: Tensor) -> None:
        exact = torch.float64 if name in sketches or feature_count(layer) <= NARROW else torch.float32
        rows = input_rows(layer, inputs, POSITIONS, torch.promote_types(inputs.dtype, exact))
        rows = sketches[name].rows(rows) if name in sketches else rows
        start, gram, total, count = sums.get(name) or _none_yet(rows)
        for some in (rows - start).split(ROWS):
            gram.add_(_in_range(some, squares))
            total = total + some.sum(0, dtype=torch.float64)
        sums[name] = start, gram, total, count + len(rows)

    network.watch(consumers, x, add)
    found = {}
    while sums:  # each sum goes when it has been used: there may be memory for only one copy of all
        name, (start, gram, total, count) = sums.popitem()
        mean = total / count
        covariance = gram.div_(count).addr_(mean, mean, alpha=-1)
        if start.dtype != torch.float64:
            covariance.diagonal().mul_(1 + ROUNDING)
        found[name] = covariance.cpu().numpy(), (start + mean).cpu().numpy()
    return found


def _in_range(values: Tensor, multiply: Callable[[Tensor], Tensor]) -> Tensor:
    """A sum of products of values with themselves, float64 (number, number), formed in single precision where values and
    squares are within its range."""
    found = multiply(values.to(torch.promote_types(values.dtype, torch.float32))).double()
    return found if 1 / FAR < float(found.trace()) < FAR else multiply(values.double())


def _none_yet(rows: Tensor) -> tuple[Tensor, Tensor, Tensor, int]:
    """The first row, and sums of nothing: of products, of rows, and their number."""
    zeros = partial(rows.new_zeros, dtype=torch.float64)
    return rows[0].clone(), zeros(rows.shape[1], rows.shape[1]), zeros(rows.shape[1]), 0


Factor = tuple[str, float]


def fisher_factors(
    network: CuttableNetwork,
    x: Inputs,
    consumers: list[str],
    temperatures: Sequence[float],
    seed: int,
    draws: int,
) -> dict[Factor, np.ndarray]:
    """(consumer, temperature) -> mean over samples of g g^T, g the gradients of the output's directions, (output, output)."""
    batches = split(x, _at_once(network, x, consumers, temperatures))
    parts = (
        _fisher_sums(network, batch, consumers, temperatures, ((seed << 32) + number, draws))
        for number, batch in enumerate(batches)
    )
    found = {key: total.detach().cpu().numpy() / samples(x) for key, total in totals(parts).items()}
    give_back()
    return found


@torch.no_grad()
def _at_once(network: CuttableNetwork, x: Inputs, consumers: list[str], temperatures: Sequence[float]) -> int:
    """How many samples' graph and gradients are in memory together."""
    made, read = [0], [0]

    def leave(name: str, layer: nn.Module, _arguments: tuple, _keywords: dict, output: Any) -> None:
        size = sum(tensor.nbytes for tensor in tensors_in(output))
        made.append(0 if any(layer.children()) else size)
        read.append(size if name in consumers else 0)

    with surround_calls(network.model, lambda *_: None, leave):
        scores = network.run(take(x, slice(1)))
    mixed = len(temperatures) > 1 and network.reading.mixtures(scores) is not None
    each = 2 * sum(made) + sum(read) * (scores.shape[1] if mixed else 1)
    return int(min(MOST_SAMPLES, max(1, MOST_BYTES // max(1, each))))


def _fisher_sums(
    network: CuttableNetwork,
    x: Inputs,
    consumers: list[str],
    temperatures: Sequence[float],
    drawn: tuple[int, int],
) -> dict[Factor, Tensor]:
    """The sums over one batch."""
    # A layer that runs at every step of a sequence has as many outputs.
    calls: list[tuple[str, Weighted, Tensor]] = []

    def see(name: str, layer: Weighted, _inputs: Tensor, output: Tensor) -> None:
        calls.append((name, layer, output))

    with torch.enable_grad(), record_calls(network.model, consumers, see):
        # Inputs that need a gradient give one to every layer, frozen parameters or not.
        scores = network.run(mapped(with_gradient, x))
        calls.sort(key=lambda call: consumers.index(call[0]))
        found = _gradients(network.reading, scores, [output for *_, output in calls], temperatures, drawn)
        return totals({(calls[k][0], heat): _gram(calls[k][1], g)} for heat, k, g in found)


def _gram(layer: Weighted, gradients: Tensor) -> Tensor:
    """Sum of g g^T over samples and positions, float64 (output, output)."""
    if isinstance(layer, CONVOLUTIONS):
        return _in_range(gradients.flatten(2), lambda g: torch.bmm(g, g.mT).sum(0, dtype=torch.float64))
    return _in_range(gradients.reshape(-1, gradients.shape[-1]), squares)


def _gradients(
    reading: OutputReading,
    scores: Tensor,
    outputs: list[Tensor],
    temperatures: Sequence[float],
    drawn: tuple[int, int],
) -> Iterator[tuple[float, int, Tensor]]:
    """(temperature, number of the output, gradient of a direction by it). drawn: seed and number of draws. Of few classes
    the scores are gone through once, whatever the number of temperatures: the directions are mixtures of them."""
    backward = partial(torch.autograd.grad, inputs=outputs, retain_graph=True, materialize_grads=True)
    found = (reading.mixtures(scores, heat) for heat in temperatures)
    mixtures = [mixture for mixture in found if mixture is not None]
    if len(temperatures) == 1 or not mixtures:
        for heat in temperatures:
            for direction in reading.directions(scores, heat, *drawn):
                yield from ((heat, *pair) for pair in enumerate(backward(direction)))
        return
    columns = [backward(score) for score in scores.sum(0)]
    for number in range(len(outputs)):
        column = torch.stack([of_score[number] for of_score in columns], 1)
        for heat, mixture in zip(temperatures, mixtures, strict=True):
            mixed = torch.bmm(mixture.to(column), column.flatten(2))
            yield heat, number, mixed.reshape(-1, *column.shape[2:])


def totals(parts: Iterable[dict[Factor, Tensor]]) -> dict[Factor, Tensor]:
    """The sum of all parts, by their keys."""
    found: dict[Factor, Tensor] = {}
    for part in parts:
        for key, value in part.items():
            found[key] = found[key] + value if key in found else value
    return found


def with_gradient(x: Tensor) -> Tensor:
    """A copy that needs a gradient where it can have one: then every layer gets one, frozen parameters or not."""
    return x.detach().requires_grad_(x.is_floating_point())
