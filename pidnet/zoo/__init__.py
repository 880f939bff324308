"""Small reference networks, one file a family."""

from pidnet.zoo.bottlenecked import Bottlenecked, bottlenecked
from pidnet.zoo.conv import conv, densenet, lenet, resnet
from pidnet.zoo.densenet_bc import densenet_bc
from pidnet.zoo.mlp import mlp
from pidnet.zoo.recurrent import gru, lstm, rnn
from pidnet.zoo.transformer import transformer

__all__ = [
    "Bottlenecked",
    "bottlenecked",
    "conv",
    "densenet",
    "densenet_bc",
    "gru",
    "lenet",
    "lstm",
    "mlp",
    "resnet",
    "rnn",
    "transformer",
]
