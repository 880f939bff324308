"""An expanded network together with the groups of units that can be removed from it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.networks.compensated_norms import norms_channels
from pidnet.networks.expanded import collapse
from pidnet.networks.hooks import record_calls
from pidnet.networks.inputs import BATCH, Inputs, split, take
from pidnet.networks.kinds import Weighted, axes, sizes, weighted
from pidnet.networks.outputs import OutputReading, Reading, has_labels, read_output
from pidnet.networks.running import in_full_precision, run, same
from pidnet.networks.said import Said
from pidnet.pruning.structure.groups import UnitGroup, UnitsByLayer
from pidnet.pruning.structure.removal import remove_units, removed_channels, renumbered


@dataclass(frozen=True, eq=False)
class CuttableNetwork:
    """model: expanded, in eval mode. groups: layer -> its units, in the order of the modules. refused: every other
    layer -> why its units cannot be removed. said: what it puts out. reading: that as a distribution."""

    model: nn.Module
    groups: Mapping[str, UnitGroup]
    refused: Mapping[str, str] = field(default_factory=dict)
    said: Said = field(default_factory=Said)
    reading: OutputReading = field(default_factory=lambda: OutputReading("gaussian"))

    def layer(self, name: str) -> UnitGroup:
        """The units of a layer. Raises ValueError, with the reason, where they cannot be removed."""
        if name in self.groups:
            return self.groups[name]
        known = ", ".join(map(repr, self.groups))
        owner = next((group.name for group in self.groups.values() if name in group.producers), None)
        if refused := next((n for n in self.refused if f"{name}.".startswith(f"{n}.")), None):
            raise ValueError(
                f"layer {refused!r} cannot be cut: {self.refused[refused]}; what can be cut is {known}"
            )
        if owner:
            raise ValueError(f"the units of {name!r} go together with those of {owner!r}; name that layer")
        raise ValueError(f"no such layer to cut: {name!r}; what can be cut is {known}")

    @property
    def widths(self) -> dict[str, int]:
        """Layer -> number of units."""
        return {name: group.units for name, group in self.groups.items()}

    def normed(self, name: str) -> list[str]:
        """The norms over channels that see the units of a layer: LayerNorm, RMSNorm."""
        followers = self.groups[name].followers
        return [norm for norm in followers if norms_channels(self.model.get_submodule(norm))]

    @property
    def tied(self) -> list[tuple[str, ...]]:
        """Layers that must keep the same number of units, together; every other layer by itself."""
        together: dict[tuple[str, str], list[str]] = {}
        for name, group in self.groups.items():
            key = ("tied", group.tied_width) if group.tied_width else ("alone", name)
            together.setdefault(key, []).append(name)
        return [tuple(names) for names in together.values()]

    def weighted(self, name: str) -> Weighted:
        """The layer of that name, which has a weight matrix."""
        return weighted(self.model, name)

    def sizes(self, name: str) -> tuple[int, int]:
        """How many outputs and inputs that layer has."""
        return sizes(self.weighted(name))

    def consumers(self, layers: Iterable[str]) -> list[str]:
        """Everything that reads units of these layers, each once."""
        return list(dict.fromkeys(name for layer in layers for name in self.groups[layer].consumers))

    def run(self, x: Inputs) -> Tensor:
        """The scores that the network outputs."""
        return self.said(run(self.model, x))

    @torch.no_grad()
    def outputs(self, x: Inputs) -> Tensor:
        """The scores of all samples, run in batches."""
        return torch.cat([self.run(batch) for batch in split(x, BATCH)])

    @torch.no_grad()
    def watch(
        self,
        names: Iterable[str],
        x: Inputs,
        see: Callable[[str, Weighted, Tensor, Tensor], None],
        size: int = BATCH,
    ) -> None:
        """Run on x in batches, with ``see(name, layer, input, output)`` whenever one of these layers has run."""
        with record_calls(self.model, names, see):
            for batch in split(x, size):
                run(self.model, batch)

    def order(self, names: Iterable[str], x: Inputs) -> list[str]:
        """Those of the layers that run, by their first call."""
        order: list[str] = []
        self.watch(names, take(x, slice(1)), lambda name, *_: order.append(name))
        return list(dict.fromkeys(order))

    def read(self, x: Inputs, y: Tensor, output: Reading | None = None) -> CuttableNetwork:
        """The same network, its output read as its scores and the targets suggest, or as ``output`` says."""
        found = self.outputs(x)
        named = self.said.joined or (self.said.entry and not has_labels(y))
        output = output or ("gaussian" if named else None)
        return replace(self, reading=read_output(found, y.to(found.device), output))

    @torch.no_grad()
    def divergences(self, small: CuttableNetwork, x: Inputs) -> Tensor:
        """KL divergence of a smaller network's output from this one's, bits, float64 (sample,)."""
        pairs = ((self.run(batch), small.run(batch)) for batch in split(x, BATCH))
        return torch.cat([self.reading.divergence(dense, other) for dense, other in pairs])

    def loss(self, small: CuttableNetwork, x: Inputs) -> float:
        """What a smaller network loses of this one's output: mean of ``divergences``, bits."""
        return float(self.divergences(small, x).mean())

    def only(self, layers: Iterable[str]) -> CuttableNetwork:
        """The same network of which just these layers may be cut, with those tied to them."""
        for name in layers:
            self.layer(name)
        chosen = {name for names in self.tied if not set(names).isdisjoint(layers) for name in names}
        return replace(self, groups={name: group for name, group in self.groups.items() if name in chosen})

    def unnormed(self) -> CuttableNetwork:
        """The same network without the layers whose units pass through a norm over channels: what such a norm makes of the
        others depends on them, so they go only where they are asked for."""
        normed = {
            name: norms[0]
            for names in self.tied
            if (norms := [norm for name in names for norm in self.normed(name)])
            for name in names
        }
        refused = {
            name: f"its units pass through {type(self.model.get_submodule(norm)).__name__} {norm!r}, which depends on all of "
            "them; it is cut where it is named (layers=)"
            for name, norm in normed.items()
        }
        return self._refusing(refused)

    def reaching(self, x: Inputs) -> CuttableNetwork:
        """The same network without the layers that the named entry of the output does not depend on: what is measured there
        would not speak for them."""
        made = {
            name: self.weighted(next(iter(group.producers))).weight for name, group in self.groups.items()
        }
        self.model.requires_grad_(True)  # a copy, of whatever the user has frozen
        with torch.enable_grad():
            scores = self.run(x)
            slopes = torch.autograd.grad(scores.sum(), list(made.values()), allow_unused=True)
        reason = f"entry {self.said.entry!r} of the output does not depend on it; it is cut where it is named (layers=)"
        unread = [name for name, slope in zip(made, slopes, strict=True) if slope is None]
        return self._refusing(dict.fromkeys(unread, reason))

    def _refusing(self, refused: Mapping[str, str]) -> CuttableNetwork:
        groups = {name: group for name, group in self.groups.items() if name not in refused}
        return replace(self, groups=groups, refused={**self.refused, **refused})

    def without(self, units: UnitsByLayer, *, shared: bool = False) -> CuttableNetwork:
        """A copy without these units, its groups by their new indices. shared: whatever has nothing to do with them is
        that of this network, not a copy; then only the layers that lost units or inputs may be changed."""
        model = copy.deepcopy(self.model, self._untouched(units) if shared else {})
        small = replace(self, model=model, groups=renumbered(self.groups, units))
        remove_units(small.model, self.groups, units)
        return small

    def _untouched(self, units: UnitsByLayer) -> dict[int, Any]:
        """By identity, as ``deepcopy`` takes it, the modules that removing these units changes nothing in; none where modules are
        also reached by another way than as parts of each other."""
        if any(map(_holds_modules_aside, self.model.modules())):
            return {}
        groups = [self.groups[name] for name in units]
        touched = {
            layer
            for group in groups
            for layer in (*group.producers, *group.consumers, *group.followers, *group.counters)
        }
        return {
            id(module): module
            for name, module in self.model.named_modules()
            if not any(layer == name or layer.startswith(f"{name}.") or not name for layer in touched)
        }

    @torch.no_grad()
    @in_full_precision()
    def fault_of_cut(self, units: UnitsByLayer, x: Inputs) -> str:
        """What is wrong when these units are removed from a copy that does not use them, as a sentence: it does not
        run, or its output on x is another. Empty where all is well. Where a norm over channels sees the units, the copy does
        not make them either."""
        silent = replace(self, model=copy.deepcopy(self.model))
        for name, indices in units.items():
            group = silent.groups[name]
            for consumer, columns in group.consumers.items():
                layer = silent.weighted(consumer)
                layer.weight.movedim(axes(layer)[1], 0)[columns[list(indices)].ravel()] = 0
            for producer, rows in group.producers.items() if self.normed(name) else ():
                layer, gone = silent.weighted(producer), rows[list(indices)].ravel()
                layer.weight.movedim(axes(layer)[0], 0)[gone] = 0
                if layer.bias is not None:
                    layer.bias[gone] = 0
        before, removing = silent.run(x), f"removing units of {', '.join(units)}"
        try:
            after = self.said(run(silent.without(units).collapsed(), x))
        except Exception as error:
            return f"{removing} leaves a network that does not run: {error}"
        if same(after, before):
            return ""
        nobody = "they are 0 before their norm and" if any(map(self.normed, units)) else ""
        return f"{removing} changes the output even when {nobody} no later layer uses them".replace("  ", " ")

    def left_of(self, name: str, units: UnitsByLayer) -> tuple[np.ndarray, np.ndarray]:
        """The input channels and the output rows that a layer has left without these units, by their old
        indices."""
        rows, columns = (
            np.setdiff1d(np.arange(size), removed_channels(self.groups, units, kind).get(name, []))
            for size, kind in zip(self.sizes(name), ("producers", "consumers"), strict=True)
        )
        return columns, rows

    def idle(self, widths: Mapping[str, int]) -> dict[str, int]:
        """The widths, and 0 for layers that only such layers read as have lost all of their own units."""
        widths, before = dict(widths), None
        while widths != before:
            before = dict(widths)
            gone = [self.groups[name] for name, width in widths.items() if not width]
            made: dict[str, int] = {}
            for layer, rows in ((layer, rows) for group in gone for layer, rows in group.producers.items()):
                made[layer] = made.get(layer, 0) + rows.size
            dead = {layer for layer, rows in made.items() if rows == self.sizes(layer)[0]}
            consumers = {name: self.groups[name].consumers for name in widths}
            widths |= {name: 0 for name, read in consumers.items() if read and dead.issuperset(read)}
        return widths

    def collapsed(self) -> nn.Module:
        """The model with its recurrent and attention modules as they were."""
        return collapse(self.model)


def _holds_modules_aside(module: nn.Module) -> bool:
    """Whether a module has modules among its plain attributes."""
    values = [value for key, value in vars(module).items() if key != "_modules"]
    several = [item for value in values if isinstance(value, list | tuple) for item in value]
    several += [item for value in values if isinstance(value, dict) for item in value.values()]
    return any(isinstance(value, nn.Module) for value in values + several)
