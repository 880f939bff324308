"""Run a model, find the scores in its output, and leave it as it was."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.networks.inputs import Inputs, arguments, on_device, samples, shapes, take
from pidnet.networks.outputs import OutputReading, read_output
from pidnet.networks.said import class_scores

TOLERANCE = 1e-5


def run(model: nn.Module, inputs: Inputs) -> Any:
    """The model's output for a tensor, a packed sequence, a tuple of positional or a mapping of keyword
    arguments; they are moved to the device of the model."""
    positional, keywords = arguments(on_device(inputs, device_of(model)))
    return model(*positional, **keywords)


def device_of(model: nn.Module) -> torch.device | None:
    """Where a model takes its inputs: the device of its first parameter or buffer, None without any."""
    return next((tensor.device for tensor in chain(model.parameters(), model.buffers())), None)


def scores(model: nn.Module, inputs: Inputs) -> Tensor:
    """``class_scores`` of one run."""
    return class_scores(run(model, inputs))


def reading_of(output: Any, y: Tensor) -> OutputReading | None:
    """How the scores in an output are read beside its targets; None where there are none or it cannot be told."""
    try:
        found = class_scores(output)
        return read_output(found, y.to(found.device)) if found.is_floating_point() else None
    except (TypeError, ValueError):
        return None


def run_or_say(model: nn.Module, inputs: Inputs) -> Any:
    """``run``; what the model raises becomes a ValueError that names the shapes."""
    try:
        return run(model, inputs)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ValueError(
            f"the model does not run on inputs of shape {shapes(inputs)}: {reason}; pass inputs that it accepts"
        ) from error


def same(after: Tensor, before: Tensor) -> bool:
    """Whether two outputs agree to 1e-5 of the largest, or to what half precision can hold."""
    if after.shape != before.shape:
        return False
    tolerance = max(TOLERANCE, 20 * torch.finfo(before.dtype).eps) if before.dtype.itemsize < 4 else TOLERANCE
    return bool((after - before).abs().max() <= tolerance * max(1.0, float(before.abs().max())))


@torch.no_grad()
def check_runs(model: nn.Module, inputs: Inputs, said: Callable[[Any], Tensor] = class_scores) -> None:
    """ValueError unless the model runs on the inputs and outputs finite scores."""
    if not said(run_or_say(model, inputs)).isfinite().all():
        raise ValueError("the model's output is not finite; check weights and inputs")


def check_batch_size(model: nn.Module, inputs: Inputs) -> None:
    """ValueError where the model runs on the inputs but not on two of them: its batch size is fixed inside."""
    if not _runs(model, take(inputs, slice(2))) and _runs(model, inputs):
        raise ValueError(
            f"the model runs on a batch of {samples(inputs)} but not on 2 samples: a batch size is fixed inside it; "
            "write it for any, as in x.view(len(x), -1)"
        )


@torch.no_grad()
def _runs(model: nn.Module, inputs: Inputs) -> bool:
    try:
        run(model, inputs)
    except Exception:
        return False
    return True


@contextmanager
def restored(model: nn.Module) -> Generator[None]:
    """Eval mode for the time being. Afterwards, also when something raises, every module has its own mode again,
    every buffer its values, and torch its random state. Hooks are taken away by whoever sets them. Buffers that kept
    their values are not written to, so that a pass before it can still be differentiated."""
    modes = [(module, module.training) for module in model.modules()]
    places = [(module._buffers, name, b) for module in model.modules() for name, b in module._buffers.items()]
    values = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    with torch.random.fork_rng(gpus(model)):
        model.eval()
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training
            for buffers, name, buffer in places:
                buffers[name] = buffer
            with torch.no_grad():
                for buffer, before in values:
                    if not torch.equal(buffer, before):
                        buffer.copy_(before)


@contextmanager
def in_full_precision() -> Generator[None]:
    """No short cuts of a GPU in products, convolutions and recurrent layers (TF32 keeps three digits), so that two runs
    agree to ``TOLERANCE`` where they should."""
    precision = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precision)


def gpus(model: nn.Module) -> list[int]:
    """The CUDA devices whose random state a run of the model could move."""
    devices = {parameter.device for parameter in model.parameters()}
    return sorted(device.index or 0 for device in devices if device.type == "cuda")


def random_state(model: nn.Module) -> list[Tensor]:
    """torch's random state on the CPU and on the model's CUDA devices."""
    return [torch.get_rng_state(), *(torch.cuda.get_rng_state(device) for device in gpus(model))]


def set_random_state(model: nn.Module, states: list[Tensor]) -> None:
    """Go on from a ``random_state``."""
    torch.set_rng_state(states[0])
    for device, state in zip(gpus(model), states[1:], strict=True):
        torch.cuda.set_rng_state(state, device)
