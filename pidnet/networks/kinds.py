"""The kinds of torch layers that pidnet recognizes."""

from __future__ import annotations

from torch import nn

Weighted = nn.Linear | nn.Conv1d | nn.Conv2d

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
PRODUCERS = (nn.Linear, *CONVOLUTIONS)
FOLLOWERS = (nn.BatchNorm1d, nn.BatchNorm2d)
NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.LocalResponseNorm)

# The axis of the units in a layer's output: on axis 1, or on the last axis.
CHANNELS_FIRST = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm, nn.LocalResponseNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
)
UNITS_LAST = (
    *(nn.Linear, nn.LayerNorm, nn.RMSNorm, nn.Embedding, nn.MultiheadAttention),
    *(nn.RNNBase, nn.RNNCellBase),
)


def depthwise(layer: nn.Module) -> bool:
    """Whether a convolution treats each channel by itself."""
    return isinstance(layer, CONVOLUTIONS) and 1 < layer.groups == layer.in_channels == layer.out_channels


def weighted(model: nn.Module, name: str) -> Weighted:
    """The layer of that name, known to have a weight matrix. Raises TypeError for any other module."""
    layer = model.get_submodule(name)
    if not isinstance(layer, PRODUCERS):
        raise TypeError(f"layer {name!r} is a {type(layer).__name__}; expected a Linear or a convolution")
    return layer
