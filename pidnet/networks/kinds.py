"""The kinds of layers and functions of torch that pidnet tells apart, in one table."""

from __future__ import annotations

from torch import nn

Weighted = nn.Linear | nn.Conv1d | nn.Conv2d

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d)
PRODUCERS = (nn.Linear, *CONVOLUTIONS)
FOLLOWERS = (nn.BatchNorm1d, nn.BatchNorm2d)
NORMS = (nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.InstanceNorm1d, nn.InstanceNorm2d, nn.LocalResponseNorm)

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


def weighted(model: nn.Module, name: str) -> Weighted:
    """The layer of that name, known to have a weight matrix. Raises TypeError for any other module."""
    layer = model.get_submodule(name)
    if not isinstance(layer, PRODUCERS):
        raise TypeError(f"layer {name!r} is a {type(layer).__name__}; expected a Linear or a convolution")
    return layer
