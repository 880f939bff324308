"""The matrix log p(t_i | x_j), tile by tile: for each t_i, its information about the input and the label.

All in nats. X is uniform on the n samples; p(t) is the mixture of all inputs, p(t|y) that of the inputs of a class.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pidnet.channels import DensityChannel, Upstream

# Numbers in a tile: on a CPU 4 MB. Of 8 MB the memory goes back to the system each time, which cost a third of the time.
TILE = {"cpu": 2**19}
TILE_ELSEWHERE = 2**24
TINY = 1e-280

# With noise before the layer p(t|x) has a lower and an upper end: terms take the end that keeps them a bound.
TERMS = (
    "whole",  # log p(t|x) - log p(t)
    "whole_rest",  # the same with the mixture of the other inputs
    "within",  # log p(t|x) - log p(t|y)
    "within_rest",  # the same with the other inputs of the class
    "label",  # log p(t|y) - log p(t)
    "label_rest",  # log of the posterior of the label from the other inputs
    "own",  # posterior of the own input
)


@torch.no_grad()
def pointwise(
    channel: DensityChannel, y: Tensor, *, draws: int, rows: Tensor, generator: torch.Generator
) -> dict[str, Tensor]:
    """Each of ``TERMS`` as (draw, row)."""
    order = torch.argsort(y, stable=True)
    classes = _Classes(y[order])
    channel, places = channel.take(order), torch.argsort(order)[rows]
    found = []
    for _ in range(draws):
        t = channel.sample(generator)
        columns = len(channel) * (channel.draws if isinstance(channel, Upstream) else 1)
        tiles = places.split(max(1, TILE.get(t.device.type, TILE_ELSEWHERE) // columns))
        found.append(torch.cat([_tile(channel, t[tile], tile, classes) for tile in tiles], 1))
    return dict(zip(TERMS, torch.stack(found, 1), strict=True))


class _Classes:
    """Inputs sorted by class: the class of each, the sizes, and where each begins."""

    def __init__(self, y: Tensor) -> None:
        self.y, self.sizes = y, torch.bincount(y)
        self.cuts = self.sizes.tolist()
        self.begins = [sum(self.cuts[:c]) for c in range(len(self.cuts))]


def _tile(channel: DensityChannel, t: Tensor, tile: Tensor, classes: _Classes) -> Tensor:
    """``TERMS`` of some rows."""
    dense, lower, upper = _densities(channel, t, tile)
    k, y, n = torch.arange(len(tile), device=t.device), classes.y[tile], len(channel)
    by_class = _others(dense, y, classes)
    rest, inside = torch.logsumexp(by_class, 1), by_class[k, y]
    full, full_inside = torch.logaddexp(rest, upper), torch.logaddexp(inside, upper)
    size = classes.sizes[y].to(upper)
    columns = [
        lower - full + math.log(n),
        upper - rest + math.log(max(n - 1, 1)),
        lower - full_inside + size.log(),
        torch.where(size > 1, upper - inside + (size - 1).clamp(min=1).log(), math.inf),
        full_inside - size.log() - full + math.log(n),
        torch.where(inside > -math.inf, inside - rest, -math.inf),
        (lower - full).exp(),
    ]
    return torch.stack(columns)


def _densities(channel: DensityChannel, t: Tensor, tile: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """log p(t|x) of the other inputs, (row, sample), and a lower and an upper end for the own one, (row,).

    The draw of the noise upstream that made t is left out for the lower end and counted for the upper one.
    """
    k = torch.arange(len(tile), device=t.device)
    if isinstance(channel, Upstream):
        paths = channel.by_draw(t)
        own = paths[k, :, tile]
        upper = torch.logsumexp(own, 1) - math.log(channel.draws)
        lower = torch.logsumexp(own[:, 1:], 1) - math.log(channel.draws - 1)
        # Inputs that share the draw that made t would count it as their own.
        free = paths if channel.groups is None else paths[:, 1:]
        dense = torch.logsumexp(free, 1) - math.log(free.shape[1])
    else:
        dense = channel.log_density(t)
        lower = upper = dense[k, tile].clone()
    dense[k, tile] = -math.inf
    return dense, lower, upper


def _others(dense: Tensor, y: Tensor, classes: _Classes) -> Tensor:
    """Log of the sum over the other inputs of each class, (row, class)."""
    top = dense.amax(1, keepdim=True).clamp(min=-1e300)
    scaled = (dense - top).exp_()
    sums = torch.stack([part.sum(1) for part in scaled.split(classes.cuts, 1)], 1)
    logs = sums.log() + top
    # A class whose sum vanished beside the top is summed around its own maximum.
    lost = sums[torch.arange(len(y), device=y.device), y] < TINY
    for c in y[lost].unique().tolist():
        row = (lost & (y == c)).nonzero()[:, 0]
        begin = classes.begins[c]
        logs[row, c] = torch.logsumexp(dense[row, begin : begin + classes.cuts[c]], 1)
    return logs
