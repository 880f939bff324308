"""What a user has as data: a pair (x, y), a list of such batches, or a loader; checked at the door."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from pidnet.networks.inputs import Inputs, joined, samples, shapes, split, tensors_in
from pidnet.networks.outputs import IGNORED, check_labels
from pidnet.progress import shown

# x is what a model is called with (Inputs), y has one target a sample; NumPy arrays are taken for tensors. (x, None), or a mapping
# without labels, has no targets: each is then IGNORED.
Pair = tuple[Any, Tensor]
Data = Pair | Iterable[Pair]

SIZE = 512
LABELS = ("labels", "label")  # of a mapping that holds inputs and targets, as Hugging Face's loaders make it
TEXTS = "the labels are texts; give each class a number: numpy.unique(labels, return_inverse=True)[1]"


def batches(data: Data, size: int = SIZE) -> Iterator[Pair]:
    """The batches of the data; one pair (x, y) is cut into batches of ``size``.

    Raises ValueError when inputs and targets do not fit, or when there is no batch.
    """
    pair = _pair(data)
    empty = True
    for batch in _checked(data) if pair is None else _cut(*pair, size):
        empty = False
        yield batch
    if empty:
        raise ValueError("the data hold no batch; expected at least one (x, y)")


def check_data(data: Any) -> None:
    """TypeError or ValueError for what cannot be data; what a loader gives is looked at when it is read."""
    if _pair(data) is None and isinstance(_iterable(data), list | tuple):
        for _ in batches(data):
            pass


def whole(data: Data) -> Pair:
    """All data as one pair (x, y) in memory. Raises ValueError when batches cannot be joined."""
    if (pair := _pair(data)) is not None:
        return pair
    x, y = zip(*shown(batches(data), "reading the data", unit="batch"), strict=True)
    try:
        return joined(x), torch.cat(y)
    except (RuntimeError, KeyError, ValueError) as error:
        first, odd = shapes(x[0]), next((s for s in map(shapes, x) if s != shapes(x[0])), "")
        raise ValueError(
            f"batches of shape {first} and {odd} cannot be joined; pad all samples to one length"
        ) from error


def labelled(data: Data) -> Pair:
    """All data as one pair of at least 2 samples with labels whose inputs are finite; ValueError otherwise."""
    x, y = maybe_labelled(data)
    check_labels(y)
    return x, y


def maybe_labelled(data: Data) -> Pair:
    """All data as one pair of at least 2 samples whose inputs are finite; ValueError otherwise."""
    x, y = whole(data)
    if samples(x) != len(y):
        raise ValueError(
            f"x has shape {shapes(x)} but y has shape {tuple(y.shape)}; expected the samples on the first axis"
        )
    if len(y) < 2:
        raise ValueError(f"the data hold {len(y)} sample; expected at least 2")
    bad = [i for i, batch in enumerate(split(x)) if not all(t.isfinite().all() for t in tensors_in(batch))]
    if bad:
        raise ValueError(
            "the inputs hold values that are not finite, first among samples "
            f"{256 * bad[0]} to {min(len(y), 256 * bad[0] + 256) - 1}; remove those samples"
        )
    return x, y


def padding_mask(x: Inputs, mask: Any) -> Tensor | None:
    """Bool (sample, token), true where a token is not padding; None when nothing is said about padding.

    mask: a function of the input, or None, which reads "attention_mask" where the input is a mapping.
    """
    found = mask(x) if mask else x.get("attention_mask") if isinstance(x, Mapping) else None
    if found is None:
        return None
    if not isinstance(found, Tensor) or found.ndim != 2:
        raise ValueError(f"the mask is {_described(found)}; expected a tensor of shape (sample, token)")
    return found.bool()


def example_inputs(model: nn.Module, data: Any) -> Any:
    """What the model can be called with, from an input or from data: the x of a pair (x, y) or of the first batch.

    Two tensors are two arguments where the model can be called with two, otherwise a pair (x, y). Raises ValueError
    where x and y do not fit.
    """
    if isinstance(data, Tensor | np.ndarray | Mapping | PackedSequence | str) or not isinstance(
        data, Iterable
    ):
        has_labels = isinstance(data, Mapping) and any(name in data for name in LABELS)
        pair = _pair(data) if has_labels else None
        return pair[0] if pair else as_tensors(data)
    if not isinstance(data, list | tuple):
        return example_inputs(model, next(iter(data), None))
    first = data[0] if data else None
    if len(data) == 2 and isinstance(data[1], Tensor | np.ndarray):
        arguments = isinstance(first, Tensor | np.ndarray) and _takes_two(model)
        x, y = map(as_tensors, data)
        return (x, y) if arguments else _fitting(x, y)[0]
    batch = isinstance(first, list | tuple) and not isinstance(first, PackedSequence)
    return example_inputs(model, first) if batch else as_tensors(data)


def _takes_two(model: nn.Module) -> bool:
    """Whether a model may be called with two positional arguments."""
    try:
        inspect.signature(model.forward).bind(None, None)
    except TypeError:
        return False
    return True


def _pair(data: Any) -> Pair | None:
    """(x, y) as tensors, checked, where the data are one pair, whose second entry is an array or None, or a mapping."""
    if isinstance(data, Mapping) and data:
        name = next((name for name in LABELS if name in data), "")
        return _pair(({key: value for key, value in data.items() if key != name}, data.get(name)))
    if not (isinstance(data, list | tuple) and len(data) == 2):
        return None
    x, y = data
    refuse_texts(y)
    if y is None:
        x = as_tensors(x)
        return _fitting(x, torch.full((samples(x),), IGNORED))
    return _fitting(as_tensors(x), as_tensors(y)) if isinstance(y, Tensor | np.ndarray) else None


def refuse_texts(labels: Any) -> None:
    """ValueError for labels that are texts, as a file has them."""
    some = labels.ravel()[:1].tolist() if isinstance(labels, np.ndarray) else labels
    if isinstance(some, list | tuple) and len(some) > 0 and isinstance(some[0], str | bytes):
        raise ValueError(TEXTS)


def as_tensors(value: Any) -> Any:
    """Arrays as tensors, floating ones in torch's default precision. ValueError for an array without numbers."""
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufc":
            raise ValueError(f"an array of {value.dtype} was given; expected one of numbers")
        tensor = torch.from_numpy(value)
        return tensor.to(torch.get_default_dtype()) if tensor.is_floating_point() else tensor
    if isinstance(value, Mapping):
        return {key: as_tensors(part) for key, part in value.items()}
    if isinstance(value, list | tuple) and not isinstance(value, PackedSequence):
        return tuple(map(as_tensors, value))
    return value


