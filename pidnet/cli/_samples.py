"""Where a user's samples come from, in whatever form they stand there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pidnet.cli._import_path import PLACE, called, found_at
from pidnet.names import DATA_SETS

if TYPE_CHECKING:
    from torch import Tensor

    # Inputs are a tensor, or a mapping of tensors as tokenizers give them.
    Labelled = tuple[Any, Tensor]

FORMS = (
    "expected (x, y) or (x_train, y_train, x_test, y_test) as tensors or arrays, batches (x, y), or a "
    "torch Dataset"
)


@dataclass(frozen=True, eq=False)
class UserData:
    """Samples to look at, and test samples where the data have a part for that."""

    calibration: Labelled
    test: Labelled | None


def find_data(source: str, samples: int) -> UserData:
    """The first ``samples`` training samples of a named data set or of a user's loader, and its test part."""
    from torch.utils.data import DataLoader, Dataset

    loaded = _load(source)
    parts = _arrays(loaded)
    match parts:
        case (x, y):
            return UserData((head(x, samples), y[:samples]), None)
        case (x, y, x_test, y_test):
            return UserData((head(x, samples), y[:samples]), (x_test, y_test))
    batches = DataLoader(loaded, batch_size=256) if isinstance(loaded, Dataset) else loaded
    return UserData(_first(batches, samples, source), None)


def head(x: Any, samples: int) -> Any:
    """The first samples; of a mapping, those of each of its tensors."""
    return {name: part[:samples] for name, part in x.items()} if isinstance(x, Mapping) else x[:samples]


def described(x: Any) -> str:
    """Shape and type in words."""
    if isinstance(x, Mapping):
        return ", ".join(f"{name}: {described(part)}" for name, part in x.items())
    return f"shape {tuple(x.shape)}, {str(x.dtype).removeprefix('torch.')}"


def _load(source: str) -> Any:
    """What stands behind a name or a place."""
    from pidnet import datasets

    name, _, shape = source.partition(":")
    if name in DATA_SETS and shape in ("", "images"):
        found = datasets.load(name, images=shape == "images")
        return found.x_train, found.y_train, found.x_test, found.y_test
    if name in DATA_SETS:
        raise ValueError(f"{source}: of {name} there is {name} and {name}:images")
    if ":" not in source:
        raise ValueError(f"no data set {source!r}; the known ones are {', '.join(DATA_SETS)}; else {PLACE}")
    found = found_at(source, "data")
    return called(found, source, "data") if callable(found) else found


def _arrays(loaded: Any) -> tuple | None:
    """Two or four tensors, or None where something else was loaded. Arrays of doubles become float32."""
    import numpy as np
    from torch import Tensor

    from pidnet.networks.batches import as_tensors, refuse_texts

    if not isinstance(loaded, tuple | list) or len(loaded) not in (2, 4):
        return None
    for labels in loaded[1::2]:
        refuse_texts(labels)
    if not all(hasattr(part, "__array__") or isinstance(part, Mapping) for part in loaded):
        return None
    plain = (part if isinstance(part, Mapping | Tensor) else np.array(part) for part in loaded)
    return tuple(map(as_tensors, plain))


def _first(loader: Any, samples: int, source: str) -> Labelled:
    """The first samples of (x, y) batches."""
    import torch

    from pidnet.networks.batches import refuse_texts

    batches, have = [], 0
    try:
        for x, y in loader:
            refuse_texts(y)
            batches.append((x, y))
            have += len(y)
            if have >= samples:
                break
        x, y = (_joined(part) for part in zip(*batches, strict=True))
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"{source} gives a {type(loader).__name__} that is no data ({error}); {FORMS}"
        ) from error
    if not isinstance(y, torch.Tensor):
        raise ValueError(f"{source} gives labels of type {type(y).__name__}; {FORMS}")
    return head(x, samples), y[:samples]


def _joined(parts: tuple) -> Any:
    """Batches one after the other."""
    import torch

    if isinstance(parts[0], Mapping):
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return torch.cat(parts)
