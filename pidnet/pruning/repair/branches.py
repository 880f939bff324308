"""Branches of a network that can go wholly: all units of a layer whose outputs are only added to something else.

When all units between the ends of a residual branch go, the layers at its end output their biases, and what the sum had beside the
branch passes on: the block is an identity, and a constant.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from pidnet.networks.inputs import Inputs, take
from pidnet.pruning.repair._streams import survey
from pidnet.pruning.structure.network import CuttableNetwork


def branches(network: CuttableNetwork, x: Inputs) -> list[str]:
    """The layers of which all units can go: whatever reads them reads nothing else and feeds sums, and the network then still
    runs, and still says something about its inputs."""
    few = take(x, slice(4))
    calls = survey(network.model, network.consumers(network.groups), few)
    loose = {call.layer for call in calls if call.total is None}
    found = [
        name
        for name, group in network.groups.items()
        if not group.tied_width
        and loose.isdisjoint(group.consumers)
        and all(columns.size == network.sizes(layer)[1] for layer, columns in group.consumers.items())
    ]
    together = bool(found) and _can_go(network, found, few)
    return [name for name in found if together or _can_go(network, [name], few)]


@torch.no_grad()
def _can_go(network: CuttableNetwork, names: Iterable[str], x: Inputs) -> bool:
    """Whether the network runs without these layers' units as if they were 0, and its outputs still differ as its inputs do."""
    units = {name: range(network.groups[name].units) for name in names}
    if network.fault_of_cut(units, x):
        return False
    dense, small = (each.run(x) for each in (network, network.without(units, shared=True)))
    return bool((small != small[:1]).any()) or not bool((dense != dense[:1]).any())
