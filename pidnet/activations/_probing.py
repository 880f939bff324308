"""Before the first batch is read: which axes of a layer's output hold samples and units, tried on small batches."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence

from pidnet.activations.tracking import UnitFollower
from pidnet.networks.axes import axis_of_length, known_unit_axis, telling_size, tried_unit_axis
from pidnet.networks.inputs import Inputs, mapped, take, tensors_in

Pass = Callable[[Inputs], UnitFollower]
FOLDED = "its samples share an axis with something else, as in x.reshape(-1, ...)"


@dataclass(frozen=True, eq=False)
class LayerAxes:
    """Where the samples of each call of a layer stand (None: folded into another axis), and its units."""

    samples: dict[str, list[int | None]] = field(default_factory=dict)
    units: dict[str, int] = field(default_factory=dict)

    def of_samples(self, layer: str, call: int, shape: torch.Size, samples: int) -> int:
        """The axis of the samples in one call. Raises ValueError where it cannot be told."""
        known = self.samples.get(layer)
        axis = known[min(call, len(known) - 1)] if known else axis_of_length(shape, samples)
        if axis is None:
            reason = (
                FOLDED
                if known or samples not in shape
                else (
                    "several axes have the length of the batch, and the model does not run on other batch sizes; "
                    "pass another number of samples"
                )
            )
            raise ValueError(
                f"layer {layer!r} with an output of shape {tuple(shape)} cannot be read: {reason}"
            )
        return axis

    def folded(self, layer: str) -> bool:
        """Whether the samples of a layer are known to share an axis with something else."""
        return None in self.samples.get(layer, [])


def probe(run: Pass, model: nn.Module, owners: Mapping[str, str], x: Inputs, samples: int) -> LayerAxes:
    """The axes of every layer, from two runs on copies of the first sample: 2, and a number that is no other length.

    Nothing is known about samples where the model does not run on these batches.
    """
    units: dict[str, int] = {}
    axis = 0 if isinstance(x, PackedSequence) or all(len(part) == samples for part in tensors_in(x)) else 1
    try:
        with _trying(model, owners.values(), units):
            two = _shapes(run(_copies(x, 2, axis)))
        size = telling_size(shape for calls in two.values() for shape in calls)
        more = _shapes(run(_copies(x, size, axis)))
    except Exception:  # a fixed batch size, or a fault that the first real batch will show
        return LayerAxes({}, units)
    return LayerAxes(
        {name: [axis_of_length(shape, size) for shape in calls] for name, calls in more.items()}, units
    )


def _copies(x: Inputs, copies: int, axis: int) -> Inputs:
    if isinstance(x, PackedSequence) or axis == 0:
        return take(x, [0] * copies)
    return mapped(lambda tensor: tensor[:, [0] * copies], x)


def _shapes(follower: UnitFollower) -> dict[str, list[torch.Size]]:
    units = {name: [values.shape for values, _ in calls] for name, calls in follower.units.items()}
    return units | {name: [values.shape for values in calls] for name, calls in follower.heads.items()}


@contextmanager
def _trying(model: nn.Module, names: Iterable[str], units: dict[str, int]) -> Generator[None]:
    """While it lasts, modules whose parts do not say where their units are get tried on cropped inputs."""

    def attempt(name: str, module: nn.Module, arguments: tuple, keywords: dict, output: Any) -> None:
        found = next(tensors_in(output), None)
        if found is not None and found.ndim > 2 and name not in units:
            axis = tried_unit_axis(module, arguments, keywords, found)
            if axis is not None:
                units[name] = axis

    with ExitStack() as stack:
        for name in set(names):
            module = model.get_submodule(name)
            if known_unit_axis(module) is None:
                hook = module.register_forward_hook(partial(attempt, name), with_kwargs=True)
                stack.callback(hook.remove)
        yield
