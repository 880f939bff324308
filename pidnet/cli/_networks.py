"""Where a user's network and its weights come from. Weights are read, never unpickled."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from pidnet.cli._import_path import called, found_at
from pidnet.cli._samples import UserData, described, find_data, head

if TYPE_CHECKING:
    import torch
    from torch import nn


def find_both(
    model: str, data: str, *, weights: Path | None, samples: int, device: str, seed: int = 0
) -> tuple[nn.Module, UserData]:
    """The network on its device and the data of a command. Raises ValueError where they do not fit together."""
    network, found = find_model(model, weights, device, seed), find_data(data, samples)
    check_fit(network, found, data)
    return network, found


def find_model(source: str, weights: Path | None = None, device: str = "cpu", seed: int = 0) -> nn.Module:
    """The network at module:name or file.py:name, in eval mode, with the weights of a file if given.

    seed: of the weights that a function draws at random. Raises ValueError where there is no network, weights that do
    not fit it, or no such device.
    """
    import torch
    from torch import nn

    place = find_device(device)
    torch.manual_seed(seed)
    found = found_at(source, "network")
    torch.manual_seed(seed)  # again: what stands in the file may have drawn or seeded by itself
    model = found if isinstance(found, nn.Module) else called(found, source, "network")
    if not isinstance(model, nn.Module):
        raise ValueError(
            f"{source} gives a {type(model).__name__}; expected an nn.Module or a function without arguments "
            "that returns one"
        )
    if weights is not None:
        _load_weights(model, weights)
    return model.eval().to(place)


def find_device(name: str) -> torch.device:
    """A device by its name. Raises ValueError where torch has none of this name here."""
    import torch

    try:
        torch.zeros(1, device=name).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = shorten(str(error) or type(error).__name__, 120, placeholder=" ...").rstrip(".")
        raise ValueError(
            f"--device {name} cannot be used here ({reason}); leave it out for the CPU"
        ) from error
    return torch.device(name)


def digest(model: nn.Module, data: UserData) -> str:
    """Of the weights and of all samples: the same for the same ones."""
    import torch

    from pidnet.networks.inputs import tensors_in

    found = hashlib.sha256(str(model).encode())
    for tensor in tensors_in((model.state_dict(), data.calibration, data.test)):
        found.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]


def made_note(source: str, weights: Path | None) -> list[str]:
    """A sentence for who has given no weights, so that nobody takes an untrained network for a trained one."""
    return [] if weights else [f"No --weights: the network is as {source} makes it."]


def check_fit(model: nn.Module, data: UserData, source: str) -> None:
    """Run the network on two samples. Raises ValueError where it does not take them."""
    import torch

    from pidnet.networks.running import run

    x = head(data.calibration[0], 2)
    try:
        with torch.no_grad():
            run(model, x)
    except (Exception, SystemExit) as error:
        raise ValueError(
            f"the network {type(model).__name__} does not run on the inputs of {source}, {described(x)} "
            f"({type(error).__name__}: {error}); give both the same shape and type"
        ) from error


def _load_weights(model: nn.Module, path: Path) -> None:
    """Read a state_dict into the model."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} is no file; expected a .safetensors, .pt or .pth file")
    state = _read_weights(path)
    if isinstance(state, Mapping) and (
        inner := [name for name, part in state.items() if isinstance(part, Mapping)]
    ):
        raise ValueError(
            f"{path} is a checkpoint that holds {', '.join(map(str, state))}; expected the weights alone: save "
            f"checkpoint[{inner[0]!r}] by itself"
        )
    try:
        model.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = shorten(str(error).partition("\n")[2] or str(error), 300, placeholder=" ...")
        raise ValueError(f"{path} does not fit this {type(model).__name__}: {reason}") from error


def _read_weights(path: Path) -> Any:
    """A state_dict, from safetensors or with ``weights_only``."""
    import torch
    from safetensors.torch import load_file

    try:
        return load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
    except PermissionError:
        raise
    except Exception as error:  # each way to be broken has an exception of its own in these two libraries
        raise ValueError(
            f"{path} holds no plain weights, and nothing is unpickled: broken, or more than a state_dict; save "
            "with safetensors.torch.save_file(model.state_dict(), ...) or torch.save(model.state_dict(), ...)"
        ) from error
