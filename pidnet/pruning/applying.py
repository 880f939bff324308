"""Carry out a plan: a new, really smaller model."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from tqdm import tqdm

from pidnet.names import REPAIRS
from pidnet.networks.batches import labelled
from pidnet.networks.expanded import collapse, expand
from pidnet.networks.hooks import record_calls
from pidnet.networks.kinds import PRODUCERS
from pidnet.networks.running import check_runs, scores
from pidnet.pruning.plans.plan import PruningPlan
from pidnet.pruning.repair.batchnorm import reestimate
from pidnet.pruning.repair.least_squares import fold, junction, refit
from pidnet.pruning.repair.reconstruction import reconstruct
from pidnet.pruning.structure.discovery import Prunable, survey
from pidnet.pruning.structure.dry_run import same, trial
from pidnet.pruning.structure.removal import Removal, cut


def apply_plan(
    model: nn.Module,
    plan: PruningPlan,
    calibration: tuple[Tensor, Tensor],
    repair: str = "refit",
    *,
    batchnorm: bool | None = None,
) -> nn.Module:
    """A smaller copy of ``model`` without the units that the plan leaves out; ``model`` is untouched.

    repair: "none"; "fold" adds what the kept units can say of the removed ones to the next layer's weights;
    "refit" then fits every layer from there on to the dense network's pre-activations, given what reaches it;
    "reconstruct" also lets the kept units move, their own weights and the next layer's together, which takes
    seconds a layer and helps most in deep cuts (``pidnet.pruning.repair.reconstruction``).
    batchnorm: re-estimate BatchNorm statistics on the samples after the repair, where that brings the output
    nearer to the dense one; None does so after "refit" and "reconstruct".
    The result is in eval mode and has been checked: its parameters fell, its output has the dense shape, and
    cutting these units from a network that does not use them changes nothing.
    Raises ValueError for an unknown repair, calibration inputs on which the model does not run, or a plan that
    does not fit the model; RuntimeError where a check fails.
    """
    if repair not in REPAIRS:
        raise ValueError(f"unknown repair {repair!r}; the known ones are {', '.join(REPAIRS)}")
    x, _ = labelled(calibration)
    check_runs(expand(model), x[:2])
    dense = expanded_copy(model, x[:2])
    prunable, refused = survey(dense, x)
    remove = units_to_remove(plan, prunable, refused)
    check_surgery(dense, prunable, remove, x[:2])
    small = cut_copy(dense, prunable, remove)
    _check_smaller(dense, small, remove)
    repair_all(dense, small, prunable, remove, x, repair, batchnorm=batchnorm)
    return collapse(small)


def shrink(model: nn.Module, plan: PruningPlan, example: Tensor) -> nn.Module:
    """A copy of ``model`` cut by the plan without any repair, checked on an example input."""
    dense = expand(model)
    prunable, refused = survey(dense, example)
    return collapse(cut_copy(dense, prunable, units_to_remove(plan, prunable, refused)))


def repair_all(
    dense: nn.Module,
    small: nn.Module,
    prunable: Mapping[str, Prunable],
    remove: Removal,
    x: Tensor,
    repair: str,
    *,
    batchnorm: bool | None = None,
) -> None:
    """Fold the removed units into every layer that has lost inputs, then refit it and all layers that run
    after it, in place, in the order in which they run; units are reconstructed when all that read them have
    been refitted."""
    remove = {name: units for name, units in remove.items() if len(units)}
    touched = {name: prunable[name] for name in remove}
    readers = list(dict.fromkeys(reader for p in touched.values() for reader in p.consumers))
    refits = repair in ("refit", "reconstruct")
    order = running_from(dense, readers, x) if refits else readers
    place = {name: junction(name, dense, small, touched, remove) for name in order}
    steps: list[Callable[[Tensor], None]] = []
    if repair != "none":
        steps += [partial(fold, place[name]) for name in readers]
    for name in order if refits else []:
        steps.append(partial(refit, place[name]))
        if repair == "reconstruct":
            complete = [p for p in touched.values() if max(p.consumers, key=order.index) == name]
            steps += [partial(reconstruct, p, [place[reader] for reader in p.consumers]) for p in complete]
    for step in tqdm(steps, desc="repairing", delay=1, disable=None, leave=False):
        step(x)
    if refits if batchnorm is None else batchnorm:
        reestimate(dense, small, x)


def cut_copy(dense: nn.Module, prunable: Mapping[str, Prunable], remove: Removal) -> nn.Module:
    """A copy of an expanded model without these units."""
    small = copy.deepcopy(dense)
    cut(small, prunable, remove)
    return small


def units_to_remove(
    plan: PruningPlan, prunable: Mapping[str, Prunable], refused: Mapping[str, str] | None = None
) -> dict[str, list[int]]:
    """Layer -> units that are not in the plan's ``kept``. Raises ValueError where the plan does not fit."""
    remove = {}
    for name, kept in plan.kept.items():
        check_layer(name, prunable, refused or {})
        units = prunable[name].units
        if not kept or not set(kept) <= set(range(units)):
            raise ValueError(
                f"the plan keeps {kept} of layer {name!r}; expected some of the units 0 to {units - 1}"
            )
        if plan.units.get(name, units) != units:
            raise ValueError(
                f"the plan was made for {plan.units[name]} units of layer {name!r}, which has {units}: it is "
                "already pruned, or another model; make a plan for the model at hand"
            )
        remove[name] = sorted(set(range(units)) - set(kept))
    _check_same_sizes(prunable, {name: len(units) for name, units in remove.items()})
    return remove


