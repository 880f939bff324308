"""A pruning plan in the forms of other tools: the groups of torch-pruning, the masks of ``torch.nn.utils.prune``."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import prune

from pidnet.arguments import check_arguments
from pidnet.networks.batches import Data, maybe_labelled
from pidnet.networks.kinds import CONVOLUTIONS
from pidnet.networks.unwrapping import unwrapped
from pidnet.optional import optional_module
from pidnet.pruning.applying import units_to_remove
from pidnet.pruning.plans.plan import PruningPlan
from pidnet.pruning.structure.discovery import discover
from pidnet.pruning.structure.removal import removed_channels


def torch_pruning_groups(
    model: nn.Module, plan: PruningPlan, data: Data
) -> list[tuple[nn.Module, Any, list[int]]]:
    """A plan as torch-pruning takes it: for each layer the module, the pruning function and the indices.

    Pass each to ``DependencyGraph.get_pruning_group(*entry)``, which finds the coupled layers itself. torch-pruning does
    not repair; ``apply_plan`` does.

    Parameters
    ----------
    model : nn.Module
        The network that the plan was made for; the modules returned are its own.
    plan : PruningPlan
        Which units are kept.
    data : (x, y), list of such batches, or DataLoader
        Samples; the first ones are run to find the coupled layers.

    Returns
    -------
    list of (nn.Module, function, list of int)
        One entry for each layer of the plan that loses units.

    Raises
    ------
    ImportError
        Without torch-pruning.
    ValueError
        For units that are no rows of a Linear or convolution, such as those of an LSTM or attention heads.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> from pidnet.integrations import torch_pruning_groups
    >>> net, data = pn.zoo.mlp(4, (3,), 2), (torch.randn(20, 4), torch.arange(20) % 2)
    >>> plan = pn.PruningPlan({"fc1": [0, 2]}, {}, "by hand", units={"fc1": 3})
    >>> [(module, rows) for module, _, rows in torch_pruning_groups(net, plan, data)]
    [(Linear(in_features=4, out_features=3, bias=True), [1])]
    """
    check_arguments(torch_pruning_groups, locals())
    tool = optional_module("torch_pruning", "pip install torch-pruning")
    channels, _ = _removed(model, plan, data)
    modules = dict(unwrapped(model).named_modules())
    return [
        (
            modules[name],
            tool.prune_conv_out_channels
            if isinstance(modules[name], CONVOLUTIONS)
            else tool.prune_linear_out_channels,
            channels[name].tolist(),
        )
        for name in plan.kept
        if len(channels.get(name, []))
    ]


def masked(model: nn.Module, plan: PruningPlan, data: Data) -> nn.Module:
    """A copy of the model whose removed units are masked by ``torch.nn.utils.prune``, not taken out.

    The weights and biases of the removed units, and the scales and shifts of a BatchNorm behind them, get the mask 0.
    The units are then 0 after any nonlinearity with f(0) = 0, so that the output is that of the smaller network without
    repair. ``prune.remove`` makes the masks permanent. A masked network saves nothing: ``apply_plan`` does.

    Parameters
    ----------
    model : nn.Module
        The network that the plan was made for.
    plan : PruningPlan
        Which units are kept.
    data : (x, y), list of such batches, or DataLoader
        Samples; the first ones are run to find the coupled layers.

    Returns
    -------
    nn.Module
        A copy with parameters ``weight_orig`` and buffers ``weight_mask``, and so on.

    Raises
    ------
    ValueError
        For units that are no rows of a Linear or convolution, such as those of an LSTM or attention heads.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> from pidnet.integrations import masked
    >>> net, data = pn.zoo.mlp(4, (3,), 2), (torch.randn(20, 4), torch.arange(20) % 2)
    >>> plan = pn.PruningPlan({"fc1": [0, 2]}, {}, "by hand", units={"fc1": 3})
    >>> masked(net, plan, data).fc1.bias_mask
    tensor([1., 0., 1.])
    """
    check_arguments(masked, locals())
    channels, followers = _removed(model, plan, data)
    small = copy.deepcopy(unwrapped(model))
    for name, indices in (*channels.items(), *followers.items()):
        _mask(small.get_submodule(name), indices)
    return small


def _removed(
    model: nn.Module, plan: PruningPlan, data: Data
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Module -> rows that go, of the layers that make the units and of those that follow them channel by channel."""
    example = maybe_labelled(data)[0]
    network = discover(model, example)
    units = units_to_remove(plan, network, example)
    modules = dict(unwrapped(model).named_modules())
    found = [removed_channels(network.groups, units, kind) for kind in ("producers", "followers")]
    for name in plan.kept:
        inner = [
            made for made in network.groups[name].producers if not isinstance(modules.get(made), nn.Module)
        ]
        if inner or name not in modules or network.groups[name].counters:
            raise ValueError(
                f"the units of {name!r} are no rows of one Linear or convolution, so other tools have no form for them; "
                "leave that layer out of the plan, or use apply_plan"
            )
    return found[0], found[1]


def _mask(module: nn.Module, channels: np.ndarray) -> None:
    """Mask some channels of a module's weight and bias, where it has them."""
    for name in ("weight", "bias"):
        values = getattr(module, name, None)
        if values is not None:
            mask = torch.ones_like(values)
            mask[torch.as_tensor(channels, device=values.device)] = 0
            prune.custom_from_mask(module, name, mask)
