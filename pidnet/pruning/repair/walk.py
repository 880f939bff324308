"""The dense and the small network on the same batches, gone through together from front to back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from pidnet.networks.inputs import Inputs, interleaved, samples, take
from pidnet.networks.kinds import PRODUCERS, weighted
from pidnet.networks.linear_map import features, output_rows
from pidnet.networks.replay import Replay
from pidnet.pruning.repair._moments import positions
from pidnet.pruning.repair._streams import Call, survey, watched
from pidnet.pruning.structure.groups import UnitsByLayer
from pidnet.pruning.structure.network import CuttableNetwork


@dataclass(frozen=True, eq=False)
class RepairedLayer:
    """A layer in the dense and in the small network, which run on the same batches.

    features, outputs: what the small one kept of it, indices of input features and of outputs. calls: its calls in one
    run, as the dense network was surveyed. samples: how many there are in all.
    """

    name: str
    dense: Replay
    small: Replay
    features: Tensor
    outputs: Tensor
    calls: list[Call]
    samples: int

    @property
    def positions(self) -> int:
        """At how many positions of each sample the layer is looked at."""
        return positions(len(self.features), self.samples)

    @property
    def rows(self) -> int:
        """How many rows of one batch and call are looked at, where they are limited."""
        return max(1, self.samples * self.positions // (len(self.dense.batches) * len(self.calls)))

    def pairs(self, number: int) -> list[tuple[Call, Call]]:
        """(dense, small) calls on one batch."""
        dense, small = (watched(replay, number, self.calls) for replay in (self.dense, self.small))
        return list(zip(dense, small, strict=True))

    def kept(self, values: Tensor) -> Tensor:
        """What the dense layer outputs, or the sum it feeds, of the kept outputs alone, as rows."""
        return output_rows(weighted(self.dense.model, self.name), values, self.positions)[:, self.outputs]


@dataclass(eq=False)
class Walk:
    """dense: the network. small: what is left of it without the units, changed in place from front to back.

    order: the layers that may be fitted anew, as they run. calls: their calls in one run, in order.
    """

    networks: tuple[CuttableNetwork, CuttableNetwork]
    units: UnitsByLayer
    dense: Replay
    small: Replay
    order: list[str]
    calls: list[Call]

    @staticmethod
    def of(dense: CuttableNetwork, small: CuttableNetwork, units: UnitsByLayer, x: Inputs) -> Walk:
        """At the front of the network, with the samples in batches of at most ``BATCH``."""
        batches = interleaved(x)
        order = running_from(dense, dense.consumers(units), x)
        calls = survey(dense.model, order, take(x, slice(2)))
        replays = Replay(dense.model, batches), Replay(small.model, batches)
        return Walk((dense, small), units, *replays, order, calls)

    @property
    def lost(self) -> list[str]:
        """The layers that have lost inputs, as they run."""
        lost = self.networks[0].consumers(self.units)
        return [name for name in self.order if name in lost]

    @property
    def returns(self) -> bool:
        """Whether a layer that has lost inputs runs again after another one of them."""
        lost = set(self.lost)
        turns = [name for name, _ in groupby(call.layer for call in self.calls if call.layer in lost)]
        return len(turns) > len(set(turns))

    def to(self, name: str) -> RepairedLayer:
        """Go on to a layer: whatever has run before it is settled."""
        self.dense.reach(name)
        self.small.reach(name)
        return self.layer(name)

    def layer(self, name: str) -> RepairedLayer:
        """The layer with the input features and outputs that it has left."""
        dense, _ = self.networks
        columns, rows = dense.left_of(name, self.units)
        kept = torch.tensor(features(dense.weighted(name), columns)), torch.tensor(rows)
        calls = [call for call in self.calls if call.layer == name]
        total = sum(samples(batch) for batch in self.dense.batches)
        return RepairedLayer(name, self.dense, self.small, *kept, calls, total)


def running_from(network: CuttableNetwork, consumers: Sequence[str], x: Inputs) -> list[str]:
    """The consumers and all layers after the first of them that one linear map describes, as they run. A layer
    that shares its weights with another one is left as it is."""
    modules = dict(network.model.named_modules())
    holders = Counter(id(p) for module in modules.values() for p in module.parameters(recurse=False))
    names = [
        name
        for name, layer in modules.items()
        if name in consumers
        or (
            isinstance(layer, PRODUCERS)
            and getattr(layer, "groups", 1) == 1
            and holders[id(layer.weight)] == 1
        )
    ]
    order = network.order(names, x)
    return order[min((order.index(name) for name in consumers), default=len(order)) :]
