"""Fully connected networks."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import nn

from pidnet.zoo.variants import Flavor, flavored


def mlp(inputs: int, hidden: tuple[int, ...], outputs: int, *, flavor: Flavor = "plain") -> nn.Module:
    """A ReLU network with layers named fc1, fc2, ... and head.

    inputs, hidden, outputs: numbers of features, of units of each hidden layer, and of outputs.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for depth, (before, after) in enumerate(pairwise((inputs, *hidden)), start=1):
        layers[f"fc{depth}"] = nn.Linear(before, after)
        layers[f"relu{depth}"] = nn.ReLU()
    layers["head"] = nn.Linear((inputs, *hidden)[-1], outputs)
    return flavored(nn.Sequential(layers), flavor)
