"""Sums over samples of what criteria ask for: one pass for all consumers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product

import numpy as np
import torch
from torch import Tensor

from pidnet.networks.hooks import record_calls
from pidnet.networks.inputs import Inputs, mapped, samples, split
from pidnet.networks.kinds import Weighted
from pidnet.networks.linear_map import POSITIONS, input_rows, output_rows
from pidnet.networks.outputs import OutputReading
from pidnet.pruning.criteria.sketching import Sketch
from pidnet.pruning.structure.network import CuttableNetwork


def input_moments(
    network: CuttableNetwork, x: Inputs, consumers: list[str], sketches: Mapping[str, Sketch]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Covariance (feature, feature) and mean (feature,) of each consumer's inputs over samples (and positions).

    Those of a sketch are of its parts. All is summed from the first row on, so that a feature that never changes has a variance of 0, not of rounding.
    """
    sums: dict[str, tuple[Tensor, Tensor, Tensor, int]] = {}

    def add(name: str, layer: Weighted, inputs: Tensor, _output: Tensor) -> None:
        rows = input_rows(layer, inputs, POSITIONS)
        rows = sketches[name].rows(rows) if name in sketches else rows
        start = sums[name][0] if name in sums else rows[0].clone()
        rows = rows - start
        _, gram, total, count = sums.get(
            name, (start, rows.new_zeros(rows.shape[1], rows.shape[1]), rows[:0].sum(0), 0)
        )
        sums[name] = start, gram.addmm_(rows.T, rows), total + rows.sum(0), count + len(rows)

    network.watch(consumers, x, add)
    found = {}
    while sums:  # each sum goes when it has been used: there may be memory for only one copy of all
        name, (start, gram, total, count) = sums.popitem()
        mean = total / count
        covariance = gram.div_(count).addr_(mean, mean, alpha=-1)
        found[name] = covariance.cpu().numpy(), (start + mean).cpu().numpy()
    return found


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
    parts = (_fisher_sums(network, batch, consumers, temperatures, (seed, draws)) for batch in split(x, 64))
    return {key: total.cpu().numpy() / samples(x) for key, total in totals(parts).items()}


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
        products = ((calls[k][0], heat, output_rows(calls[k][1], g)) for heat, k, g in found)
        return totals({(name, heat): rows.T @ rows} for name, heat, rows in products)


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
    columns = list(zip(*(backward(column) for column in scores.sum(0)), strict=True))
    for (number, column), (heat, mixture) in product(
        enumerate(columns), zip(temperatures, mixtures, strict=True)
    ):
        stacked = torch.stack(column, 1)
        mixed = torch.bmm(mixture.to(stacked), stacked.flatten(2)).reshape(stacked.shape)
        yield from ((heat, number, gradient) for gradient in mixed.unbind(1))


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
