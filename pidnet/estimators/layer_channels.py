"""The channel of a layer of any network: from the noise that acts on it, and the noise before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.activations import capture
from pidnet.channels import Channel, DensityChannel, Discrete, Normal, Upstream
from pidnet.estimators._tracing import Relation, Trace, random_weights, reads_codes, relation, traced
from pidnet.networks.inputs import Inputs, samples, split, take

BATCH = 512
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
        whose noise has no known density. The sentence names what can be asked instead.

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
    found = find_channel(model, layer, x, upstream=upstream, seed=seed)
    if isinstance(found, NoChannel):
        raise ValueError(found.reason)
    return found


def find_channel(model: nn.Module, layer: str, x: Inputs, *, upstream: int, seed: int) -> Channel | NoChannel:
    """As ``channel_of``; what has no channel comes with the reason."""
    if upstream < 2:
        raise ValueError(f"upstream={upstream}; expected at least 2 draws")
    if samples(x) < 2:
        raise ValueError(f"x holds {samples(x)} sample; expected at least 2")
    first = traced(model, layer, take(x, slice(BATCH)), seed)
    _check_finite(layer, first.values)
    known = None if random_weights(model) else relation(first)
    if known is None or known.change(known.call.channel) is None:
        return _without(model, layer, x, first, seed)
    number = first.calls.index(known.call)
    draws = upstream if any(call.noisy for call in first.calls[:number]) else 1
    paths = [_path(model, layer, x, known, number, seed + draw) for draw in range(draws)]
    channel = paths[0].join(paths[1:])
    if known.linear is not None:
        weight = known.linear.weight.detach().double()
        channel = Normal.whitened(channel.mean @ weight.T, channel.variance[0] * weight @ weight.T)
    return Upstream(channel, draws) if draws > 1 else channel


def _path(model: nn.Module, layer: str, x: Inputs, known: Relation, number: int, seed: int) -> Any:
    """The channel of all inputs in one draw of the noise before it, before a linear layer that reads it."""
    parts = []
    for batch, few in enumerate(split(x, BATCH)):
        call = traced(model, layer, few, seed + 7919 * batch).calls[number]
        parts.append(_limited(known.change(call.channel)))
    return parts[0].join(parts[1:])


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


def _without(model: nn.Module, layer: str, x: Inputs, first: Trace, seed: int) -> Channel | NoChannel:
    """A layer without a known density: units with few values, a function of the input, or unknown noise."""
    again = traced(model, layer, take(x, slice(BATCH)), seed + 1)
    if not torch.equal(first.values, again.values):
        return _unknown(layer)
    values = capture(model, (x, torch.zeros(samples(x))), [layer]).layers[layer].flatten(1)
    if reads_codes(first):
        # The same codes may come out a rounding error apart in batches of other sizes.
        return Discrete((values / values.abs().amax().clamp(min=1e-30) * DIGITS).round())
    if all(len(column.unique()) <= min(FEW_VALUES, max(len(column) // 4, 2)) for column in values.T):
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


def _check_finite(layer: str, values: Tensor) -> None:
    if not values.isfinite().all():
        raise ValueError(f"layer {layer!r} has values that are not finite; check weights and inputs")
