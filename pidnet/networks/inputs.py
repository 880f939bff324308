"""What a model is called with: a tensor, a packed sequence, positional arguments, or keyword arguments.

Samples are on the first axis of every tensor. A PackedSequence is a tuple too, so it is always asked for first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_sequence, unpack_sequence

# A mapping holds keyword arguments of the model (as tokenizers give them), a tuple or list positional ones.
Inputs = Tensor | PackedSequence | Sequence[Tensor] | Mapping[str, Tensor]

# One sample in so many judges what is decided or fitted by the others.
HOLDOUT = 5
# The most samples that run together.
BATCH = 128


def arguments(inputs: Any) -> tuple[tuple, dict]:
    """Positional and keyword arguments that an input is for a model."""
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    positional = isinstance(inputs, list | tuple) and not isinstance(inputs, PackedSequence)
    return (tuple(inputs) if positional else (inputs,)), {}


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Every tensor inside nested tuples, lists and mappings, in order."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)


def mapped(change: Callable[[Tensor], Tensor], value: Any) -> Any:
    """The same nesting with every tensor changed; what is no tensor stays."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping):
        return {key: mapped(change, item) for key, item in value.items()}
    return tuple(mapped(change, item) for item in value) if isinstance(value, list | tuple) else value


def on_device(inputs: Any, device: torch.device | None) -> Any:
    """The same inputs with every tensor on a device; None leaves them where they are."""
    if device is None:
        return inputs
    packed = isinstance(inputs, PackedSequence)
    return inputs.to(device) if packed else mapped(lambda tensor: tensor.to(device), inputs)


def samples(inputs: Inputs) -> int:
    """How many samples an input holds."""
    if isinstance(inputs, PackedSequence):
        return int(inputs.batch_sizes[0])
    first = next(iter(tensors_in(inputs)), None)
    if first is None or first.ndim == 0:
        raise ValueError(
            f"the inputs are {shapes(inputs) or 'empty'}; expected tensors with an axis of samples"
        )
    return len(first)


def take(inputs: Any, index: slice | Sequence[int]) -> Any:
    """Some samples of an input, in the given order; a slice of tensors copies nothing."""
    if isinstance(inputs, PackedSequence):
        sequences = unpack_sequence(inputs)
        chosen = sequences[index] if isinstance(index, slice) else [sequences[sample] for sample in index]
        return pack_sequence(chosen, enforce_sorted=False)
    return mapped(lambda tensor: tensor[index], inputs)


def split(inputs: Any, size: int = 256) -> Iterator[Any]:
    """The samples in batches of ``size``."""
    for start in range(0, samples(inputs), size):
        yield take(inputs, slice(start, start + size))


def repeated(inputs: Any, copies: int) -> Any:
    """The first sample, ``copies`` times."""
    return take(inputs, [0] * copies)


def first_sample(inputs: Any, axis: int = 0) -> Any:
    """A copy of the first sample, its batch axis kept. Raises TypeError without a tensor, ValueError without a
    sample on ``axis`` of every tensor."""
    if isinstance(inputs, PackedSequence):
        return take(inputs, [0])
    tensors = list(tensors_in(inputs))
    if not tensors:
        raise TypeError(
            f"the input is a {type(inputs).__name__} without tensors; expected a tensor with a leading batch "
            "axis, or a tuple or dict of them"
        )
    sizes = {x.shape[axis] if x.ndim > axis else None for x in tensors}
    if len(sizes) > 1 or sizes & {None, 0}:
        raise ValueError(
            f"the input has shape {shapes(inputs)}; expected one batch size on axis {axis}, at least 1"
        )
    return mapped(lambda tensor: tensor.narrow(axis, 0, 1).clone(), inputs)


def joined(parts: Sequence[Any]) -> Any:
    """Inputs of one kind as one, sample after sample."""
    first = parts[0]
    if isinstance(first, PackedSequence):
        return pack_sequence([x for part in parts for x in unpack_sequence(part)], enforce_sorted=False)
    if isinstance(first, Tensor):
        return torch.cat(list(parts))
    if isinstance(first, Mapping):
        return {key: joined([part[key] for part in parts]) for key in first}
    return tuple(joined(column) for column in zip(*parts, strict=True))


def shapes(inputs: Any) -> str:
    """The shapes of all tensors of an input, for error messages."""
    return ", ".join(str(tuple(tensor.shape)) for tensor in tensors_in(inputs)) or type(inputs).__name__


def interleaved(x: Inputs) -> list[Inputs]:
    """Samples in batches of at most ``BATCH``, of which each is spread over all samples, whatever their order; a multiple of
    ``HOLDOUT`` batches, or one a sample."""
    total = samples(x)
    number = min(total, HOLDOUT * math.ceil(total / (HOLDOUT * BATCH)))
    return [take(x, slice(start, None, number)) for start in range(number)]


def held_out(place: int, number: int) -> bool:
    """Whether a sample or batch, of that many, is not fitted to."""
    every = min(HOLDOUT, number)
    return place % every == every - 1


def blended(x: Inputs, drawn: torch.Generator) -> Inputs:
    """Where samples are numbers, every second one blended with another one, at least half of it itself; others as they
    are.

    What the dense network makes of blends is as well known as what it makes of samples, and there are many. A network
    that is sure of the samples that it was trained on is not sure of blends of them, as it is not of new ones.
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        return x
    share = 0.5 * torch.rand(len(x), generator=drawn).to(x)
    share[::2] = 0
    other = x[torch.randperm(len(x), generator=drawn)]
    return x.lerp(other, share.reshape(-1, *[1] * (x.ndim - 1)))


def parted(x: Any) -> tuple[Any, Any]:
    """The samples to decide by, and every fifth one to judge by; of a single sample, the same for both."""
    total = samples(x)
    if total < 2:
        return x, x
    decide, judge = ([k for k in range(total) if held_out(k, total) == side] for side in (False, True))
    return take(x, decide), take(x, judge)
