"""The module behind what a user has: compiled models are unwrapped, models that cannot be copied and cut are refused."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils.spectral_norm import SpectralNorm


def module_of(model: nn.Module) -> nn.Module:
    """The module itself, with the names of layers that its maker gave it.

    Raises TypeError for anything but a module, and ValueError with the remedy for scripted and traced models.
    """
    model = getattr(model, "_orig_mod", model)  # torch.compile wraps the module that it was given
    if not isinstance(model, nn.Module):
        raise TypeError(f"the model is a {type(model).__name__}; expected a torch.nn.Module")
    if isinstance(model, torch.jit.ScriptModule):
        raise ValueError(
            "the model is scripted or traced by torch.jit; pass the torch.nn.Module that it was made from"
        )
    return model


def unwrapped(model: nn.Module) -> nn.Module:
    """``module_of``, which can be copied and whose weights are its own parameters.

    Raises ValueError with the remedy for lazy layers that have not run, masks of ``torch.nn.utils.prune``, the old
    weight and spectral norm, and other tensors that are no parameters.
    """
    model = module_of(model)
    for name, module in model.named_modules():
        if remedy := _strange(module):
            raise ValueError(f"layer {name!r} {remedy}")
    try:
        copy.deepcopy(model)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ValueError(f"the model cannot be copied, so nothing is cut: {reason}") from error
    return model


def _strange(module: nn.Module) -> str:
    """What a layer has done to its weights, with the remedy; empty where they are plain parameters."""
    parameters, buffers = module._parameters, module._buffers
    if any(isinstance(p, UninitializedParameter) for p in parameters.values()):
        return "is lazy and its weights are uninitialized; run the model once on data first"
    masked = [name.removesuffix("_mask") for name in buffers if name.endswith("_mask")]
    if masked and f"{masked[0]}_orig" in parameters:
        return (
            f"is masked by torch.nn.utils.prune; make that permanent with torch.nn.utils.prune.remove(layer, "
            f"{masked[0]!r}) first"
        )
    normed = [name.removesuffix("_g") for name in parameters if name.endswith("_g")]
    if normed and f"{normed[0]}_v" in parameters and normed[0] not in parameters:
        return "has the old weight norm; undo it with torch.nn.utils.remove_weight_norm(layer) first"
    if any(isinstance(hook, SpectralNorm) for hook in module._forward_pre_hooks.values()):
        return "has the old spectral norm; undo it with torch.nn.utils.remove_spectral_norm(layer) first"
    return ""
