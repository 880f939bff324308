"""The same network with units that are real, binary, rounded, noisy, or driven by random weights."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from torch import nn
from torch.nn.utils.parametrize import register_parametrization

from pidnet import layers

Variant = Literal["plain", "binarized", "int8", "int4", "bayesian", "stochastic"]
VARIANTS = ("plain", "binarized", "int8", "int4", "bayesian", "stochastic")

NOISE = 0.2
# What follows the ReLU of a unit, or the hidden state; Sign takes the place of the ReLU.
CHANNELS: dict[str, Any] = {
    "binarized": layers.Sign,
    "int8": partial(layers.FakeQuantize, 8),
    "int4": partial(layers.FakeQuantize, 4),
    "stochastic": partial(layers.GaussianNoise, NOISE),
}
CELLS: dict[Any, Any] = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}


def as_variant(model: nn.Module, variant: Variant) -> nn.Module:
    """The model in another variant, changed in place and returned.

    "plain": as it is. "binarized": ReLU units and hidden states become signs. "int8", "int4": they are
    rounded to the integers of 8 or 4 bits times a scale, so that a ReLU unit has at most 128 or 8 values; the
    scale is learnt in training, and an untrained network refuses to run in eval mode. "stochastic": they get
    Gaussian noise of standard deviation 0.2, also in eval mode. "bayesian": the weights of linear,
    convolutional and recurrent layers become Gaussian. Raises ValueError for another word.
    """
    if variant not in VARIANTS:
        raise ValueError(f"variant={variant!r}; expected one of {', '.join(VARIANTS)}")
    if variant != "plain":
        for module in list(model.modules()):
            for name, child in module.named_children():
                setattr(module, name, _changed(child, variant))
    return model


def _changed(module: nn.Module, variant: Variant) -> nn.Module:
    if isinstance(module, nn.RNNBase):
        return _recurrent(module, variant)
    if isinstance(module, nn.ReLU) and variant in CHANNELS:
        channel = CHANNELS[variant]()
        return channel if variant == "binarized" else nn.Sequential(module, channel)
    if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d) and variant == "bayesian":
        return _bayesian(module)
    return module


def _bayesian(module: nn.Linear | nn.Conv1d | nn.Conv2d) -> nn.Module:
    bias = module.bias is not None
    if isinstance(module, nn.Linear):
        return layers.BayesianLinear(module.in_features, module.out_features, bias)
    kind = layers.BayesianConv1d if isinstance(module, nn.Conv1d) else layers.BayesianConv2d
    sizes = (module.in_channels, module.out_channels, module.kernel_size)
    return kind(*sizes, stride=module.stride, padding=module.padding, bias=bias)


def _recurrent(rnn: nn.RNNBase, variant: Variant) -> nn.Module:
    cell: Any = CELLS[type(rnn)]
    return layers.Recurrent(
        partial(_mean_field, cell) if variant == "bayesian" else cell,
        CHANNELS.get(variant, nn.Identity),
        (rnn.input_size, rnn.hidden_size),
        layers=rnn.num_layers,
        bidirectional=rnn.bidirectional,
    )


def _mean_field(cell: Any, inputs: int, hidden: int) -> Any:
    built = cell(inputs, hidden)
    for name in ("weight_ih", "weight_hh"):
        register_parametrization(built, name, layers.MeanField(getattr(built, name)))
    return built
