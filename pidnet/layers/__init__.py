"""Layers with a known channel: the distribution of a unit given its input can be written down.

A channel stands where the nonlinearity stands, after a linear or convolutional layer; inside a recurrent layer it
acts on the hidden state at every step (``Recurrent``), inside an attention on its heads (``Attention``).
"""

from pidnet.layers.attention import Attention
from pidnet.layers.bayes import BayesianConv1d, BayesianConv2d, BayesianLinear, kl_divergence
from pidnet.layers.bottleneck import Bottleneck, InformationDropout
from pidnet.layers.mean_field import MeanField
from pidnet.layers.noise import BinaryDropout, GaussianDropout, GaussianNoise
from pidnet.layers.quantized import FakeQuantize, Sign
from pidnet.layers.recurrent import Recurrent, Scan

__all__ = [
    "Attention",
    "BayesianConv1d",
    "BayesianConv2d",
    "BayesianLinear",
    "BinaryDropout",
    "Bottleneck",
    "FakeQuantize",
    "GaussianDropout",
    "GaussianNoise",
    "InformationDropout",
    "MeanField",
    "Recurrent",
    "Scan",
    "Sign",
    "kl_divergence",
]
