"""Layers without a channel to read or to make, as they are left where a branch of a network goes wholly.

What reads nothing outputs its bias everywhere, so that the sum which the branch feeds gains a constant. torch runs a fully
connected layer of this kind, but neither a convolution nor a norm.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from pidnet.networks.kinds import CONVOLUTIONS, FOLLOWERS, TRANSPOSED, sizes


class _Emptied(nn.Module):
    """A convolution without inputs or outputs, or a norm or PReLU without channels."""

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        """What is left: a bias at every place that a convolution would have put something out at."""
        layer: Any = self
        if not isinstance(self, CONVOLUTIONS):
            return input
        made = input.new_zeros(len(input), layer.out_channels, *_lengths(layer, input.shape[2:]))
        return made if layer.bias is None else (made.movedim(1, -1) + layer.bias).movedim(-1, 1)


EMPTIED = {
    kind: type(f"Emptied{kind.__name__}", (_Emptied, kind), {"__module__": __name__})
    for kind in (*CONVOLUTIONS, *FOLLOWERS, nn.GroupNorm)
}
globals().update({kind.__name__: kind for kind in EMPTIED.values()})


def empty(layer: Any) -> None:
    """Make a layer whose weights have been cut already, in place, one that works without channels. What reads nothing has a
    bias from now on, which is all that it can output."""
    layer.__class__ = next((EMPTIED[kind] for kind in type(layer).__mro__ if kind in EMPTIED), type(layer))
    if isinstance(layer, (nn.Linear, *CONVOLUTIONS)) and layer.bias is None:
        made, read = sizes(layer)
        zeros = layer.weight.new_zeros(made)
        layer.bias = None if read else nn.Parameter(zeros, layer.weight.requires_grad)


def _lengths(layer: Any, lengths: tuple[int, ...]) -> list[int]:
    """At how many places a convolution puts something out, by axis."""
    sides = layer._reversed_padding_repeated_twice
    found = []
    for axis, length in enumerate(lengths):
        padding = sum(sides[2 * (len(lengths) - 1 - axis) :][:2])
        reach = layer.dilation[axis] * (layer.kernel_size[axis] - 1)
        if isinstance(layer, TRANSPOSED):
            places = (length - 1) * layer.stride[axis] - padding + reach + layer.output_padding[axis] + 1
        else:
            places = (length + padding - reach - 1) // layer.stride[axis] + 1
        found.append(places)
    return found
