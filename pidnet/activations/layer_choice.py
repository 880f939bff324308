"""Which layers have units, which of them are read, and why the others are not."""

from __future__ import annotations

from itertools import chain

from torch import nn

from pidnet.activations._probing import FOLDED, LayerAxes
from pidnet.activations.tracking import UnitFollower, tracked_name
from pidnet.layers import Scan
from pidnet.networks.expanded import direction_names, is_conv1d
from pidnet.networks.kinds import UNIT_LAYERS
from pidnet.networks.naming import Layers, layer_names

# The cell inside a Scan is read through the Scan.
READ_LAYERS = (*UNIT_LAYERS, Scan)


def find_layers(model: nn.Module, layers: Layers) -> dict[str, str]:
    """Layer name -> name of the module that puts it out; ValueError names what the model has."""
    modules = dict(model.named_modules())
    known: dict[str, str] = {}
    for name, module in modules.items():
        has_units = isinstance(module, READ_LAYERS) or is_conv1d(module)
        if has_units and not _inside_scan(modules, name):
            recurrent = isinstance(module, nn.RNNBase)
            put_out = chain.from_iterable(direction_names(module, name)) if recurrent else [name]
            known |= dict.fromkeys(put_out, name)
    names = layer_names(model, layers)
    if names is None:
        if not known and not any(isinstance(module, nn.MultiheadAttention) for module in modules.values()):
            kinds = ", ".join(kind.__name__ for kind in READ_LAYERS)
            raise ValueError(f"{type(model).__name__} has no layer with units ({kinds})")
        return known
    chosen = {}
    for name in names:
        found = {layer: owner for layer, owner in known.items() if name in (layer, owner)}
        if not found and name not in modules:
            raise ValueError(f"no such layer: {name!r}; the model has {', '.join(map(repr, known))}")
        chosen |= found or {name: name}
    if not chosen:
        raise ValueError("layers is empty; name at least one layer, or leave it out to take them all")
    return chosen


def _inside_scan(modules: dict[str, nn.Module], name: str) -> bool:
    return any(isinstance(module, Scan) for module in _ancestors(modules, name))


def _ancestors(modules: dict[str, nn.Module], name: str) -> list[nn.Module]:
    """The modules around a module, outermost first."""
    parts = name.split(".") if name else []
    return [modules[".".join(parts[:depth])] for depth in range(len(parts))]


def skipped_layers(
    modules: dict[str, nn.Module],
    owners: dict[str, str],
    follower: UnitFollower,
    axes: LayerAxes,
    words: dict[str, str],
) -> dict[str, str]:
    """Layers with parameters of their own that are not captured, and why."""
    reasons = {}
    for name, owner in owners.items():
        tracked = tracked_name(name, modules[owner])
        calls = len(follower.units.get(tracked, [])) or len(follower.heads.get(name, []))
        if not calls:
            reasons[name] = "did not run in the forward pass"
        elif axes.folded(tracked):
            reasons[name] = FOLDED
        elif calls > 1 and words["calls"] == "refuse" and not isinstance(modules[owner], nn.RNNCellBase):
            reasons[name] = f'ran {calls} times in one forward pass; choose with reduce={{"calls": ...}}'
    for name, module in modules.items():
        own = next(module.parameters(recurse=False), None) is not None
        if own and name not in owners.values() and not _inside_scan(modules, name):
            reasons[name] = f"a {type(module).__name__} has no units of its own; name it to read its output"
    return reasons
