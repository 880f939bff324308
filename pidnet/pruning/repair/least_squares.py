"""Least squares that let the kept units do the work of those that went. No labels, no gradient steps."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pidnet.networks.hooks import record_calls
from pidnet.networks.inputs import Inputs, samples, take
from pidnet.networks.kinds import Weighted, weighted
from pidnet.networks.linear_map import POSITIONS, features, input_rows, output_rows, weight_matrix
from pidnet.networks.running import run
from pidnet.pruning.structure.groups import UnitsByLayer
from pidnet.pruning.structure.network import CuttableNetwork

SMALLEST = 1e-12  # keeps the system solvable where all inputs are 0: then the weights stay
RIDGES = (1e-9, 1e-7, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
HOLDOUT = 5
BATCH = 128


@dataclass(eq=False)
class Moments:
    """Sums over rows of [input, 1] by itself and by the wanted output: all that least squares needs.

    gram: (feature + 1, feature + 1). cross: (feature + 1, output). square: sum of squared wanted outputs.
    """

    gram: Tensor
    cross: Tensor
    square: Tensor

    @staticmethod
    def of(inputs: Tensor, wanted: Tensor) -> Moments:
        rows = torch.cat([inputs, inputs.new_ones(len(inputs), 1)], 1)
        return Moments(rows.T @ rows, rows.T @ wanted, (wanted**2).sum())

    def __add__(self, other: Moments) -> Moments:
        return Moments(self.gram + other.gram, self.cross + other.cross, self.square + other.square)

    def error(self, solution: Tensor) -> float:
        """Sum of squared errors of a solution (feature + 1, output)."""
        return float(self.square + (solution * (self.gram @ solution - 2 * self.cross)).sum())


@dataclass(frozen=True, eq=False)
class RepairedLayer:
    """A layer in the dense and in the small network, and what the small one kept of it: indices of input
    features and of outputs."""

    name: str
    dense: nn.Module
    small: nn.Module
    features: Tensor
    outputs: Tensor

    @staticmethod
    def of(name: str, dense: CuttableNetwork, small: CuttableNetwork, units: UnitsByLayer) -> RepairedLayer:
        """The layer with the input features and outputs that it has left without these units."""
        columns, rows = dense.left_of(name, units)
        kept = torch.tensor(features(dense.weighted(name), columns)), torch.tensor(rows)
        return RepairedLayer(name, dense.model, small.model, *kept)


def fold(layer: RepairedLayer, x: Inputs) -> None:
    """Fit the consumer in the small network to the dense pre-activations, given the dense network's own kept
    inputs: what the removed units did is regressed on the kept ones and added to their weights, in place."""
    _fit(layer, *_collect(layer, x, from_small=False))


def refit(layer: RepairedLayer, x: Inputs) -> None:
    """Fit a layer of the small network to the dense pre-activations given the inputs that it really has, with
    everything upstream already pruned and repaired, in place.

    The layer itself need not have lost anything: what reached it is no longer what it was trained on. A
    recurrent layer makes its own inputs, so it is folded first.
    """
    _fit(layer, *_collect(layer, x, from_small=True))


def _fit(layer: RepairedLayer, fit: Moments, held: Moments) -> None:
    """Ridge regression of the dense outputs on the inputs, pulled towards the present weights.

    The strength of the ridge is the one of ``RIDGES`` with the least error on every fifth batch of samples,
    which the fit has not seen; the present weights stay if none does better.
    """
    small = weighted(layer.small, layer.name)
    prior, biased = _solution(small), small.bias is not None
    errors = [held.error(_solve(fit, prior, ridge, biased)) for ridge in RIDGES]
    best = min(range(len(RIDGES)), key=errors.__getitem__)
    if errors[best] < held.error(prior):
        _write(small, _solve(fit + held, prior, RIDGES[best], biased))


def _collect(layer: RepairedLayer, x: Inputs, *, from_small: bool) -> tuple[Moments, Moments]:
    """Moments of a consumer's kept inputs, in the dense or in the small network, and the wanted outputs: to fit
    on, and held out. One batch is in memory at a time. The first batch shows how often the layer runs; later
    forward passes stop after that call."""
    runs = None
    parts: tuple[list[Moments], list[Moments]] = ([], [])
    parts_of_x = interleaved(x)
    every = min(HOLDOUT, len(parts_of_x))
    for number, batch in enumerate(parts_of_x):
        inputs, wanted = _seen(layer.dense, layer.name, batch, runs)
        if from_small:
            inputs, _ = _seen(layer.small, layer.name, batch, runs)
        else:
            inputs = [rows[:, layer.features] for rows in inputs]
        runs = len(wanted)
        sums = parts[number % every == every - 1]
        for rows, output in zip(inputs, wanted, strict=True):
            moments = Moments.of(rows, output[:, layer.outputs])
            sums[:] = [sums[0] + moments] if sums else [moments]
    return parts[0][0], parts[1][0]


def interleaved(x: Inputs) -> list[Inputs]:
    """Samples in batches of which each is spread over all samples, whatever their order; a multiple of
    ``HOLDOUT`` batches, or one a sample."""
    total = samples(x)
    number = min(total, HOLDOUT * math.ceil(total / (HOLDOUT * BATCH)))
    return [take(x, slice(start, None, number)) for start in range(number)]


class StopForward(Exception):
    """The layer has run as often as it will."""


@torch.no_grad()
def _seen(
    model: nn.Module, name: str, batch: Inputs, runs: int | None = None
) -> tuple[list[Tensor], list[Tensor]]:
    """Rows of inputs and outputs of a layer, one item each time it runs: at every step of a sequence, say.

    runs: stop after that many.
    """
    inputs: list[Tensor] = []
    outputs: list[Tensor] = []

    def see(_name: str, layer: Weighted, entering: Tensor, output: Tensor) -> None:
        inputs.append(input_rows(layer, entering, POSITIONS))
        outputs.append(output_rows(layer, output, POSITIONS))
        if len(inputs) == runs:
            raise StopForward

    with record_calls(model, [name], see), suppress(StopForward):
        run(model, batch)
    return inputs, outputs


def _solution(layer: Weighted) -> Tensor:
    """Weights and bias as one matrix (feature + 1, output)."""
    weight = weight_matrix(layer)
    bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach().double()
    return torch.cat([weight, bias[:, None]], 1).T


def _solve(moments: Moments, prior: Tensor, ridge: float, biased: bool) -> Tensor:
    """argmin of the squared error plus ridge * mean diagonal * |weights - prior|^2; the bias is not pulled,
    and stays 0 where the layer has none."""
    penalty = torch.full_like(
        moments.gram.diagonal(), max(ridge * float(moments.gram.diagonal()[:-1].mean()), SMALLEST)
    )
    penalty[-1] = 0
    free = slice(None) if biased else slice(-1)
    gram = (moments.gram + penalty.diag())[free, free]
    solution = prior.clone()
    solution[free] = torch.linalg.solve(gram, (moments.cross + penalty[:, None] * prior)[free])
    return solution


def _write(layer: Weighted, solution: Tensor) -> None:
    with torch.no_grad():
        layer.weight.copy_(solution[:-1].T.reshape(layer.weight.shape))
        if layer.bias is not None:
            layer.bias.copy_(solution[-1])
