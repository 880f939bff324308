"""Where a user's network, weights and data come from. Weights are read, never unpickled."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from torch import Tensor, nn

    Labelled = tuple[Tensor, Tensor]

PLACE = "expected module:name or file.py:name"

Model = Annotated[
    str,
    typer.Option(
        "--model",
        help="The network: module:name or file.py:name of an nn.Module, or of a function without arguments "
        "that returns one.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        help="Its weights: a .safetensors file, or a state_dict that torch.save wrote (.pt, .pth).",
    ),
]
Data = Annotated[
    str,
    typer.Option(
        "--data",
        help="digits, mnist, fashion_mnist or cifar10 (add :images for image-shaped inputs), or module:name or "
        "file.py:name of a function that returns (x, y), (x_train, y_train, x_test, y_test) or a DataLoader.",
    ),
]
SampleCount = Annotated[
    int, typer.Option("--samples", min=20, help="Look at this many training samples, the first ones.")
]


@dataclass(frozen=True, eq=False)
class UserData:
    """Samples to look at, and test samples where the data have a part for that."""

    calibration: Labelled
    test: Labelled | None


def find_model(source: str, weights: Path | None = None) -> nn.Module:
    """The network at module:name or file.py:name, in eval mode, with the weights of a file if given.

    Raises ValueError where there is no network, or weights that do not fit it.
    """
    from torch import nn

    found = _find(source, "network")
    model = found if isinstance(found, nn.Module) else _call(found, source, "network")
    if not isinstance(model, nn.Module):
        raise ValueError(
            f"{source} gives a {type(model).__name__}; expected an nn.Module or a function without arguments "
            "that returns one"
        )
    if weights is not None:
        _load_weights(model, weights)
    return model.eval()


def find_data(source: str, samples: int) -> UserData:
    """The first ``samples`` training samples of a named data set or of a user's loader, and its test part."""
    from torch import Tensor

    from pidnet import data

    name, _, shape = source.partition(":")
    if name in data.NAMES and shape in ("", "images"):
        loaded: Any = data.load(name, images=shape == "images")
    elif ":" in source:
        found = _find(source, "data")
        loaded = _call(found, source, "data") if callable(found) else found
    else:
        raise ValueError(f"no data set {source!r}; the known ones are {', '.join(data.NAMES)}; or {PLACE}")
    if isinstance(loaded, data.Samples):
        loaded = (loaded.x_train, loaded.y_train, loaded.x_test, loaded.y_test)
    match loaded:
        case (Tensor() as x, Tensor() as y):
            return UserData((x[:samples], y[:samples]), None)
        case (Tensor() as x, Tensor() as y, Tensor() as x_test, Tensor() as y_test):
            return UserData((x[:samples], y[:samples]), (x_test, y_test))
    return UserData(_first(loaded, samples, source), None)


def _first(loader: Any, samples: int, source: str) -> Labelled:
    """The first samples of (x, y) batches."""
    import torch

    batches, have = [], 0
    try:
        for x, y in loader:
            batches.append((x, y))
            have += len(y)
            if have >= samples:
                break
        x, y = (torch.cat(part)[:samples] for part in zip(*batches, strict=True))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{source} gives a {type(loader).__name__} that is no data ({error}); expected (x, y) tensors, "
            "(x_train, y_train, x_test, y_test), or batches (x, y)"
        ) from error
    return x, y


def _find(source: str, what: str) -> Any:
    """What stands at module:name or file.py:name. The working directory is searched for modules."""
    place, _, name = source.partition(":")
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        if not name:
            raise ValueError("no name after a colon")
        return run_path(place)[name] if place.endswith(".py") else getattr(import_module(place), name)
    except KeyError as error:
        raise ValueError(f"no {what} at {source!r} ({place} has no {error}); {PLACE}") from error
    except (ImportError, AttributeError, ValueError, FileNotFoundError) as error:
        raise ValueError(f"no {what} at {source!r} ({error}); {PLACE}") from error


def _call(found: Any, source: str, what: str) -> Any:
    """What a function without arguments returns."""
    if not callable(found):
        raise ValueError(f"{source} is a {type(found).__name__}, not a {what}; {PLACE}")
    try:
        return found()
    except TypeError as error:
        if error.__traceback__ and error.__traceback__.tb_next:
            raise
        raise ValueError(f"{source} wants arguments ({error}); name a function that takes none") from error


def _load_weights(model: nn.Module, path: Path) -> None:
    """Read a state_dict into the model, from safetensors or with ``weights_only``."""
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; expected a .safetensors, .pt or .pth file")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
        model.load_state_dict(state)
    except (pickle.UnpicklingError, SafetensorError, EOFError) as error:
        raise ValueError(
            f"{path} holds no plain weights, and nothing is unpickled; save them with "
            "safetensors.torch.save_file(model.state_dict(), ...) or torch.save(model.state_dict(), ...)"
        ) from error
    except (RuntimeError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} does not fit this {type(model).__name__}: {error}") from error
