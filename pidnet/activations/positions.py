"""A layer's values at its places (positions, steps, tokens) become one value per sample, or one row per place.

Axis letters: S sample, P place, U unit, D dimension of a vector unit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pidnet.layers import Scan
from pidnet.networks.axes import known_unit_axis

DEFAULT_REDUCTION = {"positions": "mean", "steps": "last", "tokens": "mean", "calls": "refuse"}
WORDS = ("mean", "max", "first", "last", "samples", "each")


@dataclass(frozen=True, eq=False)
class Places:
    """values: (sample, place, unit) or (sample, place, unit, dim) of one call of a layer on one batch.

    kind: "positions", "steps", "tokens", or "none" for a single place. there: bool (sample, place), false at
    padding. backward: whether the units read the sequence from its end.
    """

    values: Tensor
    kind: str
    there: Tensor | None = None
    backward: bool = False


def check_reduction(reduce: Mapping[str, str] | None) -> dict[str, str]:
    """The defaults, updated; ValueError for an unknown kind of place or word."""
    chosen = DEFAULT_REDUCTION | dict(reduce or {})
    for kind, how in chosen.items():
        if kind not in DEFAULT_REDUCTION:
            raise ValueError(
                f"reduce has the key {kind!r}; the kinds of places are {', '.join(DEFAULT_REDUCTION)}"
            )
        words = (*WORDS[:-1], "refuse") if kind == "calls" else WORDS
        if how not in words:
            raise ValueError(f"reduce[{kind!r}] is {how!r}; expected one of {', '.join(words)}")
    return chosen


def arrange(module: nn.Module, values: Tensor, samples: int, units: int | None) -> Places:
    """Bring the output of a module into the order (sample, place, unit).

    samples: the axis of the samples. units: that of the units, where the module's kind does not say so.
    Recurrent modules have steps, modules with their units at axis 1 or with several axes of places have positions,
    all others, and fully connected layers, tokens. Raises ValueError where there is no axis of units.
    """
    if values.ndim < 2:
        raise ValueError(f"an output of shape {tuple(values.shape)} has no axis of units")
    values = values.movedim(samples, 0)
    if values.ndim == 2:
        return Places(values.unsqueeze(1), "none")
    axis = known_unit_axis(module) or units or (1 if values.ndim > 3 or _channels_first(module) else -1)
    values = values.movedim(axis, -1)
    several = values.ndim > 3
    values = values.flatten(1, -2)
    if isinstance(module, nn.RNNBase | Scan):
        return Places(values, "steps", backward=getattr(module, "backward", False))
    return Places(
        values, "positions" if axis == 1 or (several and not isinstance(module, nn.Linear)) else "tokens"
    )


def _channels_first(module: nn.Module) -> bool:
    return any(isinstance(part, nn.Conv1d | nn.BatchNorm1d) for part in module.modules())


def arrange_heads(values: Tensor, samples: int) -> Places:
    """Heads (sample, head, token, dim), with the samples on axis ``samples``, as (sample, token, head, dim)."""
    if samples:
        raise ValueError(f"heads of shape {tuple(values.shape)} have no axis of samples in front")
    return Places(values.transpose(1, 2), "tokens")


def reduced(places: Places, how: str) -> Iterator[tuple[str, Tensor, Tensor]]:
    """Suffix of the layer's name, values (row, unit ...) and, on the CPU, the sample of each row.

    "each" gives one layer a place, with the suffix "[place]"; everything else a single one.
    """
    values = places.values
    samples = torch.arange(len(values))
    there = places.there
    if there is None:
        there = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
    if places.kind == "none":
        yield "", values[:, 0], samples
    elif how == "each":
        if not there.all():
            raise ValueError("places cannot be read one by one where some samples are padded")
        for place in range(values.shape[1]):
            yield f"[{place}]", values[:, place], samples
    elif how == "samples":
        yield "", values[there], samples.repeat_interleave(there.sum(1).cpu())
    else:
        yield "", _one_place(places, there, how), samples


def _one_place(places: Places, there: Tensor, how: str) -> Tensor:
    values = places.values
    if not there.any(1).all():
        empty = int((~there.any(1)).nonzero()[0])
        raise ValueError(f"sample {empty} of a batch is all padding")
    outside = ~there.reshape(*there.shape, *[1] * (values.ndim - 2))
    match how:
        case "mean":
            total = values.masked_fill(outside, 0).sum(1)
            return total / there.sum(1).reshape(-1, *[1] * (values.ndim - 2))
        case "max":
            return values.masked_fill(outside, -torch.inf).amax(1)
    return _end_place(places, there, how)


def _end_place(places: Places, there: Tensor, how: str) -> Tensor:
    """The first or last place that is there, in the order in which the units read the sequence."""
    first = there.int().argmax(1)
    last = there.shape[1] - 1 - there.flip(1).int().argmax(1)
    place = last if (how == "last") != places.backward else first
    return places.values[torch.arange(len(place), device=place.device), place]
