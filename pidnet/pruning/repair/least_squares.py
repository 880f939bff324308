"""Least squares that let the kept units do the work of those that went. No labels, no gradient steps."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.networks.inputs import held_out
from pidnet.networks.kinds import Weighted, weighted
from pidnet.networks.linear_map import input_rows, output_rows, weight_matrix, write_matrix
from pidnet.pruning.repair._moments import Moments, Rows, gathered, is_met, joined
from pidnet.pruning.repair._streams import Call, watched
from pidnet.pruning.repair.walk import RepairedLayer

Sums = Moments | Rows
RIDGES = (1e-9, 1e-7, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
BLIND_RIDGE = 1e-4  # where the samples held out cannot tell one strength from another
STEEP = 1e-3  # a norm that scales a unit by less than this of its largest scale cannot be counted on


def fold(layer: RepairedLayer) -> None:
    """Fit the consumer in the small network to the dense pre-activations, given the dense network's own kept
    inputs: what the removed units did is regressed on the kept ones and added to their weights, in place."""

    def moments(number: int) -> Generator[Sums]:
        module = weighted(layer.dense.model, layer.name)
        for call in watched(layer.dense, number, layer.calls):
            rows = input_rows(module, call.entering, layer.positions)[:, layer.features]
            yield gathered(rows, layer.kept(call.output), layer.rows)

    _fit(layer, *_collect(layer, moments))


def refit(layer: RepairedLayer) -> None:
    """Fit a layer of the small network given the inputs that it really has, with everything upstream already pruned
    and repaired, in place: to the dense pre-activations, or, where it feeds a sum, to what the small network's sum
    lacks of the dense one. Where a ReLU follows, a sum that is negative in both networks lacks nothing.

    The layer itself need not have lost anything: what reached it is no longer what it was trained on. A
    recurrent layer makes its own inputs, so it is folded first.
    """

    def moments(number: int) -> Generator[Sums]:
        module = weighted(layer.small.model, layer.name)
        for dense, small in layer.pairs(number):
            rows = input_rows(module, small.entering, layer.positions)
            yield gathered(rows, _wanted(layer, dense, small), layer.rows)

    _fit(layer, *_collect(layer, moments))


def _wanted(layer: RepairedLayer, dense: Call, small: Call) -> Tensor:
    """What the small layer should output, (row, output)."""
    if dense.total is None or small.total is None:
        return layer.kept(dense.output)
    module = weighted(layer.small.model, layer.name)
    own, has = (output_rows(module, values, layer.positions) for values in (small.output, small.total))
    lacks = layer.kept(dense.total)
    if layer.calls[0].rectified:
        lacks = torch.where(lacks > 0, lacks, has.clamp(max=0))
    return own + (lacks - has) * _inverse_slope(layer.small.model, small.norm, own)


def _inverse_slope(model: nn.Module, norm: str, like: Tensor) -> Tensor:
    """How much a layer's output must change for its norm's output to change by one, (output,); 0 where nothing helps."""
    if not norm:
        return like.new_ones(like.shape[1])
    layer: Any = model.get_submodule(norm)
    slope = (layer.running_var + layer.eps).rsqrt().to(like)
    if layer.weight is not None:
        slope = slope * layer.weight.detach().to(like)
    least = STEEP * slope.abs().max()
    return torch.where(slope.abs() > least, 1 / slope, 0)


def _fit(layer: RepairedLayer, fit: Sums, held: Sums) -> None:
    """Ridge regression of the wanted outputs on the inputs, pulled towards the present weights.

    The strength of the ridge is the one of ``RIDGES`` with the least error on every fifth batch of samples,
    which the fit has not seen; the present weights stay if none does better. Where they lose something on the
    samples of the fit alone, as of units that seldom fire, the samples held out cannot judge.
    """
    small = weighted(layer.small.model, layer.name)
    prior, biased = _solution(small), small.bias is not None
    if is_met(held, prior) and not is_met(fit, prior):
        _write(small, joined(fit, held).solve(prior, BLIND_RIDGE, biased))
        return
    errors = [held.error(fit.solve(prior, ridge, biased)) for ridge in RIDGES]
    best = min(range(len(RIDGES)), key=errors.__getitem__)
    if errors[best] < held.error(prior):
        _write(small, joined(fit, held).solve(prior, RIDGES[best], biased))


@torch.no_grad()
def _collect(layer: RepairedLayer, moments: Callable[[int], Iterable[Sums]]) -> tuple[Sums, Sums]:
    """Sums over the batches: to fit on, and of those that are held out; of a single sample, the same. One batch is in
    memory at a time."""
    parts: tuple[list, list] = ([], [])
    number = len(layer.dense.batches)
    for batch in range(number):
        sums = parts[held_out(batch, number)]
        for found in moments(batch):
            sums[:] = [sums[0] + found] if sums else [found]
    return (parts[0] or parts[1])[0], parts[1][0]


def _solution(layer: Weighted) -> Tensor:
    """Weights and bias as one matrix (feature + 1, output)."""
    weight = weight_matrix(layer)
    bias = weight.new_zeros(len(weight)) if layer.bias is None else layer.bias.detach().double()
    return torch.cat([weight, bias[:, None]], 1).T


def _write(layer: Weighted, solution: Tensor) -> None:
    with torch.no_grad():
        write_matrix(layer, solution[:-1].T)
        if layer.bias is not None:
            layer.bias.copy_(solution[-1])
