"""The counter against torch's own, on random networks."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from hypothesis import given, settings, strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from pidnet.energy import count
from tests.energy.nets import Function


@st.composite
def networks(draw):
    """Convolutions of random shape, then attention over places, then a linear layer; with an input."""
    groups = draw(st.sampled_from([1, 2]))
    channels = [2, *(draw(st.sampled_from([2, 4, 6])) for _ in range(2))]
    layers = [
        nn.Conv2d(a, b, draw(st.integers(1, 3)), draw(st.integers(1, 2)), 1, draw(st.integers(1, 2)), groups)
        for a, b in pairwise(channels)
    ]

    def forward(net, x):
        y = net.convs(x).flatten(2).mT
        return net.head(F.scaled_dot_product_attention(y, y, y))

    net = Function(forward, convs=nn.Sequential(*layers), head=nn.Linear(channels[-1], 3))
    return net, torch.randn(1, 2, draw(st.integers(9, 12)), draw(st.integers(9, 12)))


@settings(max_examples=30)
@given(networks())
def test_agrees_with_torch_where_torch_can_count(case):
    net, x = case
    with FlopCounterMode(display=False) as peer:
        net(x)
    assert 2 * count(net, x).macs == peer.get_total_flops()