def _iterable(data: Any) -> Iterable[Any]:
    one = isinstance(data, Tensor | np.ndarray | Mapping | str) or (
        isinstance(data, list | tuple) and len(data) > 0 and isinstance(data[0], Tensor | np.ndarray)
    )
    if one or not isinstance(data, Iterable):
        kind = ValueError if one else TypeError
        raise kind(
            f"the data are {_described(data)}; expected one pair (x, y), with y a tensor or array, (x, None) where there are no "
            "labels, or batches of such pairs"
        )
    return data


def _checked(data: Any) -> Iterator[Pair]:
    for number, batch in enumerate(_iterable(data)):
        pair = _pair(batch)
        if pair is None:
            raise ValueError(
                f"batch {number} of the data is {_described(batch)}; expected (x, y), with y a tensor or array, (x, None), or a "
                "mapping"
            )
        yield pair


def _cut(x: Any, y: Tensor, size: int) -> Iterator[Pair]:
    if isinstance(x, PackedSequence) or any(len(part) != len(y) for part in tensors_in(x)):
        yield x, y  # samples are not the first axis, as in (token, sample): one batch
    else:
        yield from zip(split(x, size), split(y, size), strict=True)


def _fitting(x: Any, y: Tensor) -> Pair:
    """The pair, checked."""
    _check(x, y)
    return x, y


def _check(x: Any, y: Tensor) -> None:
    if isinstance(x, PackedSequence):
        if y.ndim == 0 or len(y) != samples(x):
            raise ValueError(
                f"x packs {samples(x)} sequences but y has shape {tuple(y.shape)}; expected one target a sample"
            )
        return
    parts = list(x.values()) if isinstance(x, Mapping) else list(x) if isinstance(x, tuple) else [x]
    if not parts or not all(isinstance(part, Tensor) for part in parts):
        raise ValueError(
            f"x is {_described(x)}; expected a tensor, or a mapping or tuple of tensors; pad ragged samples to "
            'one length and pass mask= (tokenizers pad with return_tensors="pt", padding=True)'
        )
    if y.ndim == 0 or any(len(y) not in part.shape[:2] for part in parts):
        ragged = "; pad ragged samples to one length" if len(parts) > 1 else ""
        raise ValueError(
            f"x has shape {shapes(x)} but y has shape {tuple(y.shape)}; expected one target a sample{ragged}"
        )


def _described(value: Any) -> str:
    if isinstance(value, Tensor | np.ndarray):
        return f"{'a tensor' if isinstance(value, Tensor) else 'an array'} of shape {tuple(value.shape)}"
    if isinstance(value, tuple | list) and value and isinstance(value[0], Tensor | np.ndarray | Mapping):
        return f"({', '.join(map(_described, value[:3]))}{', ...' * (len(value) > 3)})"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