def check_layer(name: str, prunable: Mapping[str, Prunable], refused: Mapping[str, str]) -> None:
    """ValueError, with the reason, unless the layer can be cut."""
    if name in prunable:
        return
    known = ", ".join(map(repr, prunable))
    owner = next((p.name for p in prunable.values() if name in p.producers), None)
    if name in refused:
        raise ValueError(f"layer {name!r} cannot be cut: {refused[name]}; what can be cut is {known}")
    if owner:
        raise ValueError(f"the units of {name!r} go together with those of {owner!r}; name that layer")
    raise ValueError(f"no such layer to cut: {name!r}; what can be cut is {known}")


def _check_same_sizes(prunable: Mapping[str, Prunable], gone: Mapping[str, int]) -> None:
    for name, p in prunable.items():
        others = [other for other in prunable.values() if p.same_size and other.same_size == p.same_size]
        for other in others:
            if gone.get(name, 0) != gone.get(other.name, 0):
                raise ValueError(
                    f"the plan removes {gone.get(name, 0)} units of {name!r} and {gone.get(other.name, 0)} of "
                    f"{other.name!r}; all layers and directions of a recurrent module keep the same number"
                )


def running_from(model: nn.Module, readers: Sequence[str], x: Tensor) -> list[str]:
    """The readers and all layers after the first of them that one linear map describes, as they run. A layer
    that shares its weights with another one is left as it is."""
    holders = Counter(id(p) for module in model.modules() for p in module.parameters(recurse=False))
    names = [
        name
        for name, layer in model.named_modules()
        if name in readers
        or (
            isinstance(layer, PRODUCERS)
            and getattr(layer, "groups", 1) == 1
            and holders[id(layer.weight)] == 1
        )
    ]
    order: list[str] = []
    with torch.no_grad(), record_calls(model, names, lambda name, *_: order.append(name)):
        model(x[:1])
    order = list(dict.fromkeys(order))
    return order[min((order.index(name) for name in readers), default=len(order)) :]


def _check_smaller(dense: nn.Module, small: nn.Module, remove: Removal) -> None:
    sizes = [sum(p.numel() for p in model.parameters()) for model in (dense, small)]
    if any(remove.values()) and sizes[1] >= sizes[0]:
        raise RuntimeError(
            f"the cut left {sizes[1]} of {sizes[0]} parameters; the network was not made smaller"
        )


def check_surgery(dense: nn.Module, prunable: Mapping[str, Prunable], remove: Removal, x: Tensor) -> None:
    """Cut the units from a copy that does not use them, and see that its output stays the same.

    Raises RuntimeError where it does not, or where the cut copy does not run.
    """
    if reason := trial(dense, prunable, remove, x):
        raise RuntimeError(f"cutting {', '.join(remove)} {reason}; the plan is not carried out")


@torch.no_grad()
def expanded_copy(model: nn.Module, x: Tensor) -> nn.Module:
    """The expanded model, known to do what the given one does in eval mode. Raises RuntimeError otherwise."""
    dense = expand(model)
    if not same(scores(dense, x), scores(copy.deepcopy(model).eval(), x)):
        raise RuntimeError("expanding the recurrent or attention modules changes the output; nothing is cut")
    return dense
