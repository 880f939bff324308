"""Run a model over a loader and record the units of its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from tqdm import tqdm

from pidnet.activations.layer_choice import find_layers, skipped_layers
from pidnet.activations.positions import Places, arrange, arrange_heads, check_reduction, reduced
from pidnet.activations.probing import LayerAxes, probe
from pidnet.activations.tracking import UnitFollower, following, version
from pidnet.networks.batches import Data, batches, padding_mask
from pidnet.networks.inputs import Inputs
from pidnet.networks.running import (
    class_scores,
    random_state,
    reading_of,
    restored,
    run_or_say,
    set_random_state,
)


@dataclass(frozen=True, eq=False)
class Activations:
    """What the units of some layers did on some samples.

    layers: name -> float32 (row, unit), or (row, unit, dim) for vector units such as attention heads. A row
    is a sample, or one of its places or draws. target: int64 (row,) classes or float (row, d).
    reduction: name -> how the layer's places became one value a row.
    skipped: name -> why a layer was not captured. sample: int64 (row,), the input each row comes from.
    predicted: int64 (row,), the class with the largest output; None when the model puts out no class scores.
    """

    layers: dict[str, Tensor]
    target: Tensor
    reduction: dict[str, str]
    skipped: dict[str, str] = field(default_factory=dict)
    sample: Tensor | None = None
    predicted: Tensor | None = None


def capture(
    model: nn.Module,
    data: Data,
    layers: Sequence[str] | None = None,
    *,
    reduce: Mapping[str, str] | None = None,
    draws: int = 1,
    mask: Callable[[Inputs], Tensor] | None = None,
) -> Activations:
    """Run the model in eval mode and record the units of its layers.

    data: one pair (x, y), a list of such batches, or a DataLoader; NumPy arrays are taken for tensors. x is a
    tensor, a PackedSequence, a tuple of positional or a mapping of keyword arguments of the model.
    layers: names as in ``model.named_modules()``. None takes all linear, convolutional and recurrent layers
    (of several in one nn.LSTM each by itself: ``rnn.l0``) and the heads of every attention, named by the
    module that computes them. Any other module can be named: its output is read, such as the residual
    dimensions after a block.
    reduce: what becomes of the places of a unit: {"positions": "mean", "steps": "last", "tokens": "mean",
    "calls": "refuse"} with other words for some: mean, max, first (of tokens: CLS), last, samples (each place
    is a row), each (each place is a layer, ``layer[place]``). calls: passes of a module that runs several times.
    draws: passes for each input, for stochastic networks; they become further rows of the same input.
    mask: a function from the input to bool (sample, token), false at padding; by default "attention_mask".

    Modes, buffers and torch's random state are as before afterwards, and hooks removed, even when the
    forward pass raises. Raises ValueError for an unknown layer, an empty loader, targets that do not fit the
    batch, a named layer that did not run or ran several times, batches of unequal lengths that are read place
    by place, or activations that are not finite.
    """
    blocks = list(record(model, data, layers, reduce=reduce, draws=draws, mask=mask))
    _check_same_layers(blocks)
    predicted = [block.predicted for block in blocks if block.predicted is not None]
    return Activations(
        layers={name: torch.cat([block.layers[name] for block in blocks]) for name in blocks[0].layers},
        target=torch.cat([block.target for block in blocks]),
        reduction=blocks[0].reduction,
        skipped=blocks[0].skipped,
        sample=torch.cat([cast(Tensor, block.sample) for block in blocks]),
        predicted=torch.cat(predicted) if len(predicted) == len(blocks) else None,
    )


def _check_same_layers(blocks: list[Activations]) -> None:
    for block in blocks[1:]:
        odd = sorted(block.layers.keys() ^ blocks[0].layers.keys())
        if odd:
            raise ValueError(
                f"layer {odd[0]!r} is not in every batch: batches of unequal lengths cannot be read place by "
                'place; pad them to one length, or take another word than "each" in reduce='
            )


def record(
    model: nn.Module,
    data: Data,
    layers: Sequence[str] | None = None,
    *,
    reduce: Mapping[str, str] | None = None,
    draws: int = 1,
    mask: Callable[[Inputs], Tensor] | None = None,
) -> Iterator[Activations]:
    """The activations of one pass after the other, so that only one stands in memory; see ``capture``.

    Between two passes the model is as it was.
    """
    words = check_reduction(reduce)
    if not isinstance(model, nn.Module):
        raise TypeError(f"the model is a {type(model).__name__}; expected a torch.nn.Module")
    if draws < 1:
        raise ValueError(f"draws={draws}; expected at least 1")
    owners = find_layers(model, layers)
    state, first, done = random_state(model), None, 0
    watched = set(owners.values())
    for x, y in tqdm(batches(data), desc="capturing", delay=1, disable=None, leave=False):
        for _ in range(draws):
            if first is None:
                axes = probe(
                    lambda few, at=state: _pass(model, watched, few, at)[0], model, owners, x, len(y)
                )
            follower, output, state = _pass(model, watched, x, state)
            if first is None:
                first = _Choice.after(model, follower, axes, owners, layers, words)
                reading = reading_of(output, y)
            block = first.read(follower, len(y), padding_mask(x, mask))
            predicted = None if reading is None else reading.predicted(class_scores(output))
            rows = block.target
            yield replace(
                block,
                target=y.detach().cpu()[rows],
                sample=rows + done,
                predicted=None if predicted is None else predicted.cpu()[rows],
            )
        done += len(y)


def _pass(
    model: nn.Module, watched: set[str], x: Inputs, state: list[Tensor]
) -> tuple[UnitFollower, Any, list[Tensor]]:
    """One forward pass from a random state: what was followed, the output, the random state after it."""
    with restored(model), torch.no_grad():
        set_random_state(model, state)
        with following(model, watched) as follower:
            output = run_or_say(model, x)
        return follower, output, random_state(model)


@dataclass(frozen=True)
class _Choice:
    """Which layers are read and how, settled by what ran in the first pass. owners: layer -> module name."""

    modules: dict[str, nn.Module]
    owners: dict[str, str]
    heads: frozenset[str]
    axes: LayerAxes
    words: dict[str, str]
    skipped: dict[str, str]

    @staticmethod
    def after(model, follower, axes, owners, layers, words) -> _Choice:
        modules = dict(model.named_modules())
        skipped = {}
        if layers is None:
            owners = owners | {name: name for name in follower.heads}
            skipped = skipped_layers(modules, owners, follower, axes, words)
            owners = {name: owners[name] for name in owners if name not in skipped}
            if not owners:
                raise ValueError(f"{type(model).__name__} has no layer whose units could be read: {skipped}")
        heads = frozenset(name for name in owners if name in follower.heads)
        return _Choice(modules, owners, heads, axes, words, skipped)

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
        owner = self.modules[self.owners[name]]
        heads = name in self.heads
        calls = (
            follower.heads.get(name, [])
            if heads
            else [_intact(name, *unit) for unit in follower.units.get(name, [])]
        )
        found = []
        for call, values in enumerate(calls):
            axis = self.axes.of_samples(name, call, values.shape, samples)
            units = self.axes.units.get(self.owners[name])
            found.append(arrange_heads(values, axis) if heads else arrange(owner, values, axis, units))
        if not found:
            raise ValueError(f"layer {name!r} did not run in the forward pass; leave it out of layers=")
        if isinstance(owner, nn.RNNCellBase):
            found = [Places(torch.cat([call.values for call in found], 1), "steps")]
        return [_masked(name, places, follower.there.get(name), mask) for places in found]


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
    return replace(places, there=there)


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
