"""Where noise enters a network, and what a layer makes of the last noise before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor, nn

from pidnet.activations.layer_choice import find_layers
from pidnet.activations.positions import arrange, arrange_heads
from pidnet.activations.tracking import UnitFollower, first_tensor, following, tracked_name
from pidnet.channels import Discrete, Normal
from pidnet.layers import (
    Attention,
    BinaryDropout,
    FakeQuantize,
    GaussianDropout,
    GaussianNoise,
    MeanField,
    Scan,
    Sign,
)
from pidnet.layers.mean_field import has_mean_field, mean_field_of
from pidnet.networks.inputs import Inputs
from pidnet.networks.running import restored, run_or_say

# Their ``channel`` is that of a module inside, which is met by itself; that of a weight is met at its layer.
PASSED = (Scan, Attention, MeanField)
Change = Callable[[Any], Any]  # from the channel of the noise to that of the layer


@dataclass(frozen=True, eq=False)
class Call:
    """One call of a module that has a channel: what it got, what it returned, and that tensor itself."""

    name: str
    module: nn.Module
    inputs: Tensor
    output: Tensor
    made: Tensor

    @property
    def channel(self) -> Any:
        if not self.known:
            return None
        random = mean_field_of(self.module)
        return (
            random.channel(self.inputs, layer=self.module)
            if random
            else cast(Any, self.module).channel(self.inputs)
        )

    @property
    def known(self) -> bool:
        """Whether the noise has a density; that of a recurrent cell with random weights has none."""
        return mean_field_of(self.module) is not None or hasattr(self.module, "channel")

    @property
    def shared(self) -> bool:
        """Whether the weights are drawn once for a batch."""
        return has_mean_field(self.module)

    @property
    def noisy(self) -> bool:
        if isinstance(self.module, BinaryDropout | GaussianDropout):
            return self.module.rate > 0
        return not isinstance(self.module, Sign | FakeQuantize)


@dataclass(eq=False)
class Trace:
    """One pass: the units of a layer, the calls with a channel before it in order, and what the layer itself got."""

    owner: nn.Module
    values: Tensor
    calls: list[Call]
    got: Tensor | None
    put_out: Tensor | None

    def final(self, values: Tensor) -> Tensor:
        """The last step of a recurrent layer, as its single call of a channel puts it out; others as they are."""
        if isinstance(self.owner, Scan) and values.ndim == 3:
            return values[:, 0 if self.owner.backward else -1]
        return values


@torch.no_grad()
def traced(model: nn.Module, layers: Sequence[str], x: Inputs, seed: int) -> dict[str, Trace]:
    """Run a batch with noise drawn from a seed, and read each of the layers."""
    owners = find_layers(model, layers)
    calls: list[Call] = []
    own: dict[str, tuple[Tensor | None, Tensor | None]] = {}

    def note(name: str, module: nn.Module, inputs: tuple, output: Any) -> None:
        # Copies, for what is written in place later; of .data, so that they are not followed as units.
        made = first_tensor(output)
        if made is not None:
            calls.append(Call(name, module, inputs[0].data.clone(), made.data.clone(), made))

    def note_owner(name: str, module: nn.Module, inputs: tuple, output: Any) -> None:
        own[name] = (inputs[0] if inputs else None), first_tensor(output)

    with restored(model), ExitStack() as stack:
        torch.manual_seed(seed)
        for name, module in model.named_modules():
            if has_mean_field(module) or (hasattr(module, "channel") and not isinstance(module, PASSED)):
                stack.callback(module.register_forward_hook(partial(note, name)).remove)
        for name in set(owners.values()):
            owner = model.get_submodule(name)
            stack.callback(owner.register_forward_hook(partial(note_owner, name)).remove)
        with following(model, set(owners.values())) as follower:
            run_or_say(model, x)
    modules = {layer: model.get_submodule(name) for layer, name in owners.items()}
    return {
        layer: _trace(
            modules[layer], _units(follower, layer, modules[layer]), calls, own.get(name, (None, None))
        )
        for layer, name in owners.items()
    }


def _units(follower: UnitFollower, layer: str, owner: nn.Module) -> Tensor:
    """What holds the units of a layer, or the heads of an attention."""
    tracked = tracked_name(layer, owner)
    found = follower.heads.get(layer) or [values for values, _ in follower.units.get(tracked, [])]
    if not found:
        raise ValueError(f"layer {layer!r} did not run in the forward pass; name another")
    return found[-1]


def _trace(
    owner: nn.Module, values: Tensor, calls: list[Call], own: tuple[Tensor | None, Tensor | None]
) -> Trace:
    before = [call for call in calls if _came_before(call, calls, values, owner)]
    return Trace(owner, values, before, *own)


def _came_before(call: Call, calls: list[Call], values: Tensor, owner: nn.Module) -> bool:
    """Whether a call was not after the last one that made the values (all, where none made them)."""
    last = [k for k, other in enumerate(calls) if other.made is values or _inside(owner, other.module)]
    return not last or calls.index(call) <= max(last)


def _inside(owner: nn.Module, module: nn.Module) -> bool:
    return any(part is module for part in owner.modules())


@dataclass(frozen=True, eq=False)
class Relation:
    """The call whose channel is that of the layer, what becomes of it, and a linear layer that reads the noise."""

    call: Call
    change: Change
    linear: nn.Linear | None = None


def relation(trace: Trace) -> Relation | None:
    """What a layer is made of; None where that is not known."""
    values = trace.final(trace.values)
    for number, call in reversed(list(enumerate(trace.calls))):
        if call.output.shape != values.shape:
            continue
        rounded_noise = not call.noisy and any(other.noisy for other in trace.calls[:number])
        change = None if rounded_noise else _change(call, values)
        if change is not None:
            return Relation(call, partial(_placed, change, trace.owner, values.shape))
    return _linear_after(trace)


def _same(channel: Any) -> Any:
    return channel


def _change(call: Call, values: Tensor) -> Change | None:
    """The elementwise function from what a call outputs to units, where its channel is known."""
    noise = call.output
    if torch.allclose(noise, values, rtol=1e-4, atol=1e-5) or (call.noisy and _one_to_one(noise, values)):
        return _same
    if not call.noisy:
        return None
    if torch.equal(torch.where(noise >= 0, 1.0, -1.0), values):
        return lambda channel: channel.signs() if type(channel) is Normal else None
    if torch.allclose(noise.relu(), values, rtol=1e-4, atol=1e-5):
        return lambda channel: channel.rectified() if type(channel) is Normal else None
    scale = _rectified(noise, values)
    if scale is None:
        return None
    return lambda channel: _scaled(channel, *scale).rectified() if type(channel) is Normal else None


def _one_to_one(noise: Tensor, values: Tensor) -> bool:
    """Whether each unit only rises or only falls with its noisy value, without ties."""
    by_unit = noise.movedim(1, 0).flatten(1)
    order = by_unit.argsort(1)
    steps = values.movedim(1, 0).flatten(1).gather(1, order).diff(dim=1)
    distinct = by_unit.gather(1, order).diff(dim=1) > 0
    rising, falling = ((steps > 0) | ~distinct).all(1), ((steps < 0) | ~distinct).all(1)
    return bool((rising | falling).all()) and bool(distinct.any())


def _rectified(noise: Tensor, values: Tensor) -> tuple[Tensor, Tensor] | None:
    """Slope and shift of each unit with values = relu(slope * noise + shift), as after a BatchNorm.

    The slope of a unit that is never on is 0. None for other functions.
    """
    a, b = (x.movedim(1, 0).flatten(1).double() for x in (noise, values))
    on = (b > 0).double()
    count = on.sum(1).clamp(min=1)
    from_a, from_b = (
        a - (a * on).sum(1, keepdim=True) / count[:, None],
        b - (b * on).sum(1, keepdim=True) / count[:, None],
    )
    slope = (from_a * from_b * on).sum(1) / (from_a.square() * on).sum(1).clamp(min=1e-30)
    shift = ((b - slope[:, None] * a) * on).sum(1) / count
    made = (slope[:, None] * a + shift[:, None]).relu() * (on.sum(1, keepdim=True) > 0)
    close = torch.allclose(made, b, rtol=1e-3, atol=1e-4 * max(float(b.max()), 1e-6))
    # A unit that is on once does not show its slope.
    return (slope, shift) if close and not (on.sum(1) == 1).any() else None


def _scaled(channel: Normal, slope: Tensor, shift: Tensor) -> Normal:
    """slope * T + shift, for units that come as blocks of places; without units that are never on."""
    places = channel.units // len(slope)
    by, plus = slope.repeat_interleave(places), shift.repeat_interleave(places)
    kept = by != 0
    variance = channel.variance.expand_as(channel.mean)[:, kept]
    return Normal(channel.mean[:, kept] * by[kept] + plus[kept], variance * by[kept].square())


def _linear_after(trace: Trace) -> Relation | None:
    """A plain linear layer whose input is the last noise, or its mean over places: correlated Gaussian noise."""
    owner, got = trace.owner, trace.got
    noises = [call for call in trace.calls if call.noisy]
    if type(owner) is not nn.Linear or got is None or got.ndim != 2 or not noises:
        return None
    call = noises[-1]
    whole = trace.put_out is not None and torch.equal(trace.put_out, trace.values)
    if not (isinstance(call.module, GaussianNoise) and whole):
        return None
    for reads, shape in ((call.output.flatten(1), None), (_mean_place(call.output), call.output.shape)):
        if reads.shape == got.shape and torch.allclose(reads, got, rtol=1e-4, atol=1e-5):
            return Relation(call, partial(_pooled, shape=shape), owner)
    return None


def reads_codes(trace: Trace) -> bool:
    """Whether the layer reads nothing but rounded units, or their mean over places, so that it has few values too."""
    if trace.got is None:
        return False
    for call in trace.calls:
        reads = (call.output, call.output.flatten(1), _mean_place(call.output))
        if not call.noisy and any(r.shape == trace.got.shape and torch.allclose(r, trace.got) for r in reads):
            return True
    return False


def _mean_place(values: Tensor) -> Tensor:
    return values.flatten(2).mean(2) if values.ndim > 2 else values


def _pooled(channel: Any, shape: torch.Size | None) -> Normal | None:
    """The channel of the mean over places, which are the last axes."""
    if type(channel) is not Normal:
        return None
    return channel if shape is None else _mean_of(channel, channel.mean.unflatten(1, shape[1:]).flatten(2), 2)


def _mean_of(channel: Normal, mean: Tensor, axis: int) -> Normal:
    variance = channel.variance
    if variance.ndim == 1 and bool((variance == variance[0]).all()):
        return Normal(mean.mean(axis), variance[0] / mean.shape[axis])
    spread = variance.expand_as(channel.mean).reshape(mean.shape)
    return Normal(mean.mean(axis), spread.mean(axis) / mean.shape[axis])


def _placed(change: Change, owner: nn.Module, shape: torch.Size, channel: Any) -> Any:
    """The layer's channel with the mean over places, where that is as exact; else at every place."""
    if len(shape) < 3 or not isinstance(channel, Normal | Discrete):
        return change(channel)
    if change is _same and type(channel) is Normal:
        return _mean_of(channel, _by_place(owner, channel.mean, shape), 1)
    if isinstance(channel, Discrete):
        return Discrete(_by_place(owner, channel.values, shape).sum(1))
    return change(channel)


def _by_place(owner: nn.Module, rows: Tensor, shape: torch.Size) -> Tensor:
    """(sample, place, unit) of rows that were flattened from a batch of some shape; each dimension of a head is a unit."""
    if isinstance(owner, Attention):
        return arrange_heads(rows.unflatten(1, shape[1:]), 0).values.flatten(2)
    return arrange(owner, rows.unflatten(1, shape[1:]), 0, None).values
