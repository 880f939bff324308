"""The channel of a layer of any network: from the noise that acts on it, and the noise before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.activations import capture
from pidnet.activations.layer_choice import find_layers
from pidnet.arguments import check_arguments
from pidnet.channels import Channel, DensityChannel, Discrete, Normal, Upstream
from pidnet.estimators._tracing import Relation, Trace, reads_codes, relation, traced
from pidnet.networks.inputs import Inputs, samples, split, take
from pidnet.networks.unwrapping import module_of

BATCH = 512
TOGETHER = 32  # inputs that share weights which are drawn once for a batch
MOST_UNITS = 1024
FEW_VALUES = 256
DIGITS = 1e5


@dataclass(frozen=True)
class NoChannel:
    """Why a layer has no channel. ``infinite``: it is a function of the input; else its density is not known."""

    reason: str
    infinite: bool


def channel_of(model: nn.Module, layer: str, x: Inputs, *, upstream: int = 16, seed: int = 0) -> Channel:
    """The distribution of a layer's output given each input of the network.

    Parameters
    ----------
    model : nn.Module
        Runs in eval mode; modes, buffers and random state are as before afterwards.
    layer : str
        A name that ``capture`` takes; its units are read where ``capture`` reads them.
    x : Tensor, tuple or mapping
        Inputs of the model.
    upstream : int
        Draws of the noise before the layer, where there is any; at least 2.
    seed : int
        Of these draws.

    Returns
    -------
    Channel
        Exact where noise acts on the layer itself and there is none before it: additive, by dropout, of Bayesian
        weights, followed by any one-to-one function, a ReLU or a sign; where a linear layer reads the noise; and
        where units take few values (``Discrete``). With noise before, an ``Upstream`` channel.

    Raises
    ------
    ValueError
        For a layer that is a function of the input without noise, whose I(X;T) is infinite for continuous inputs; or
        whose noise has no known density. The sentence names what can be asked instead. For a recurrent module of
        several layers or directions: each is a layer of its own.

    Notes
    -----
    Units at several places (positions, steps, tokens) are averaged over them where the average has a known
    distribution, and taken one by one otherwise: at most 1,024 of them, drawn at random, which can only lower the
    information; a note says so. Recurrent layers are read at their last step.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> net = pn.zoo.mlp(4, (8,), 2, variant="stochastic")
    >>> pn.channel_of(net, "fc1", torch.randn(100, 4))
    Normal channel: 100 inputs, 8 units
    """
    check_arguments(channel_of, locals())
    model = module_of(model)
    if len(names := list(find_layers(model, [layer]))) > 1:
        raise ValueError(f"layer {layer!r} outputs {', '.join(map(repr, names))}; name one of them")
    (found,) = find_channels(model, names, x, upstream=upstream, seed=seed).values()
    if isinstance(found, NoChannel):
        raise ValueError(found.reason)
    return found


def find_channels(
    model: nn.Module,
    layers: Sequence[str],
    x: Inputs,
    *,
    upstream: int = 16,
    most_upstream: int | None = None,
    seed: int = 0,
) -> dict[str, Channel | NoChannel]:
    """As ``channel_of``, for several layers in the same passes; what has no channel comes with the reason.

    most_upstream: with noise before the layer, at most so many inputs, the first ones.
    """
    if upstream < 2:
        raise ValueError(f"upstream={upstream}; expected at least 2 draws")
    if samples(x) < 2:
        raise ValueError(f"x holds {samples(x)} sample; expected at least 2")
    first = traced(model, layers, take(x, slice(BATCH)), seed)
    for layer, trace in first.items():
        if not trace.values.isfinite().all():
            raise ValueError(f"layer {layer!r} has values that are not finite; check weights and inputs")
    known = {layer: _Known.of(model, trace) for layer, trace in first.items()}
    found: dict[str, Channel | NoChannel] = _without(
        model, [n for n, k in known.items() if k is None], x, first, seed
    )
    alone = {name: k for name, k in known.items() if k and not k.upstream}
    for name, parts in _paths(model, alone, x, 1, seed).items():
        found[name] = _through(alone[name], parts[0])
    mixed = {name: k for name, k in known.items() if k and k.upstream}
    few = x if most_upstream is None else take(x, slice(most_upstream))
    for name, parts in _paths(model, mixed, few, upstream, seed).items():
        groups = torch.arange(samples(few)) // TOGETHER if mixed[name].shared else None
        found[name] = Upstream(_through(mixed[name], parts[0].join(parts[1:])), upstream, groups)
    return {layer: found[layer] for layer in first}


@dataclass(frozen=True, eq=False)
class _Known:
    """How a layer's channel is made, the number of its call, and whether there is noise before that."""

    relation: Relation
    number: int
    upstream: bool
    shared: bool

    @staticmethod
    def of(model: nn.Module, trace: Trace) -> _Known | None:
        made = relation(trace)
        if made is None or made.change(made.call.channel) is None:
            return None
        number = trace.calls.index(made.call)
        before = [call for call in trace.calls[:number] if call.noisy]
        return _Known(made, number, bool(before), any(call.shared for call in before))


