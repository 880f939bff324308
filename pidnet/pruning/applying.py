"""Carry out a plan: a new, really smaller model."""

from __future__ import annotations

from torch import nn

from pidnet.arguments import check_arguments
from pidnet.networks.batches import Data, maybe_labelled
from pidnet.networks.inputs import Inputs, take
from pidnet.pruning.plans.plan import PruningPlan
from pidnet.pruning.repair.branches import branches
from pidnet.pruning.repair.running import Repair, cut_and_repair, find_repair
from pidnet.pruning.structure.discovery import discover
from pidnet.pruning.structure.groups import UnitsByLayer
from pidnet.pruning.structure.network import CuttableNetwork


def apply_plan(
    model: nn.Module,
    plan: PruningPlan,
    data: Data,
    repair: str | Repair = "refit",
    *,
    batchnorm: bool | None = None,
) -> nn.Module:
    """A smaller copy of a model without the units that the plan leaves out; the model itself is untouched.

    Parameters
    ----------
    model
        The network that the plan was made for.
    plan
        Which units are kept.
    data
        Anything that ``capture`` takes: a pair (x, y), a list of batches, a loader, with labels or, as (x, None), without: the
        repair is fitted to the inputs.
    repair
        "none"; "fold" adds what the kept units predict of the removed ones to the next layer's weights; "refit"
        then fits every layer from there on to the dense network's pre-activations, given what reaches it, or, where
        it feeds a sum as in residual networks, to what the sum lacks;
        "reconstruct" also lets the kept units move: all weights from the first cut on are fitted together to what the
        dense network makes, by twice 720 gradient steps of 32 samples (half of them blends of two) without labels, if the
        fifth of the samples that no fit sees gains (``pidnet.pruning.repair.reconstruction``). Or a function
        (dense, small, removed units by layer, x) that repairs the small network in place.
    batchnorm
        Re-estimate BatchNorm statistics on the samples after the repair, where that brings the output on every fifth
        of them nearer to the dense one; None does so after "refit" and "reconstruct".

    Returns
    -------
    torch.nn.Module
        In eval mode, and checked: its parameters fell, its output has the dense shape, and removing these units
        from a network that does not use them changes nothing.

    Raises
    ------
    ValueError
        For an unknown repair, inputs on which the model does not run, or a plan that does not fit the model.
    RuntimeError
        Where a check fails.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> plan = pn.plan_pruning(net, data, keep=0.25, criterion="l1")
    >>> pn.apply_plan(net, plan, data).fc1
    Linear(in_features=8, out_features=4, bias=True)
    """
    check_arguments(apply_plan, locals())
    find_repair(repair)
    if not isinstance(plan, PruningPlan):
        raise TypeError(
            f"the plan is a {type(plan).__name__}; expected a PruningPlan, as plan_pruning makes it"
        )
    x, y = maybe_labelled(data)
    dense = discover(model, x, plan.settings.get("entry", "")).read(x, y, plan.settings.get("output"))
    units = units_to_remove(plan, dense, x)
    if fault := dense.fault_of_cut(units, take(x, slice(2))):
        raise RuntimeError(f"{fault}; the plan was not applied")
    small = cut_and_repair(dense, units, x, repair, batchnorm=batchnorm)
    _check_smaller(dense, small, units)
    return small.collapsed()


def shrink(model: nn.Module, plan: PruningPlan, example: Inputs) -> nn.Module:
    """A copy of ``model`` cut by the plan without any repair, checked on an example input."""
    dense = discover(model, example, plan.settings.get("entry", ""))
    return dense.without(units_to_remove(plan, dense, example)).collapsed()


def units_to_remove(plan: PruningPlan, network: CuttableNetwork, x: Inputs) -> dict[str, list[int]]:
    """Layer -> units that are not in the plan's ``kept``. Raises ValueError where the plan does not fit."""
    free = branches(network, x) if not all(plan.kept.values()) else []
    gone = network.idle(network.widths | dict.fromkeys(free, 0))
    removed = {name: _removed(plan, network, name, not gone.get(name, 1)) for name in plan.kept}
    numbers = {name: len(removed.get(name, [])) for name in network.groups}
    for names in network.tied:
        for name in names:
            if numbers[name] != numbers[names[0]]:
                raise ValueError(
                    f"the plan removes {numbers[names[0]]} units of {names[0]!r} and {numbers[name]} of "
                    f"{name!r}; all layers and directions of a recurrent module keep the same number"
                )
    return removed


def _removed(plan: PruningPlan, network: CuttableNetwork, name: str, free: bool) -> list[int]:
    """free: whether all of them can go."""
    group, kept = network.layer(name), plan.kept[name]
    width = group.units
    if not (kept or free) or not set(kept) <= set(range(width)):
        raise ValueError(
            f"the plan keeps {kept} of layer {name!r}; expected some of the units 0 to {width - 1}"
        )
    if plan.units.get(name, width) != width:
        raise ValueError(
            f"the plan was made for {plan.units[name]} units of layer {name!r}, which has {width}: it is "
            "already pruned, or another model; make a plan for the model at hand"
        )
    return group.others(kept)


def _check_smaller(dense: CuttableNetwork, small: CuttableNetwork, units: UnitsByLayer) -> None:
    sizes = [sum(p.numel() for p in network.model.parameters()) for network in (dense, small)]
    if any(units.values()) and sizes[1] >= sizes[0]:
        raise RuntimeError(
            f"the cut left {sizes[1]} of {sizes[0]} parameters; the network was not made smaller"
        )
