"""BatchNorm statistics of a pruned network, estimated anew where that helps."""

from __future__ import annotations

import copy

import torch
from torch import nn

from pidnet.networks.inputs import Inputs, parted, samples, split
from pidnet.networks.kinds import BATCHNORMS
from pidnet.networks.running import run
from pidnet.pruning.structure.network import CuttableNetwork


def reestimate(dense: CuttableNetwork, small: CuttableNetwork, x: Inputs) -> bool:
    """Replace the running means and variances of the small network by those of the samples, in place, if that
    brings its output nearer to the dense one's; returns whether it did. Nearer is less divergence of what the
    output says on every fifth sample, by statistics of the others."""
    norms = [m for m in small.model.modules() if isinstance(m, BATCHNORMS) and m.running_mean is not None]
    if not norms:
        return False
    rest, held = parted(x)
    before = dense.loss(small, held)
    kept = [copy.deepcopy(norm.state_dict()) for norm in norms]
    _gather(small.model, norms, rest)
    if dense.loss(small, held) < before:
        _gather(small.model, norms, x)
        return True
    for norm, state in zip(norms, kept, strict=True):
        norm.load_state_dict(state)
    return False


@torch.no_grad()
def _gather(model: nn.Module, norms: list, x: Inputs) -> None:
    """Averages over all samples, in training mode for the norms alone."""
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
    try:
        seen = 0
        for batch in split(x):
            seen += samples(batch)
            for norm in norms:
                norm.momentum = samples(batch) / seen
            if samples(batch) > 1:
                run(model, batch)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            norm.eval()