def _paths(
    model: nn.Module, known: Mapping[str, _Known], x: Inputs, draws: int, seed: int
) -> dict[str, list[Any]]:
    """For each layer the channel of all inputs in each draw, before a linear layer that reads the noise."""
    paths: dict[str, list[Any]] = {layer: [] for layer in known}
    for draw in range(draws if known else 0):
        parts: dict[str, list[Any]] = {layer: [] for layer in known}
        shared = any(one.shared for one in known.values())
        for batch, few in enumerate(split(x, TOGETHER if shared else BATCH)):
            for layer, trace in traced(model, list(known), few, seed + draw + 7919 * batch).items():
                call = trace.calls[known[layer].number]
                parts[layer].append(_limited(known[layer].relation.change(call.channel)))
        for layer, channels in parts.items():
            paths[layer].append(channels[0].join(channels[1:]))
    return paths


def _through(known: _Known, channel: Any) -> Any:
    """Through the linear layer that reads the noise, where there is one."""
    linear = known.relation.linear
    if linear is None:
        return channel
    weight = linear.weight.detach().double()
    return Normal.whitened(channel.mean @ weight.T, channel.variance[0] * weight @ weight.T)


def _limited(channel: Any) -> Channel:
    """At most ``MOST_UNITS`` units, always the same ones."""
    if not isinstance(channel, DensityChannel) or channel.units <= MOST_UNITS:
        return channel
    chosen = torch.randperm(channel.units, generator=torch.Generator().manual_seed(0))[:MOST_UNITS]
    part = channel.select(chosen.sort().values.to(channel.parameters.device))
    part.whole_units = channel.units
    part.notes = (
        f"{MOST_UNITS:,} of the {channel.units:,} units at all places: the ends above are those of the labels alone",
    )
    return part


def _without(
    model: nn.Module, layers: Sequence[str], x: Inputs, first: Mapping[str, Trace], seed: int
) -> dict[str, Channel | NoChannel]:
    """Layers without a known density: units with few values, functions of the input, or unknown noise."""
    if not layers:
        return {}
    again = traced(model, layers, take(x, slice(BATCH)), seed + 1)
    found: dict[str, Channel | NoChannel] = {
        layer: _unknown(layer)
        for layer in layers
        if not torch.equal(first[layer].values, again[layer].values)
    }
    rest = [layer for layer in layers if layer not in found]
    if rest:
        values = capture(model, (x, torch.zeros(samples(x))), rest).layers
        found |= {
            layer: _function(layer, values[layer].flatten(1), reads_codes(first[layer])) for layer in rest
        }
    return found


def _function(layer: str, values: Tensor, of_codes: bool) -> Channel | NoChannel:
    """A layer without noise: of few values, or infinite."""
    if of_codes:
        # The same codes may come out a rounding error apart in batches of other sizes.
        return Discrete((values / values.abs().amax().clamp(min=1e-30) * DIGITS).round())
    few = min(FEW_VALUES, max(len(values) // 4, 2))
    if all(len(column.unique()) <= few for column in values.T):
        return Discrete(values)
    return NoChannel(
        f"layer {layer!r} is a function of the input without noise, and its units are continuous: I(X;T) is infinite "
        "for continuous inputs. Ask for I(T;Y) (label_information), quantize or add noise in the network, or take "
        "the inputs as all there is (code_information(about='data'))",
        infinite=True,
    )


def _unknown(layer: str) -> NoChannel:
    return NoChannel(
        f"layer {layer!r} gets noise, so that I(X;T) is finite, but not from a channel that acts on it: its density is "
        "not known. By data processing it has at most the information of a noisy layer before it; I(T;Y) can be had "
        "from label_information",
        infinite=False,
    )
