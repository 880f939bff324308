"""The pruned network in one file: weights, and the plan that made its shape. Nothing is pickled."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pidnet import __version__
from pidnet.files import replacing
from pidnet.pruning.applying import shrink
from pidnet.pruning.plans.plan import PruningPlan

MOST_VALUES = 10**8  # of one sample


def save_pruned(small: nn.Module, plan: PruningPlan, example: Tensor, path: str | Path) -> Path:
    """Write a pruned network as .safetensors.

    Parameters
    ----------
    small
        The network that ``apply_plan`` returned.
    plan
        The plan that made its shape; it goes into the file's metadata with the shape of the example and the
        architecture in words, so that ``load_pruned`` can rebuild the network from the dense one.
    example
        An input of the network; only its shape and type are stored.
    path
        Where to write; the ending becomes .safetensors.

    Returns
    -------
    pathlib.Path
        The path written.

    Examples
    --------
    >>> import tempfile, torch
    >>> import pidnet as pn
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> plan = pn.plan_pruning(net, data, keep=0.25, criterion="l1")
    >>> small = pn.apply_plan(net, plan, data)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pn.save_pruned(small, plan, data[0], f"{folder}/small")
    ...     again = pn.load_pruned(net, path)
    >>> bool((again(data[0]) == small(data[0])).all())
    True
    """
    from safetensors.torch import save_file

    path = Path(path).with_suffix(".safetensors")
    weights = {name: value.detach().cpu().contiguous() for name, value in small.state_dict().items()}
    described = {
        "plan": plan.to_json(),
        "example": {"shape": [1, *example.shape[1:]], "dtype": str(example.dtype)},
        "architecture": str(small),
        "version": __version__,
    }
    with replacing(path) as temporary:
        # One entry: safetensors writes several in random order.
        save_file(weights, temporary, {"pidnet": json.dumps(described)})
    return path


def load_pruned(dense: nn.Module, path: str | Path) -> nn.Module:
    """The network that ``save_pruned`` wrote.

    Parameters
    ----------
    dense
        A network of the original architecture, with any weights; it is not changed.
    path
        The file.

    Returns
    -------
    torch.nn.Module
        A new model in eval mode.

    Raises
    ------
    ValueError
        Where the file is damaged, holds values that are not finite, or does not fit the dense network.

    Examples
    --------
    See ``save_pruned``.
    """
    weights, described = _read(Path(path))
    plan, x = PruningPlan.from_json(described["plan"]), _ones(path, described["example"])
    small = shrink(dense, plan, x)
    try:
        small.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} does not fit this {type(dense).__name__}: {reason}") from error
    return small


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The weights and what describes them; ValueError for a damaged or foreign file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"{path} is no pruned network ({error}); expected a file that save_pruned wrote"
        ) from error
    if "pidnet" not in metadata:
        raise ValueError(f"{path} holds no pruning plan; expected a file that save_pruned wrote")
    odd = [
        name for name, value in weights.items() if value.is_floating_point() and not value.isfinite().all()
    ]
    if odd:
        raise ValueError(
            f"{path} holds values of {odd[0]!r} that are not finite; prune or train the network again"
        )
    try:
        described = json.loads(metadata["pidnet"])
        return weights, {"plan": str(described["plan"]), "example": dict(described["example"])}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} describes no pruned network: {error}") from error


def _ones(path: str | Path, example: dict[str, Any]) -> Tensor:
    """An input of the stored shape: ones, since token 0 is often padding, and padding shows nothing."""
    shape, dtype = (
        example.get("shape"),
        getattr(torch, str(example.get("dtype")).removeprefix("torch."), None),
    )
    sizes = isinstance(shape, list) and all(isinstance(size, int) and size > 0 for size in shape)
    if not sizes or not isinstance(dtype, torch.dtype) or math.prod(shape) > MOST_VALUES:
        raise ValueError(
            f"{path} stores an example input of shape {shape}; expected one sample of a network's input"
        )
    return torch.ones(shape, dtype=dtype)
