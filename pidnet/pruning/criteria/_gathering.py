"""Sums over samples of what criteria ask for: one pass for all consumers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pidnet.networks.hooks import record_calls
from pidnet.networks.inputs import Inputs, mapped, split
from pidnet.networks.kinds import Weighted
from pidnet.networks.linear_map import POSITIONS, input_rows, output_rows
from pidnet.networks.running import run
from pidnet.pruning.structure.network import CuttableNetwork


def input_moments(
    network: CuttableNetwork, x: Inputs, consumers: list[str]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Covariance (feature, feature) and mean (feature,) of each consumer's inputs over samples (and positions).

    All is summed from the first row on, so that a feature that never changes has a variance of 0, not of rounding.
    """
    sums: dict[str, tuple[Tensor, Tensor, Tensor, int]] = {}

    def add(name: str, layer: Weighted, inputs: Tensor, _output: Tensor) -> None:
        rows = input_rows(layer, inputs, POSITIONS)
        start = sums[name][0] if name in sums else rows[0].clone()
        rows = rows - start
        _, gram, total, count = sums.get(
            name, (start, rows.new_zeros(rows.shape[1], rows.shape[1]), rows[:0].sum(0), 0)
        )
        sums[name] = start, gram.addmm_(rows.T, rows), total + rows.sum(0), count + len(rows)

    with torch.no_grad(), record_calls(network.model, consumers, add):
        for batch in split(x):
            run(network.model, batch)
    found = {}
    while sums:  # each sum goes when it has been used: there may be memory for only one copy of all
        name, (start, gram, total, count) = sums.popitem()
        mean = total / count
        covariance = gram.div_(count).addr_(mean, mean, alpha=-1)
        found[name] = covariance.cpu().numpy(), (start + mean).cpu().numpy()
    return found


def fisher_sums(
    network: CuttableNetwork, x: Inputs, consumers: list[str], temperature: float, seed: int
) -> list[Tensor]:
    """Sum over samples of g g^T of each consumer, g the gradients of the output's directions, (output, output)."""
    # A layer that runs at every step of a sequence has as many outputs.
    outputs: dict[str, list[Tensor]] = {name: [] for name in consumers}

    def see(name: str, _layer: Weighted, _inputs: Tensor, output: Tensor) -> None:
        outputs[name].append(output)

    with torch.enable_grad(), record_calls(network.model, consumers, see):
        # Inputs that need a gradient give one to every layer, frozen parameters or not.
        scores = network.run(mapped(with_gradient, x))
        every = [(name, output) for name in consumers for output in outputs[name]]
        totals = {name: torch.zeros((), dtype=torch.float64) for name in consumers}
        for direction in network.reading.directions(scores, temperature, seed):
            gradients = torch.autograd.grad(
                direction,
                [output for _, output in every],
                retain_graph=True,
                materialize_grads=True,
            )
            for (name, _), gradient in zip(every, gradients, strict=True):
                rows = output_rows(network.weighted(name), gradient)
                totals[name] = totals[name] + rows.T @ rows
    return list(totals.values())


def with_gradient(x: Tensor) -> Tensor:
    """A copy that needs a gradient where it can have one: then every layer gets one, frozen parameters or not."""
    return x.detach().requires_grad_(x.is_floating_point())
