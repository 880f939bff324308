"""Layers that hand units on lose channels, one's own kinds of them as well."""

import numpy as np
import pytest
import torch
from torch import nn

from pidnet.pruning.structure.removal import thin


class OneGroup(nn.GroupNorm):
    """As PoolFormer has it."""

    def __init__(self, channels):
        super().__init__(1, channels)


class OwnBatchNorm(nn.BatchNorm1d):
    pass


@pytest.mark.parametrize("kind", [OneGroup, OwnBatchNorm, nn.BatchNorm1d])
def test_a_norm_without_channels_runs(kind):
    layer = kind(4).eval()
    thin(layer, np.arange(4))
    assert layer(torch.zeros(2, 0, 3)).shape == (2, 0, 3)
    assert isinstance(layer, nn.GroupNorm if kind is OneGroup else nn.BatchNorm1d)


def test_a_norm_of_ones_own_kind_loses_channels():
    layer, x = OwnBatchNorm(4).eval(), torch.randn(5, 4)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(4) + 1.0)
        wanted = layer(x)[:, [0, 3]]
        thin(layer, np.array([1, 2]))
        torch.testing.assert_close(layer(x[:, [0, 3]]), wanted)
    assert layer.num_features == 2
