"""What is measured of a network while it trains, for stopping rules; the network is left as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from pidnet.activations import capture
from pidnet.codes import quantize
from pidnet.maps import layer_maps, profile
from pidnet.networks.inputs import Inputs, split, take
from pidnet.networks.running import restored, scores
from pidnet.pruning import gather
from pidnet.pruning.criteria.pid import Channel, choose
from pidnet.training.fit import share_right

BATCHES, BATCH = 8, 64  # whose gradients are compared
KEEP = 0.1  # share of the units that shall tell what the layer tells
UNITS = 24  # whose pairs are decomposed


Labelled = tuple[Inputs, Tensor]


class Monitor(NamedTuple):
    """Columns that are measured together, and how: from the model to one number each."""

    columns: tuple[str, ...]
    measure: Callable[[nn.Module], tuple[float, ...]]


class Predictions:
    """Loss on samples, and the share of predictions that changed since the call before."""

    def __init__(self, data: Labelled) -> None:
        self.data, self.before = data, None

    def __call__(self, model: nn.Module) -> tuple[float, float]:
        found = all_scores(model, self.data[0])
        predicted, before = found.argmax(-1), self.before
        self.before = predicted
        changed = float("nan") if before is None else float((predicted != before).double().mean())
        return float(cross_entropy(found, self.data[1])), changed


def gradients(data: Labelled, model: nn.Module) -> tuple[float, float]:
    """Mean distance between gradients of batches, and the evidence that their mean is 0.

    disparity = mean over pairs of batches of |g_i - g_j|, each loss divided by the spread of its batch's losses.
    evidence = 1 - (B - 3) / (B - 1) mean over weights of B mean(g)^2 / var(g): the paper's criterion with batches in
    the place of samples; the factor makes its mean 0 where the gradient is noise.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    x, y = data
    size = min(BATCH, len(y) // BATCHES)
    rows, scales = [], []
    # cuDNN gives no gradient of a recurrent layer in eval mode
    with restored(model), torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        for k in range(BATCHES):
            part = slice(k * size, (k + 1) * size)
            found = scores(model, take(x, part))
            losses = cross_entropy(found, y[part].to(found.device), reduction="none")
            made = torch.autograd.grad(losses.mean(), parameters, materialize_grads=True)
            rows.append(torch.cat([gradient.flatten() for gradient in made]).double())
            scales.append(losses.detach().double().std())
    g = torch.stack(rows)
    scaled = g / torch.stack(scales).clamp_min(torch.finfo(g.dtype).tiny)[:, None]
    return float(torch.pdist(scaled).mean()), _evidence(g)


def _evidence(g: Tensor) -> float:
    variance, batches = g.var(0), len(g)
    noisy = variance > 0
    ratio = batches * g.mean(0)[noisy] ** 2 / variance[noisy]
    return 1 - (batches - 3) / (batches - 1) * float(ratio.mean()) if len(ratio) else 1.0


def unexplained(data: Labelled, layer: str, seed: int, model: nn.Module) -> tuple[float]:
    """The share of what the layer tells the next ones that its best tenth of units cannot tell."""
    statistics = gather(model, data, [layer], seed)
    width = max(1, round(KEEP * statistics.width(layer)))
    kept = choose(statistics, layer, width, None, forward=True, exchange=False)
    left = whole = 0.0
    for consumer in statistics.consumers(layer):
        weight, _ = statistics.link(layer, consumer)
        channel = Channel.of(statistics, layer, consumer, None, kept=False)
        whole += _unsaid(channel, weight)
        channel.sweep(kept)
        left += _unsaid(channel, weight)
    return (left / whole if whole > 0 else 0.0,)


def _unsaid(channel: Channel, weight: np.ndarray) -> float:
    """The variance of what the layer tells a consumer that the units in the channel cannot tell: tr(V Cov(F, V F))
    over the features F of the other units, given these."""
    rest = channel.owned[~channel.kept].ravel()
    return float(np.sum(weight.T[rest] * channel.table[rest, len(channel.covariance) :]))


def make_up(data: Labelled, layer: str, seed: int, model: nn.Module) -> tuple[float, float]:
    """Shares of redundancy and synergy, by I_min, of the pairs of some units of the layer."""
    codes = quantize(capture(model, data, [layer]))
    width = codes.layers[layer].values.shape[1]
    drawn = np.sort(np.random.default_rng(seed).permutation(width)[:UNITS])
    found = profile(layer_maps(codes.take_layer(layer, drawn), "i_min", null="none"))
    return float(found.shares["redundancy"][0]), float(found.shares["synergy"][0])


def loss_of(data: Labelled, model: nn.Module) -> tuple[float]:
    """Cross-entropy, nats."""
    return (float(cross_entropy(all_scores(model, data[0]), data[1])),)


def accuracy_of(data: Labelled, model: nn.Module) -> tuple[float]:
    """Share of samples that are classified right."""
    return (share_right(all_scores(model, data[0]), data[1]),)


def monitors(
    data: Labelled, held_out: Labelled | None, test: Labelled | None, layer: str, seed: int
) -> list[Monitor]:
    """All that can be measured on these data; ``layer`` is the one whose units are looked at."""
    found = [
        Monitor(("loss", "changes"), Predictions(data)),
        Monitor(("disparity", "evidence"), partial(gradients, data)),
        Monitor(("unexplained",), partial(unexplained, data, layer, seed)),
        Monitor(("redundancy", "synergy"), partial(make_up, data, layer, seed)),
    ]
    if held_out is not None:
        found.append(Monitor(("held_out_loss",), partial(loss_of, held_out)))
    if test is not None:
        found.append(Monitor(("test_accuracy",), partial(accuracy_of, test)))
    return found


def last_layer(model: nn.Module, data: Labelled) -> str:
    """The last layer whose units can be cut; ValueError where there is none, with the reasons."""
    return gather(model, data).layers[-1]


def some_samples(data: Labelled, number: int, seed: int) -> Labelled:
    """So many samples, drawn once; all where there are fewer."""
    x, y = data
    drawn = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))[:number]
    return take(x, drawn.tolist()), y[drawn]


@torch.no_grad()
def all_scores(model: nn.Module, x: Inputs) -> Tensor:
    """(sample, class), on the CPU."""
    with restored(model):
        return torch.cat([scores(model, batch).cpu() for batch in split(x)])
