"""The counter against hand counts (batch 1, weights and matrix products only)."""

import pytest
import torch
from torch import nn

from pidnet.energy import count


def mlp():
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))


def conv_net():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(64, 10),
    )


class Transformer(nn.Module):
    def __init__(self, **options):
        super().__init__()
        self.embed = nn.Linear(8, 64)
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, **options)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x)).mean(1))


REFERENCE = [
    (mlp, (64,), 84_480),
    (conv_net, (1, 8, 8), 1_198_720),
    (lambda: nn.LSTM(8, 64, batch_first=True), (8, 8), 147_456),
    (lambda: nn.GRU(8, 64, batch_first=True), (8, 8), 110_592),
    (Transformer, (8, 8), 545_408),
]


@pytest.mark.parametrize(("make", "shape", "macs"), REFERENCE)
@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("training", [False, True])
def test_hand_counts_of_five_networks(make, shape, macs, batch, training):
    counts = count(make().train(training), torch.randn(batch, *shape))
    assert counts.macs == macs
    assert counts.unknown == {}


def test_a_linear_layer():
    counts = count(mlp(), torch.randn(3, 64))
    layer = counts.layers["2"]
    assert (layer.kind, layer.macs, layer.dtype) == ("linear", 256 * 256, "fp32")
    assert layer.weight_bytes == 4 * (256 * 256 + 256)
    assert (layer.input_bytes, layer.output_bytes) == (4 * 256, 4 * 256)
    assert counts.parameters == sum(p.numel() for p in mlp().parameters())
    assert counts.weight_bytes == 4 * counts.parameters
