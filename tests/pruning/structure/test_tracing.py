import pytest
import torch
from torch import nn

from pidnet.networks.said import Said
from pidnet.pruning.structure._tracing import Tracer


class Mixed(nn.Module):
    """Units that pass through ``mix`` between two linear layers."""

    def __init__(self, mix):
        super().__init__()
        self.fc, self.head, self.mix = nn.Linear(4, 6), nn.Linear(6, 2), mix

    def forward(self, x):
        made = self.fc(x)
        return self.head(self.mix(made, made) if isinstance(self.mix, nn.Bilinear) else self.mix(made))


def test_units_are_followed_through_whatever_keeps_them_apart():
    order = torch.tensor([3, 1, 5, 0, 4, 2])
    model = Mixed(lambda x: torch.tanh(x[:, order]) * 2 + 1).eval()
    found = Tracer.of(model, torch.randn(3, 4), Said()).trace("fc", 6)
    assert not found.obstacle
    assert found.columns == {"head": dict(enumerate(order.tolist()))}


@pytest.mark.parametrize(
    ("mix", "reason"),
    [
        (lambda x: x.softmax(-1), "its units are mixed before they reach 'head'"),
        (lambda x: x.cumsum(-1), "its units are mixed before they reach 'head'"),
        (
            nn.GroupNorm(1, 6),
            "its units pass through GroupNorm 'mix', which makes groups of 6 that they do not fill",
        ),
        (nn.Bilinear(6, 6, 6), "its units pass through Bilinear 'mix', which is not known here"),
        (lambda x: torch.zeros_like(x), "no layer reads its units"),
    ],
)
def test_what_stands_in_the_way_is_named(mix, reason):
    assert Tracer.of(Mixed(mix).eval(), torch.randn(3, 4), Said()).trace("fc", 6).obstacle == reason


def test_units_that_are_the_output_and_layers_that_do_not_run():
    model = Mixed(lambda x: x).eval()
    assert Tracer.of(model, torch.randn(3, 4), Said()).trace("head", 2).obstacle == (
        "its units reach the output without another layer"
    )
    model.idle = nn.Linear(4, 3)
    assert (
        Tracer.of(model, torch.randn(3, 4), Said()).trace("idle", 3).obstacle
        == "it does not run in the forward pass"
    )


@pytest.mark.parametrize("norm", [nn.LayerNorm(6), nn.RMSNorm(6)])
def test_units_are_followed_through_a_norm_over_channels(norm):
    found = Tracer.of(Mixed(norm).eval(), torch.randn(3, 4), Said()).trace("fc", 6)
    assert not found.obstacle
    assert found.columns == {"head": {k: k for k in range(6)}}
    assert found.followers == {"mix": {k: k for k in range(6)}}


def test_a_single_unit_is_followed():
    model = nn.Sequential(nn.Linear(4, 1), nn.ReLU(), nn.Linear(1, 2)).eval()
    assert Tracer.of(model, torch.randn(2, 4), Said()).trace("0", 1).columns == {"2": {0: 0}}
