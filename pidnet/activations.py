"""Stage 1: model + data -> activations.

A unit is read after its nonlinearity and named by the layer that produces it. Forward hooks mark what a layer
puts out; a torch-function mode follows the mark through pointwise functions (activation functions, dropout),
whether they are called as modules or as functions. The model itself is not changed.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from tqdm import tqdm

Batches = Iterable[tuple[Tensor, Tensor]]

UNIT_LAYERS = (nn.Linear,)

# Functions that act on each unit by itself, by their name in torch: the unit stays the same unit.
POINTWISE = {
    *(
        "relu",
        "relu_",
        "relu6",
        "leaky_relu",
        "leaky_relu_",
        "elu",
        "elu_",
        "selu",
        "celu",
        "gelu",
        "silu",
        "mish",
    ),
    *("hardswish", "hardtanh", "hardsigmoid", "sigmoid", "sigmoid_", "tanh", "tanh_", "softplus", "softsign"),
    *("logsigmoid", "dropout", "alpha_dropout", "rrelu"),
}


@dataclass(frozen=True, eq=False)
class Activations:
    """What the units of some layers did on some samples.

    layers: name -> float32 (sample, unit). target: int64 (sample,) classes or float (sample, d).
    reduction: name -> how the layer's output became one number a sample and unit.
    skipped: name -> why a layer was not captured.
    """

    layers: dict[str, Tensor]
    target: Tensor
    reduction: dict[str, str]
    skipped: dict[str, str] = field(default_factory=dict)


def capture(
    model: nn.Module, loader: Batches | tuple[Tensor, Tensor], layers: Sequence[str] | None = None
) -> Activations:
    """Run the model in eval mode and record the units of its layers.

    loader: an iterable of (x, y) batches, a DataLoader, or one pair of tensors.
    layers: names as in ``model.named_modules()``; None takes every layer that has units.
    Modes are restored and hooks removed afterwards, even when the forward pass raises.
    Raises ValueError for an unknown layer, an empty loader, labels that do not fit the batch, a layer that
    never ran, or activations that are not finite.
    """
    names = _find_layers(model, layers)
    blocks: dict[str, list[Tensor]] = {name: [] for name in names}
    targets = []
    with _evaluating(model), _following(model, names) as latest, torch.no_grad():
        for x, y in tqdm(_batches(loader), desc="capturing", delay=1, disable=None, leave=False):
            _check_batch(x, y)
            latest.clear()
            model(x)
            for name in names:
                blocks[name].append(_units(name, latest, len(x)))
            targets.append(y.detach().cpu())
    if not targets:
        raise ValueError("the loader gave no batch; expected at least one (x, y)")
    return Activations(
        layers={name: torch.cat(parts) for name, parts in blocks.items()},
        target=torch.cat(targets),
        reduction=dict.fromkeys(names, "none"),
        skipped=_skipped(model, names) if layers is None else {},
    )


class _UnitFollower(TorchFunctionMode):
    """Keep, for each layer, the last tensor that still holds its units one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.latest: dict[str, Tensor] = {}

    def mark(self, name: str, output: Tensor) -> None:
        # The mark is an attribute of the tensor, so that it dies with the tensor.
        setattr(output, "_pidnet_layer", name)  # noqa: B010
        self.latest[name] = output

    def __torch_function__(self, func, types, args=(), kwargs=None):
        source = getattr(args[0], "_pidnet_layer", None) if args else None
        output = func(*args, **(kwargs or {}))
        if source is not None and getattr(func, "__name__", "") in POINTWISE:
            self.mark(source, output)
        return output


@contextmanager
def _following(model: nn.Module, names: Sequence[str]) -> Generator[dict[str, Tensor]]:
    """Hooks on the named layers and the mode that follows their units; yields name -> latest tensor."""
    follower = _UnitFollower()
    with ExitStack() as stack:
        for name in names:
            hook = model.get_submodule(name).register_forward_hook(
                lambda _module, _inputs, output, name=name: follower.mark(name, output)
            )
            stack.callback(hook.remove)
        stack.enter_context(follower)
        yield follower.latest


@contextmanager
def _evaluating(model: nn.Module) -> Generator[None]:
    """Eval mode for the time being; every module gets its own mode back."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _find_layers(model: nn.Module, layers: Sequence[str] | None) -> list[str]:
    """The named layers, or all that have units; ValueError names what the model has."""
    known = [name for name, module in model.named_modules() if isinstance(module, UNIT_LAYERS)]
    if isinstance(layers, str):
        layers = [layers]
    chosen = known if layers is None else list(layers)
    if not chosen:
        raise ValueError(f"{type(model).__name__} has no layer with units (nn.Linear)")
    for name in chosen:
        if name not in known:
            raise ValueError(f"no such layer: {name!r}; the model has {', '.join(map(repr, known))}")
    return chosen


def _skipped(model: nn.Module, names: Sequence[str]) -> dict[str, str]:
    """Layers with parameters of their own that are not captured, and why."""
    return {
        name: f"units of {type(module).__name__} are not read"
        for name, module in model.named_modules()
        if name not in names and next(module.parameters(recurse=False), None) is not None
    }


def _batches(loader: Batches | tuple[Tensor, Tensor], size: int = 512) -> Batches:
    """Batches of a loader; a pair of tensors is cut into batches of ``size``."""
    match loader:
        case (Tensor() as x, Tensor() as y):
            _check_batch(x, y)
            return list(zip(x.split(size), y.split(size), strict=True)) if len(x) else []
        case (Tensor(), *_):
            raise ValueError(
                "the loader is a sequence of tensors; expected one pair (x, y) or (x, y) batches"
            )
        case _:
            return loader


def _check_batch(x: Tensor, y: Tensor) -> None:
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        raise ValueError(
            f"a batch holds {type(x).__name__} and {type(y).__name__}; expected two tensors (x, y)"
        )
    if y.ndim == 0 or len(x) != len(y):
        raise ValueError(
            f"x has {len(x)} samples but y has shape {tuple(y.shape)}; expected one target a sample"
        )


def _units(name: str, latest: dict[str, Tensor], samples: int) -> Tensor:
    """One layer's units on one batch, (sample, unit), checked."""
    if name not in latest:
        raise ValueError(f"layer {name!r} did not run in the forward pass; leave it out of layers=")
    values = latest[name].detach()
    if values.shape[:-1] != (samples,):
        raise ValueError(f"layer {name!r} put out shape {tuple(values.shape)}; expected ({samples}, unit)")
    if not values.isfinite().all():
        unit = int((~values.isfinite()).any(0).nonzero()[0])
        raise ValueError(
            f"unit {unit} of layer {name!r} has values that are not finite; check weights and inputs"
        )
    return values.float().cpu()
