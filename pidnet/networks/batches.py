"""What a loader gives: pairs of an input and a target, checked at the door."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

# An input is a tensor, a packed sequence, or a mapping of keyword arguments for the model (as tokenizers
# give them).
Inputs = Tensor | PackedSequence | Mapping[str, Tensor]
Batches = Iterable[tuple[Inputs, Tensor]]

SIZE = 512


def batches(loader: Batches | tuple[Inputs, Tensor]) -> Iterator[tuple[Inputs, Tensor]]:
    """The batches of a loader; one pair (x, y) is cut into batches of ``SIZE``.

    Raises ValueError when inputs and targets do not fit, or when there is no batch.
    """
    empty = True
    for batch in _cut(loader):
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise ValueError(f"the loader gave {_described(batch)}; expected batches (x, y)")
        x, y = batch
        _check(x, y)
        empty = False
        yield x, y
    if empty:
        raise ValueError("the loader gave no batch; expected at least one (x, y)")


def run(model: nn.Module, x: Inputs) -> Any:
    """The model's output; a mapping is passed as keyword arguments."""
    return model(**x) if isinstance(x, Mapping) else model(x)


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


def predicted_class(output: Any) -> Tensor | None:
    """The class with the largest score, int64 (sample,); None when the output holds no class scores.

    Looks at the output itself, at its "logits", or at the first entry of a tuple.
    """
    if isinstance(output, Mapping):
        output = output.get("logits")
    elif isinstance(output, tuple | list) and output:
        output = output[0]
    if isinstance(output, Tensor) and output.ndim == 2 and output.is_floating_point():
        return output.argmax(1)
    return None


def _cut(loader: Any) -> Iterable[Any]:
    match loader:
        case (PackedSequence() as x, Tensor() as y):
            return [(x, y)]
        case (Tensor() | Mapping() as x, Tensor() as y):
            _check(x, y)
            if any(len(part) != len(y) for part in (x.values() if isinstance(x, Mapping) else [x])):
                return [(x, y)]  # samples are not the first axis, as in (token, sample): one batch
            parts = range(0, len(y), SIZE)
            return ((_slice(x, start), y[start : start + SIZE]) for start in parts)
        case Tensor() | (Tensor(), *_):
            raise ValueError(
                "the loader is a tensor or a sequence of tensors; expected one pair (x, y) or (x, y) batches"
            )
        case Iterable():
            return loader
    raise TypeError(f"the loader is {_described(loader)}; expected one pair (x, y) or (x, y) batches")


def _slice(x: Tensor | Mapping[str, Tensor], start: int) -> Inputs:
    if isinstance(x, Mapping):
        return {key: value[start : start + SIZE] for key, value in x.items()}
    return x[start : start + SIZE]


def _check(x: Any, y: Any) -> None:
    if isinstance(x, PackedSequence) and isinstance(y, Tensor):
        samples = int(x.batch_sizes[0])
        if y.ndim == 0 or len(y) != samples:
            raise ValueError(
                f"x packs {samples} sequences but y has shape {tuple(y.shape)}; expected one target a sample"
            )
        return
    parts = list(x.values()) if isinstance(x, Mapping) else [x]
    if not parts or not all(isinstance(part, Tensor) for part in (*parts, y)):
        raise ValueError(
            f"a batch holds {_described(x)} and {_described(y)}; expected tensors (x, y), where x may be "
            "a mapping of tensors; pad ragged samples to one length and pass mask="
        )
    if y.ndim == 0 or any(len(y) not in part.shape[:2] for part in parts):
        raise ValueError(
            f"x has {len(parts[0])} samples but y has shape {tuple(y.shape)}; expected one target a sample"
        )


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
