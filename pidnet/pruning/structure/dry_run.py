"""Try a cut on units that nobody reads: the output must stay as it was."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch

from pidnet.networks.inputs import Inputs
from pidnet.networks.kinds import axes
from pidnet.networks.running import same, scores
from pidnet.pruning.structure.groups import UnitsByLayer
from pidnet.pruning.structure.network import CuttableNetwork


@torch.no_grad()
def dry_run(network: CuttableNetwork, units: UnitsByLayer, x: Inputs) -> str:
    """Remove units from a copy of the network that does not use them, and compare its output on samples x.

    Returns what is wrong as a sentence, or an empty text.
    """
    silent = replace(network, model=copy.deepcopy(network.model))
    for name, indices in units.items():
        for consumer, columns in silent.groups[name].consumers.items():
            layer = silent.weighted(consumer)
            layer.weight.movedim(axes(layer)[1], 0)[columns[list(indices)].ravel()] = 0
    before = silent.run(x)
    removing = f"removing units of {', '.join(units)}"
    try:
        after = scores(silent.without(units).collapsed(), x)
    except Exception as error:
        return f"{removing} leaves a network that does not run: {error}"
    return "" if same(after, before) else f"{removing} changes the output even when no later layer uses them"
