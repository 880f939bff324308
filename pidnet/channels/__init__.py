"""Conditional distributions of a layer's output T given its clean input: p(t | x_j) of every sample j, in closed form.

Where such a distribution is written down, mutual information is computed, not estimated from samples alone
(``pidnet.estimators``). Units are independent of one another given the input. X is uniform on the samples.
"""

from pidnet.channels.binary import Bernoulli
from pidnet.channels.channel import Channel, DensityChannel
from pidnet.channels.discrete import Discrete
from pidnet.channels.dropout import Erasure, Scaled
from pidnet.channels.normal import Normal, Rectified
from pidnet.channels.upstream import Upstream

__all__ = [
    "Bernoulli",
    "Channel",
    "DensityChannel",
    "Discrete",
    "Erasure",
    "Normal",
    "Rectified",
    "Scaled",
    "Upstream",
]
