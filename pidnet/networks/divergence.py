"""How far the class distributions of two networks lie apart."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from pidnet.networks.inputs import Inputs, split
from pidnet.networks.running import scores


def divergence(dense: nn.Module, small: nn.Module, inputs: Inputs) -> float:
    """Mean KL(dense || small) of the class distributions over the samples, bits."""
    return float(divergences(dense, small, inputs).mean())


@torch.no_grad()
def divergences(dense: nn.Module, small: nn.Module, inputs: Inputs) -> Tensor:
    """KL(dense || small) of the class distributions of every sample, float64 bits (sample,)."""
    found = []
    for batch in split(inputs):
        p, q = (scores(model, batch).double().log_softmax(-1) for model in (dense, small))
        found.append((p.exp() * (p - q)).sum(-1) / math.log(2))
    return torch.cat(found)
