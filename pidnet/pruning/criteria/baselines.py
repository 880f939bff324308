"""Criteria from the literature that look at weights, gradients and single units, for comparison."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pidnet.networks.batches import batches
from pidnet.networks.hooks import record_calls
from pidnet.networks.inputs import Inputs, mapped, take
from pidnet.networks.kinds import BATCHNORMS
from pidnet.networks.linear_map import input_rows, output_rows
from pidnet.networks.outputs import check_labels
from pidnet.pruning.criteria._gathering import with_gradient
from pidnet.pruning.criteria.ranking import Ranking, ascending
from pidnet.pruning.criteria.statistics import CalibrationStatistics

CHIP_SAMPLES = 64


def random(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Units in random order, by the seed of the plan and the name of the layer."""
    generator = np.random.default_rng([statistics.seed, *layer.encode()])
    return ascending(generator.random(statistics.width(layer)))


def l1(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Sum of the absolute incoming weights of a unit (Li et al. 2017, arXiv:1608.08710)."""
    return ascending(np.sum([np.abs(w).sum(1) for w in incoming(statistics, layer)], axis=0))


def l2(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Euclidean norm of the incoming weights of a unit."""
    return ascending(np.sqrt(np.sum([(w**2).sum(1) for w in incoming(statistics, layer)], axis=0)))


def bn_scale(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Absolute scale that BatchNorm gives a unit, summed over the norms (Liu et al. 2017, arXiv:1708.06519).

    Raises ValueError for units without a BatchNorm with weights.
    """
    followers = statistics.network.groups[layer].followers.items()
    norms = [(statistics.network.model.get_submodule(name), channels) for name, channels in followers]
    scales = [
        np.abs(norm.weight.detach().double().cpu().numpy())[channels].sum(1)
        for norm, channels in norms
        if isinstance(norm, BATCHNORMS) and norm.weight is not None
    ]
    if not scales:
        raise ValueError(f"criterion 'bn_scale' needs a BatchNorm after layer {layer!r}, which has none")
    return ascending(np.sum(scales, axis=0))


def fpgm(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Sum of the distances of a unit's incoming weights to those of the others: what lies near the geometric
    median goes first (He et al. 2019, arXiv:1811.00250)."""
    weights = np.concatenate(incoming(statistics, layer), axis=1)
    squares = (weights**2).sum(1)
    distances = np.sqrt((squares[:, None] + squares - 2 * weights @ weights.T).clip(min=0))
    return ascending(distances.sum(1))


def taylor(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Mean over samples of |sum of activation times gradient of the cross-entropy with the labels|, the
    first-order change of the loss when the unit is zero (Molchanov et al. 2017, arXiv:1611.06440)."""
    check_labels(statistics.y)
    total = np.zeros(statistics.width(layer))
    for x, y in batches((statistics.x, statistics.y), 256):
        total += _first_order(statistics, layer, x, y)
    return ascending(total / len(statistics.y))


def _first_order(statistics: CalibrationStatistics, layer: str, x: Inputs, y: Tensor) -> np.ndarray:
    """Sum over a batch of a unit's absolute first-order change, (unit,)."""
    seen: list[tuple[str, Tensor, Tensor]] = []
    names = statistics.consumers(layer)
    with (
        torch.enable_grad(),
        record_calls(
            statistics.network.model,
            names,
            lambda name, _, inputs, output: seen.append((name, inputs, output)),
        ),
    ):
        scores = statistics.network.run(mapped(with_gradient, x))
        loss = statistics.network.reading.loss(scores, y)
        gradients = torch.autograd.grad(loss, [output for *_, output in seen], materialize_grads=True)
    change = np.zeros((len(y), statistics.width(layer)))
    for (name, inputs, _), gradient in zip(seen, gradients, strict=True):
        consumer = statistics.network.weighted(name)
        back = output_rows(consumer, gradient).cpu().numpy() @ statistics.weights(name)
        product = (input_rows(consumer, inputs.detach()).cpu().numpy() * back).reshape(
            len(y), -1, back.shape[1]
        )
        change += product.sum(1)[:, statistics.owned(layer, name)].sum(2)
    return np.abs(change).sum(0)


def chip(statistics: CalibrationStatistics, layer: str) -> Ranking:
    """Channel independence: how much the nuclear norm of a sample's feature maps (unit, position) falls when
    the unit is zero, a mean over the first 64 samples (Sui et al. 2021, arXiv:2110.13981)."""
    maps = statistics.feature_maps(layer, take(statistics.x, slice(CHIP_SAMPLES)))
    gram = maps @ maps.mT
    whole = _nuclear_norm(gram)
    others = [[k for k in range(gram.shape[1]) if k != unit] for unit in range(gram.shape[1])]
    fall = [float((whole - _nuclear_norm(gram[:, left][:, :, left])).mean()) for left in others]
    return ascending(np.array(fall))


def _nuclear_norm(gram: Tensor) -> Tensor:
    """Sum of the singular values of each matrix A of a batch, from A A^T."""
    return torch.linalg.eigvalsh(gram).clip(min=0).sqrt().sum(-1)


def incoming(statistics: CalibrationStatistics, layer: str) -> list[np.ndarray]:
    """Weights of the producers of a layer's units, each (unit, feature)."""
    producers = statistics.network.groups[layer].producers.items()
    return [statistics.weights(name)[rows].reshape(len(rows), -1) for name, rows in producers]
