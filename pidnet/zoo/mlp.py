"""Fully connected networks."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import nn

from pidnet.arguments import check_arguments
from pidnet.zoo.variants import Variant, as_variant


def mlp(inputs: int, hidden: tuple[int, ...], outputs: int, *, variant: Variant = "plain") -> nn.Module:
    """A ReLU network with layers named fc1, fc2, ... and head.

    Parameters
    ----------
    inputs : int
        Number of features.
    hidden : tuple of int
        Units of each hidden layer.
    outputs : int
        Number of classes.
    variant : str
        "plain", "binarized", "int8", "int4", "bayesian" or "stochastic".

    Returns
    -------
    nn.Module
        The network, untrained, in training mode.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> pn.zoo.mlp(64, (16,), 10)(torch.zeros(2, 64)).shape
    torch.Size([2, 10])
    """
    check_arguments(mlp, locals())
    if min(inputs, outputs, *hidden) < 1:
        raise ValueError(
            f"inputs={inputs}, hidden={hidden}, outputs={outputs}; expected at least 1 unit everywhere"
        )
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for depth, (before, after) in enumerate(pairwise((inputs, *hidden)), start=1):
        layers[f"fc{depth}"] = nn.Linear(before, after)
        layers[f"relu{depth}"] = nn.ReLU()
    layers["head"] = nn.Linear((inputs, *hidden)[-1], outputs)
    return as_variant(nn.Sequential(layers), variant)
