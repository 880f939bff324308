"""Layer by layer, what is honest: a known channel, codes, or the word infinite."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.activations import Activations, capture
from pidnet.arguments import check_arguments
from pidnet.channels import Channel, Discrete, Upstream
from pidnet.estimators import Information, channel_information, code_information, label_information
from pidnet.estimators.information import infinite
from pidnet.estimators.layer_channels import NoChannel, find_channels
from pidnet.networks.batches import Data, labelled
from pidnet.networks.inputs import take
from pidnet.networks.naming import Layers
from pidnet.networks.unwrapping import module_of
from pidnet.planes.plane import Plane, PlaneRow
from pidnet.planes.row_checks import check_plane
from pidnet.progress import shown

MOST_UPSTREAM = 2000
MOST_PROBED = 4000
TRAIN, HELD_OUT = "train", "held out"
Known = Mapping[str, Information]


def information_plane(
    model: nn.Module,
    data: Data,
    held_out: Data | None = None,
    layers: Layers = None,
    *,
    draws: int = 1,
    rows: int | None = None,
    upstream: int = 8,
    probe: str | None = "logistic",
    seed: int = 0,
) -> Plane:
    """I(X;T), I(X;T|Y) and I(T;Y) of the layers of a network, each as it can honestly be had.

    Parameters
    ----------
    model : nn.Module
        Runs in eval mode; it is as before afterwards.
    data : (x, y), list of such batches, or DataLoader
        The samples that the network was trained on: the rows "train".
    held_out : (x, y), list of such batches, or DataLoader, optional
        Samples that it was not trained on: the rows "held out", where a probe bounds I(T;Y) from below.
    layers : sequence of str or Module, optional
        Names or modules; by default all layers with units.
    draws : int
        Draws of the noise for each input.
    rows : int, optional
        So many inputs make up the outer mean, as for ``channel_information``.
    upstream : int
        Draws of the noise before a layer; such layers are read on at most 2,000 samples, drawn at random.
    probe : str, optional
        As for ``label_information``, fitted to at most 4,000 samples of ``data``; None for no probe.
    seed : int
        Of all draws.

    Returns
    -------
    Plane
        With what the checks see in it.

    Raises
    ------
    ValueError
        For data that do not fit or are not finite, labels that are all equal or as many as the samples, and layers
        that are not there or output values that are not finite.

    Notes
    -----
    A layer with a known channel has both ends proven (``channel_information``), one with few values is counted
    (``code_information``), and a layer that is a function of a continuous input has infinite I(X;T): no binning or
    noise is added to make a number. Where noise reaches a layer without a known density, I(X;T) lies between I(T;Y)
    and that of the noisy layer before it.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> x = torch.randn(400, 4, generator=torch.Generator().manual_seed(0))
    >>> data, held_out = ((part, (part[:, 0] > 0).long()) for part in x.split(200))
    >>> plane = pn.information_plane(pn.zoo.mlp(4, (3,), 2), data, held_out=held_out, layers=["fc1"])
    >>> plane.of("fc1")["I(X;T)"].state
    'infinite'
    """
    check_arguments(information_plane, locals())
    model = module_of(model)
    given = {TRAIN: data} if held_out is None else {TRAIN: data, HELD_OUT: held_out}
    splits = {split: _shuffled(*labelled(pair), seed) for split, pair in given.items()}
    acts = {split: _captured(model, pair, layers) for split, pair in splits.items()}
    names = list(acts[TRAIN].layers)
    options = {"draws": draws, "rows": rows, "seed": seed}
    sought = {"upstream": upstream, "most_upstream": MOST_UPSTREAM, "seed": seed}
    made = []
    with shown(doing="information plane", total=len(splits) * len(names), unit="layer") as bar:
        for split, (x, y) in splits.items():
            for layer, channel in find_channels(model, names, x, **sought).items():
                made.append(PlaneRow(layer, split, _how(channel), _known(channel, y, split, options)))
                bar.update()
    if held_out is not None and probe is not None:
        made = [_probed(row, acts, probe, seed) for row in shown(made, "probing", unit="layer")]
    if is_chain(model):
        made = [row for split in splits for row in _processed([r for r in made if r.split == split])]
    made.sort(key=lambda row: names.index(row.layer))
    plane = Plane(tuple(made), (), {"upstream": upstream, "probe": probe, **options})
    return replace(plane, findings=check_plane(plane.rows, chain=is_chain(model)))


def is_chain(model: nn.Module) -> bool:
    """Whether each layer reads nothing but the layer before it: an nn.Sequential of parts that are chains or single."""
    parts = [part for part in model.children() if any(True for _ in part.children())]
    return isinstance(model, nn.Sequential) and all(map(is_chain, parts))


def _shuffled(x: Any, y: Tensor, seed: int) -> tuple[Any, Tensor]:
    """In random order, so that the first samples are like all of them."""
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(seed))
    return take(x, order.tolist()), y[order]


def _captured(model: nn.Module, pair: tuple[Any, Tensor], layers: Layers) -> Activations:
    """What the probe reads: one draw of the first samples."""
    x, y = pair
    return capture(model, (take(x, slice(MOST_PROBED)), y[:MOST_PROBED]), layers)


def _how(channel: Channel | NoChannel) -> str:
    match channel:
        case NoChannel():
            return "infinite" if channel.infinite else "unknown"
        case Discrete():
            return "codes"
        case Upstream():
            return "upstream"
    return "channel"


def _known(channel: Channel | NoChannel, y: Tensor, split: str, options: dict[str, Any]) -> Known:
    """The three quantities of one layer, without a probe."""
    if isinstance(channel, NoChannel):
        return _without(channel, y, split)
    labels = y[: len(channel)]
    if isinstance(channel, Discrete):
        return code_information(channel, labels, seed=options["seed"])
    return channel_information(channel, labels, **options)


def _without(channel: NoChannel, y: Tensor, split: str) -> Known:
    """Infinite, or unknown between ends that come from the probe and from the layer before."""
    most = math.log2(max(len(y.unique()), 1))
    shared: dict[str, Any] = {"estimator": "no channel", "samples": len(y)}
    label = Information("I(T;Y)", math.nan, 0.0, most, state="saturated", notes=(IN_SAMPLE[split],), **shared)
    if channel.infinite:
        inputs = {quantity: infinite(quantity, channel.reason, **shared) for quantity in INPUT}
    else:
        blank = (math.nan, 0.0, math.inf)
        inputs = {
            q: Information(q, *blank, state="saturated", notes=(channel.reason,), **shared) for q in INPUT
        }
    return {**inputs, "I(T;Y)": label}


INPUT = ("I(X;T)", "I(X;T|Y)")
IN_SAMPLE = {
    TRAIN: "the network has seen these labels, and each input has one: only held-out samples tell what T tells",
    HELD_OUT: "only the ends are known; the lower one is that of a probe",
}


def _probed(row: PlaneRow, acts: Mapping[str, Activations], probe: str, seed: int) -> PlaneRow:
    """The lower end of I(T;Y) on held-out samples is at least that of a probe; I(X;T) is at least I(T;Y)."""
    if row.split != HELD_OUT:
        return row
    (t, y), other = ((acts[s].layers[row.layer].flatten(1), acts[s].target) for s in (TRAIN, HELD_OUT))
    read = label_information(t, y, held_out=other, probe=probe, seed=seed)
    label = row.information["I(T;Y)"]
    low = min(max(label.low, read.low), label.high)
    value = label.value if math.isfinite(label.value) else read.value
    label = replace(label, low=low, value=value, error=label.error or read.error)
    whole = row.information["I(X;T)"]
    whole = replace(whole, low=min(max(whole.low, low), whole.high))
    return replace(row, information={**row.information, "I(X;T)": whole, "I(T;Y)": label})


def _processed(rows: Sequence[PlaneRow]) -> list[PlaneRow]:
    """Along a chain, what is not known exactly has at most the information of the layer before it."""
    found = list(rows)
    for k, (before, row) in enumerate(pairwise(rows), start=1):
        before = found[k - 1]
        if row.how != "infinite":
            found[k] = replace(row, information=_capped(row.information, before.information))
    return found


def _capped(known: Known, before: Known) -> Known:
    return {
        quantity: replace(found, high=max(min(found.high, before[quantity].high), found.low))
        if quantity in INPUT
        else found
        for quantity, found in known.items()
    }
