"""Which axis is which, found by running the model on other sizes: no coincidence of lengths can mislead it.

Samples lie on the axis that is as long as the batch when the batch has a length that nothing else has. The units of
a module lie on the axis whose length the module's own weights fix; positions can be cropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from pidnet.networks.inputs import mapped, tensors_in
from pidnet.networks.kinds import CHANNELS_FIRST, UNITS_LAST


def telling_size(shapes: Iterable[Sequence[int]]) -> int:
    """The smallest batch size above 2 that is no length in any of the shapes of a run on 2 samples."""
    lengths = {length for shape in shapes for length in shape}
    return next(size for size in range(3, len(lengths) + 4) if size not in lengths)


def axis_of_length(shape: Sequence[int], length: int) -> int | None:
    """The one axis of that length; None when no axis or several have it."""
    found = [axis for axis, size in enumerate(shape) if size == length]
    return found[0] if len(found) == 1 else None


def known_unit_axis(module: nn.Module) -> int | None:
    """The axis of the units in the output of a module, 1 or -1; None where its parts do not agree.

    A module without parts that are known has None.
    """
    axes = {
        1 if isinstance(part, CHANNELS_FIRST) else -1
        for part in module.modules()
        if isinstance(part, CHANNELS_FIRST + UNITS_LAST)
    }
    if isinstance(module, CHANNELS_FIRST + UNITS_LAST):
        return 1 if isinstance(module, CHANNELS_FIRST) else -1
    return axes.pop() if len(axes) == 1 else None


@torch.no_grad()
def tried_unit_axis(
    module: nn.Module, arguments: tuple, keywords: dict[str, Any], output: Tensor
) -> int | None:
    """The axis of an output that no shorter input makes shorter, None where several or none are left.

    Every axis of the first tensor after the samples is cropped by one, and the module is run again on its own.
    An output axis that gets shorter holds positions. The module is called without its own hooks.
    """
    entering = next(tensors_in([*arguments, *keywords.values()]), None)
    if entering is None:
        return None
    positions: set[int] = set()
    for axis in range(1, entering.ndim):
        positions |= _shorter_axes(module, arguments, keywords, output, entering.shape, axis)
    left = [axis for axis in range(1, output.ndim) if axis not in positions]
    return left[0] if positions and len(left) == 1 else None


def _shorter_axes(
    module: nn.Module, arguments: tuple, keywords: dict, output: Tensor, shape: torch.Size, axis: int
) -> set[int]:
    """The axes that get shorter when one axis of all inputs of that shape is cropped."""

    def crop(tensor: Tensor) -> Tensor:
        return tensor.narrow(axis, 0, shape[axis] - 1) if tensor.shape == shape else tensor

    if shape[axis] < 2:
        return set()
    try:
        cropped = module.forward(*mapped(crop, arguments), **mapped(crop, keywords))
    except Exception:  # a length that the weights fix
        return set()
    shorter = next(tensors_in(cropped), None)
    if shorter is None or shorter.ndim != output.ndim:
        return set()
    return {k for k in range(1, output.ndim) if shorter.shape[k] < output.shape[k]}
