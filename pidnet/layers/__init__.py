"""Layers with a known channel: the distribution of a unit given its input can be written down.

A channel stands where the nonlinearity stands, after a linear, convolutional or attention layer; inside a
recurrent layer it acts on the hidden state at every step (``Recurrent``).
"""

from pidnet.layers.bayes import BayesianConv1d, BayesianConv2d, BayesianLinear, kl_divergence
from pidnet.layers.bottleneck import Bottleneck, InformationDropout
from pidnet.layers.mean_field import MeanField
from pidnet.layers.noise import BinaryDropout, GaussianDropout, GaussianNoise
from pidnet.layers.quantized import FakeQuantize, Sign
from pidnet.layers.recurrent import Recurrent, Scan

__all__ = [
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
