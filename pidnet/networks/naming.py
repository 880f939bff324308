"""Layers as a user names them: by name, or as the module itself, the way captum has it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from torch import nn

from pidnet.networks.expanded import direction_names

Layers = Sequence[str | nn.Module] | None


def layer_names(model: nn.Module, layers: Layers) -> list[str] | None:
    """Names of layers given as names or modules; a recurrent module is all its layers and directions.

    Raises ValueError for a module that is not part of the model.
    """
    if layers is None:
        return None
    given = [layers] if isinstance(layers, str | nn.Module) else layers
    return list(dict.fromkeys(chain.from_iterable(_names(model, layer) for layer in given)))


def _names(model: nn.Module, layer: str | nn.Module) -> list[str]:
    """The names that one layer outputs its units under."""
    modules = dict(model.named_modules())
    if isinstance(layer, nn.Module):
        name = next((name for name, module in modules.items() if module is layer), None)
        if name is None:
            raise ValueError(
                f"a {type(layer).__name__} in layers is no part of the {type(model).__name__}; give a module of it "
                "or a name"
            )
    else:
        name = layer
    module = modules.get(name)
    if isinstance(module, nn.RNNBase):
        return list(chain.from_iterable(direction_names(module, name)))
    return [name]
