"""Which layers are read and how, and the reading of one pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn

from pidnet.activations._probing import LayerAxes
from pidnet.activations._stacked_recurrent import own_direction
from pidnet.activations.activations import Activations
from pidnet.activations.layer_choice import skipped_layers
from pidnet.activations.positions import Places, arrange, arrange_heads, reduced
from pidnet.activations.tracking import UnitFollower, tracked_name, version


@dataclass(frozen=True)
class ReadingPlan:
    """Which layers are read and how, settled by what ran in the first pass. owners: layer -> module name."""

    modules: dict[str, nn.Module]
    owners: dict[str, str]
    heads: frozenset[str]
    axes: LayerAxes
    words: dict[str, str]
    skipped: dict[str, str]

    @staticmethod
    def after(model, follower, axes, owners, layers, words) -> ReadingPlan:
        modules = dict(model.named_modules())
        skipped = {}
        if layers is None:
            owners = owners | {name: name for name in follower.heads}
            skipped = skipped_layers(modules, owners, follower, axes, words)
            owners = {name: owners[name] for name in owners if name not in skipped}
            if not owners:
                raise ValueError(f"{type(model).__name__} has no layer whose units could be read: {skipped}")
        heads = frozenset(name for name in owners if name in follower.heads)
        return ReadingPlan(modules, owners, heads, axes, words, skipped)

    def read(self, follower: UnitFollower, samples: int, mask: Tensor | None) -> Activations:
        """The activations of one pass; their target is the sample in the batch that each row comes from."""
        layers, reduction, rows = {}, {}, None
        for name in self.owners:
            kind, parts = self._reduced(name, follower, samples, mask)
            for suffix, values, sample in parts:
                layers[name + suffix] = _checked(name, values)
                reduction[name + suffix] = kind
                if rows is not None and not torch.equal(rows, sample):
                    raise ValueError(
                        f"layer {name!r} has {len(sample)} rows where an earlier one has {len(rows)}: "
                        "with places as samples, capture layers of equally many places, named in layers="
                    )
                rows = sample
        return Activations(layers, cast(Tensor, rows), reduction, self.skipped)

    def _reduced(self, name, follower, samples, mask):
        """How one layer was reduced, and (suffix, values, samples) of its rows."""
        calls = self._calls(name, follower, samples, mask)
        how = self.words.get(calls[0].kind, "none")
        parts = [list(reduced(places, how)) for places in calls]
        kind = "none" if calls[0].kind == "none" else f"{how} over {calls[0].kind}"
        if len(calls) == 1:
            return kind, parts[0]
        word = self.words["calls"]
        if word == "refuse":
            raise ValueError(
                f"layer {name!r} ran {len(calls)} times in one forward pass; choose what its units are with "
                'reduce={"calls": "first"} (or last, mean, max, samples)'
            )
        return f"{kind}, {word} over calls", [_over_calls(same, word) for same in zip(*parts, strict=True)]

    def _calls(self, name, follower, samples, mask) -> list[Places]:
        """The places of each call of a layer."""
        owner, heads = self.modules[self.owners[name]], name in self.heads
        tracked = tracked_name(name, owner)
        calls = (
            follower.heads.get(name, [])
            if heads
            else [_intact(name, *unit) for unit in follower.units.get(tracked, [])]
        )
        found = []
        for call, values in enumerate(calls):
            axis = self.axes.of_samples(tracked, call, values.shape, samples)
            units = self.axes.units.get(self.owners[name])
            found.append(arrange_heads(values, axis) if heads else arrange(owner, values, axis, units))
        if not found:
            raise ValueError(f"layer {name!r} did not run in the forward pass; leave it out of layers=")
        if isinstance(owner, nn.RNNCellBase):
            found = [Places(torch.cat([call.values for call in found], 1), "steps")]
        if isinstance(owner, nn.RNNBase):
            found = [own_direction(name, owner, places) for places in found]
        return [_masked(name, places, follower.there.get(tracked), mask) for places in found]


def _over_calls(same, word):
    """Several calls of a layer as places: (suffix, values, samples)."""
    suffix, _, samples = same[0]
    if len({len(values) for _, values, _ in same}) > 1:
        raise ValueError("the calls of a layer have different numbers of places")
    stacked = Places(torch.stack([values for _, values, _ in same], 1), "calls")
    _, values, rows = next(reduced(stacked, word))
    return suffix, values, samples[rows]


def _masked(name: str, places: Places, packed: Tensor | None, mask: Tensor | None) -> Places:
    """The places with what is known about padding."""
    if places.kind not in ("steps", "tokens"):
        return places
    there = packed if packed is not None else mask
    if there is not None and there.shape != places.values.shape[:2]:
        raise ValueError(
            f"the mask has shape {tuple(there.shape)} but layer {name!r} has "
            f"{places.values.shape[1]} {places.kind}; name the layers that have the tokens of the mask"
        )
    return replace(places, there=None if there is None else there.to(places.values.device))


def _intact(name: str, values: Tensor, before: int) -> Tensor:
    if version(values) != before:
        raise ValueError(
            f"the units of layer {name!r} were overwritten in place after it ran; "
            "write the model without that in-place operation"
        )
    return values


def _checked(name: str, values: Tensor) -> Tensor:
    """Values as float32 on the CPU; ValueError names a unit that is not finite."""
    if values.is_complex():
        raise ValueError(
            f"layer {name!r} has complex values; read a layer before or after it, or its magnitude"
        )
    bad = ~values.isfinite()
    if bad.any():
        unit = int(bad.nonzero()[0, 1])
        raise ValueError(
            f"unit {unit} of layer {name!r} has values that are not finite; check weights and inputs"
        )
    return values.detach().float().cpu()
