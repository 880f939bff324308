"""Where the units of a layer go, seen by marking them with nan.

One sample is run as a batch of 2 log2(units) copies; in each copy the units whose index has (or has not) a
given bit are nan. Whatever passes units on one by one keeps the mark, so that at every layer that reads them
the copies spell out which input column belongs to which unit; whatever mixes units spells nonsense. No
operation needs to be known: flatten, concatenation, addition and pooling come out as they are.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pidnet.networks.inputs import Inputs, repeated, tensors_in
from pidnet.networks.kinds import CONVOLUTIONS, FOLLOWERS, NORMS, PRODUCERS, depthwise
from pidnet.networks.running import scores


@dataclass(eq=False)
class Trace:
    """Where a layer's units were seen. columns: layer that reads them -> column -> unit. followers: BatchNorm or
    depthwise convolution -> channel -> unit. obstacle: why they cannot be cut, or empty."""

    columns: dict[str, dict[int, int]] = field(default_factory=dict)
    followers: dict[str, dict[int, int]] = field(default_factory=dict)
    obstacle: str = ""

    def refuse(self, reason: str) -> None:
        self.obstacle = self.obstacle or reason


@torch.no_grad()
def trace(model: nn.Module, source: str, units: int, example: Inputs) -> Trace:
    """Follow the units that module ``source`` puts out (on the channel axis) through a model in eval mode."""
    marks = _marks(units).to(next(tensors_in(example)).device)
    found = Trace()
    with _marking(model, source, marks) as ran, _watching(model, found, marks):
        output = scores(model, repeated(example, len(marks))).isnan()
    if not ran:
        found.refuse("it does not run in the forward pass")
    elif output.any():
        ones, zeros = output.chunk(2)
        mixed = len(output) == len(marks) and bool((ones & zeros).any())
        found.refuse(
            "an operation that is not a layer mixes its units before the output (for example matmul, softmax over "
            "units)"
            if mixed
            else "its units reach the output without another layer"
        )
    elif not found.columns:
        found.refuse("no layer reads its units")
    return found


def _marks(units: int) -> Tensor:
    """bool (copy, unit): bit b of the unit's index for each b, then the complement."""
    bits = torch.arange(max(1, (units - 1).bit_length()))
    ones = (torch.arange(units) >> bits[:, None]) & 1 == 1
    return torch.cat([ones, ~ones])


def _unit_last(module: nn.Module, values: Tensor, copies: int) -> Tensor:
    """A view of a module's input or output with the copies first and the units last."""
    if isinstance(module, (*CONVOLUTIONS, *FOLLOWERS)) and values.ndim > 2:
        return values.movedim(1, -1)
    # Sequence models may run with the step first.
    return values.transpose(0, 1) if values.ndim > 2 and len(values) != copies else values


@contextmanager
def _marking(model: nn.Module, source: str, marks: Tensor) -> Generator[list[bool]]:
    ran: list[bool] = []

    def mark(module: nn.Module, _inputs, output: Tensor) -> Tensor:
        ran.append(True)
        marked = output.clone()
        view = _unit_last(module, marked, len(marks))
        view.masked_fill_(marks.reshape(len(marks), *[1] * (view.ndim - 2), -1).expand_as(view), float("nan"))
        return marked

    hook = model.get_submodule(source).register_forward_hook(mark)
    try:
        yield ran
    finally:
        hook.remove()


@contextmanager
def _watching(model: nn.Module, found: Trace, marks: Tensor) -> Generator[None]:
    """Note who sees marks; layers that multiply by weights see them as zeros and pass none on."""

    def see(name: str, module: nn.Module, inputs: tuple):
        marked = inputs[0] if inputs and isinstance(inputs[0], Tensor) else None
        if marked is None or not marked.is_floating_point() or not marked.isnan().any():
            return None
        if isinstance(module, FOLLOWERS) or depthwise(module):
            found.followers.setdefault(name, {}).update(_decode(found, name, module, marked, marks))
            return None
        if isinstance(module, PRODUCERS) and getattr(module, "groups", 1) == 1:
            found.columns.setdefault(name, {}).update(_decode(found, name, module, marked, marks))
        else:
            mixes = ", which mixes them" if isinstance(module, NORMS) else ", which is not known here"
            if isinstance(module, PRODUCERS):
                mixes = f", a convolution of {module.groups} groups"
            found.refuse(f"its units pass through {type(module).__name__} {name!r}{mixes}")
        return (marked.nan_to_num(), *inputs[1:])

    with ExitStack() as stack:
        for name, module in model.named_modules():
            own = next(module.parameters(recurse=False), None) is not None
            if own or isinstance(module, (*NORMS, *FOLLOWERS)):
                hook = module.register_forward_pre_hook(
                    lambda module, inputs, name=name: see(name, module, inputs)
                )
                stack.callback(hook.remove)
        yield


def _decode(found: Trace, name: str, module: nn.Module, marked: Tensor, marks: Tensor) -> dict[int, int]:
    """Channel -> unit at a module's input; refuses where a channel carries more than one unit."""
    seen = _unit_last(module, marked, len(marks)).isnan()
    if len(seen) != len(marks):
        found.refuse(f"its units are mixed with the samples before {name!r}")
        return {}
    seen = seen.reshape(len(marks), -1, seen.shape[-1]).any(1)
    ones, zeros = seen.chunk(2)
    if (ones & zeros).any():
        found.refuse(f"its units are mixed before they reach {name!r}")
        return {}
    channels = (ones | zeros).all(0).nonzero().flatten()
    weights = 2 ** torch.arange(len(ones), device=ones.device)
    return dict(zip(channels.tolist(), (weights @ ones[:, channels].long()).tolist(), strict=True))
