"""The same network with units that are real, binary, noisy, or driven by random weights."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from torch import nn
from torch.nn.utils.parametrize import register_parametrization

from pidnet import layers

Flavor = Literal["plain", "binarized", "bayesian", "stochastic"]
FLAVORS = ("plain", "binarized", "bayesian", "stochastic")

NOISE = 0.2
CELLS: dict[Any, Any] = {nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell, nn.RNN: nn.RNNCell}


def flavored(model: nn.Module, flavor: Flavor) -> nn.Module:
    """The model in another flavor, changed in place and returned.

    "plain": as it is. "binarized": ReLU units and hidden states become signs. "stochastic": they get Gaussian
    noise of standard deviation 0.2, also in eval mode. "bayesian": the weights of linear, convolutional and
    recurrent layers become Gaussian. Raises ValueError for another word.
    """
    if flavor not in FLAVORS:
        raise ValueError(f"flavor={flavor!r}; expected one of {', '.join(FLAVORS)}")
    if flavor != "plain":
        for module in list(model.modules()):
            for name, child in module.named_children():
                setattr(module, name, _changed(child, flavor))
    return model


def _changed(module: nn.Module, flavor: Flavor) -> nn.Module:
    if isinstance(module, nn.RNNBase):
        return _recurrent(module, flavor)
    if isinstance(module, nn.ReLU) and flavor == "binarized":
        return layers.Sign()
    if isinstance(module, nn.ReLU) and flavor == "stochastic":
        return nn.Sequential(module, layers.GaussianNoise(NOISE))
    if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d) and flavor == "bayesian":
        return _bayesian(module)
    return module


def _bayesian(module: nn.Linear | nn.Conv1d | nn.Conv2d) -> nn.Module:
    bias = module.bias is not None
    if isinstance(module, nn.Linear):
        return layers.BayesianLinear(module.in_features, module.out_features, bias)
    kind = layers.BayesianConv1d if isinstance(module, nn.Conv1d) else layers.BayesianConv2d
    sizes = (module.in_channels, module.out_channels, module.kernel_size)
    return kind(*sizes, stride=module.stride, padding=module.padding, bias=bias)


def _recurrent(rnn: nn.RNNBase, flavor: Flavor) -> nn.Module:
    channel = {"binarized": layers.Sign, "stochastic": partial(layers.GaussianNoise, NOISE)}
    cell: Any = CELLS[type(rnn)]
    return layers.Recurrent(
        partial(_mean_field, cell) if flavor == "bayesian" else cell,
        channel.get(flavor, nn.Identity),
        (rnn.input_size, rnn.hidden_size),
        layers=rnn.num_layers,
        bidirectional=rnn.bidirectional,
    )


def _mean_field(cell: Any, inputs: int, hidden: int) -> Any:
    built = cell(inputs, hidden)
    for name in ("weight_ih", "weight_hh"):
        register_parametrization(built, name, layers.MeanField(getattr(built, name)))
    return built
