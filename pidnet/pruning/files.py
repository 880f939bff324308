"""The pruned network in one file: weights, and the plan that made its shape. Nothing is pickled."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

from pidnet import __version__
from pidnet.arguments import check_arguments
from pidnet.files import replacing, saved_as, with_ending
from pidnet.networks.inputs import Inputs, first_sample
from pidnet.pruning.applying import shrink
from pidnet.pruning.plans.plan import PruningPlan

MOST_VALUES = 10**8  # of one sample


def save_pruned(small: nn.Module, plan: PruningPlan, example: Inputs, path: str | Path) -> Path:
    """Write a pruned network as .safetensors.

    Parameters
    ----------
    small
        The network that ``apply_plan`` returned.
    plan
        The plan that made its shape; it goes into the file's metadata with the form of the example and the
        architecture in words, so that ``load_pruned`` can rebuild the network from the dense one.
    example
        An input of the network: a tensor, a packed sequence, a tuple of positional or a mapping of keyword
        arguments. Only how it is nested and the shape and type of its tensors are stored.
    path
        Where to write; .safetensors is added to a name that does not end so.

    Returns
    -------
    pathlib.Path
        The path written.

    Raises
    ------
    ValueError
        For a path that names no file.

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
    check_arguments(save_pruned, locals())
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    if not Path(path).name:
        raise ValueError(f"path={str(path)!r} names no file")
    path = with_ending(path, ".safetensors")
    weights = {name: value.detach().cpu().contiguous() for name, value in small.state_dict().items()}
    described = {
        "plan": plan.to_json(),
        "example": _form(first_sample(example)),
        "architecture": str(small),
        "version": __version__,
    }
    with replacing(path) as temporary:
        try:  # One entry: safetensors writes several in random order.
            save_file(weights, temporary, {"pidnet": json.dumps(described)})
        except SafetensorError as error:
            raise OSError(f"{path} cannot be written: {error}") from error
    return path


def load_pruned(dense: nn.Module, path: str | Path) -> nn.Module:
    """The network that ``save_pruned`` wrote.

    Parameters
    ----------
    dense
        A network of the original architecture, with any weights; it is not changed.
    path
        The file, or the name that ``save_pruned`` got.

    Returns
    -------
    torch.nn.Module
        A new model in eval mode.

    Raises
    ------
    FileNotFoundError
        Without such a file.
    ValueError
        Where the file is damaged, holds values that are not finite, or does not fit the dense network.

    Examples
    --------
    >>> import tempfile, torch
    >>> import pidnet as pn
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> plan = pn.plan_pruning(net, data, keep=0.25, criterion="l1")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = pn.save_pruned(pn.apply_plan(net, plan, data), plan, data[0], f"{folder}/small")
    ...     pn.load_pruned(net, f"{folder}/small").fc1
    Linear(in_features=8, out_features=4, bias=True)
    """
    check_arguments(load_pruned, locals())
    weights, described = _read(saved_as(path, ".safetensors"))
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
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} describes no pruned network: {error}") from error


def _form(example: Any) -> dict[str, Any]:
    """How an input is nested, and the shape and type of each tensor."""
    if isinstance(example, Tensor):
        return {"shape": list(example.shape), "dtype": str(example.dtype)}
    if isinstance(example, PackedSequence):
        return {"packed": _form(example.data)}
    if isinstance(example, Mapping):
        return {"keywords": {name: _form(part) for name, part in example.items()}}
    return {"arguments": [_form(part) for part in example]}


def _ones(path: str | Path, form: Any) -> Any:
    """An input of the stored form: ones, since token 0 is often padding, and padding shows nothing."""
    if _values(form) > MOST_VALUES:
        raise ValueError(
            f"{path} stores an example input of {form}; expected one sample of a network's input"
        )
    if "shape" in form:
        return torch.ones(form["shape"], dtype=_dtype(form["dtype"]))
    if "packed" in form:
        return pack_sequence([_ones(path, form["packed"])])
    if "keywords" in form:
        return {name: _ones(path, part) for name, part in form["keywords"].items()}
    return tuple(_ones(path, part) for part in form["arguments"])


def _values(form: Any) -> float:
    """How many values an input of this form holds; infinitely many where it is no such form."""
    match form:
        case {"shape": [*sizes], "dtype": kind} if _dtype(kind) and all(isinstance(s, int) for s in sizes):
            return math.prod(sizes) if min(sizes, default=0) > 0 else math.inf
        case {"packed": {"shape": _} as part}:
            return _values(part)
        case {"keywords": dict(parts)} if parts:
            return sum(map(_values, parts.values()))
        case {"arguments": [_, *_] as parts}:
            return sum(map(_values, parts))
    return math.inf


def _dtype(kind: Any) -> torch.dtype | None:
    found = getattr(torch, str(kind).removeprefix("torch."), None)
    return found if isinstance(found, torch.dtype) else None
