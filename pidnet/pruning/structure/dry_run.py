"""Try a cut on units that nobody reads: the output must stay as it was."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor

from pidnet.networks.inputs import Inputs
from pidnet.networks.running import scores
from pidnet.pruning.structure.groups import UnitsByLayer
from pidnet.pruning.structure.network import CuttableNetwork

TOLERANCE = 1e-5


@torch.no_grad()
def dry_run(network: CuttableNetwork, units: UnitsByLayer, x: Inputs) -> str:
    """Remove units from a copy of the network that does not use them, and compare its output on samples x.

    Returns what is wrong as a sentence, or an empty text.
    """
    silent = replace(network, model=copy.deepcopy(network.model))
    for name, indices in units.items():
        for consumer, columns in silent.groups[name].consumers.items():
            silent.weighted(consumer).weight[:, columns[list(indices)].ravel()] = 0
    before = silent.run(x)
    removing = f"removing units of {', '.join(units)}"
    try:
        after = scores(silent.without(units).collapsed(), x)
    except Exception as error:
        return f"{removing} leaves a network that does not run: {error}"
    return "" if same(after, before) else f"{removing} changes the output even when no later layer uses them"


def same(after: Tensor, before: Tensor) -> bool:
    """Whether two outputs agree to 1e-5 of the largest, or to what half precision can hold."""
    if after.shape != before.shape:
        return False
    tolerance = max(TOLERANCE, 20 * torch.finfo(before.dtype).eps) if before.dtype.itemsize < 4 else TOLERANCE
    return bool((after - before).abs().max() <= tolerance * max(1.0, float(before.abs().max())))
