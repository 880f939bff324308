"""The kinds of layers and functions of torch that pidnet tells apart, in one table."""

from __future__ import annotations

from torch import nn

from pidnet.networks.compensated_norms import norms_channels

Weighted = (
    nn.Linear
    | nn.Conv1d
    | nn.Conv2d
    | nn.Conv3d
    | nn.ConvTranspose1d
    | nn.ConvTranspose2d
    | nn.ConvTranspose3d
)

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED)
PRODUCERS = (nn.Linear, *CONVOLUTIONS)
BATCHNORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
# What treats every channel by itself.
FOLLOWERS = (*BATCHNORMS, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d, nn.PReLU)
NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.LocalResponseNorm)

# Layers whose outputs are units of their own. A cell is read once a step, as calls.
UNIT_LAYERS = (
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d),
    *(nn.RNNBase, nn.RNNCellBase),
)
# What these compute inside is not what their neighbors' units become.
WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)

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

# Functions of one tensor after which the units are read, by their name in torch.
POINTWISE = {
    *("relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "elu", "elu_", "selu", "celu", "gelu", "silu"),
    *("mish", "hardswish", "hardtanh", "hardsigmoid", "sigmoid", "sigmoid_", "tanh", "tanh_", "softplus"),
    *("softsign", "logsigmoid", "rrelu", "prelu", "threshold", "clamp", "clip", "sign", "round", "floor"),
    *("ceil", "abs", "exp", "log", "sqrt", "neg", "square", "erf", "float", "to", "clone", "detach"),
    *("contiguous", "type_as", "dropout", "alpha_dropout", "feature_dropout", "dropout1d", "dropout2d"),
    *("batch_norm", "fake_quantize_per_tensor_affine", "fake_quantize_per_channel_affine"),
}
# Functions of several tensors: they are followed when all tensors hold the same units.
ARITHMETIC = {
    *("add", "sub", "mul", "div", "true_divide", "pow", "where", "maximum", "minimum", "lerp"),
    *("__radd__", "__rsub__", "__rmul__", "__rpow__", "add_", "sub_", "mul_", "div_"),
}
# Functions whose result belongs to the same units, but is not by itself what the next layer reads.
CARRYING = {
    *("max_pool1d", "max_pool2d", "avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d"),
    *("adaptive_max_pool1d", "adaptive_max_pool2d", "randn_like", "rand_like", "zeros_like", "ones_like"),
    *("empty_like", "full_like", "bernoulli", "gt", "ge", "lt", "le", "eq", "ne", "normal_", "bernoulli_"),
}


def depthwise(layer: nn.Module) -> bool:
    """Whether a convolution treats each channel by itself."""
    return isinstance(layer, CONVOLUTIONS) and 1 < layer.groups == layer.in_channels == layer.out_channels


def channels_together(layer: nn.Module) -> tuple[int, int] | None:
    """How many channels, of the input and of the output, a layer that hands units on makes one group of; None for a
    layer that does not hand them on. BatchNorm, LayerNorm: one; GroupNorm, grouped convolutions: as many as a group has."""
    if isinstance(layer, nn.PReLU):
        return (1, 1) if layer.num_parameters > 1 else None
    if isinstance(layer, FOLLOWERS) or norms_channels(layer):
        return 1, 1
    if isinstance(layer, nn.GroupNorm):
        channels = layer.num_channels // layer.num_groups
        return channels, channels
    if isinstance(layer, CONVOLUTIONS) and layer.groups > 1:
        return layer.in_channels // layer.groups, layer.out_channels // layer.groups
    return None


def sizes(layer: Weighted) -> tuple[int, int]:
    """How many outputs and inputs a layer has: units or channels."""
    if isinstance(layer, nn.Linear):
        return layer.out_features, layer.in_features
    return layer.out_channels, layer.in_channels


def axes(layer: nn.Module) -> tuple[int, int]:
    """The axes of the outputs and of the inputs in the weights of a layer."""
    return (1, 0) if isinstance(layer, TRANSPOSED) else (0, 1)


def weighted(model: nn.Module, name: str) -> Weighted:
    """The layer of that name, known to have a weight matrix. Raises TypeError for any other module."""
    layer = model.get_submodule(name)
    if not isinstance(layer, PRODUCERS):
        raise TypeError(f"layer {name!r} is a {type(layer).__name__}; expected a Linear or a convolution")
    return layer
