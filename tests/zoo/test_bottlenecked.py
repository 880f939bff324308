"""Every family of the zoo takes a bottleneck in the place of its head."""

import pytest
import torch

from pidnet import activations, training, zoo
from tests.zoo.test_families import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_with_a_bottleneck(family):
    build, x, _ = FAMILIES[family]
    torch.manual_seed(0)
    net = zoo.bottlenecked(build(), latent=4, decoder=(6,))
    y = torch.arange(len(x)) % 5
    assert net(x).shape == (len(x), 5)
    assert net.encode(x).stddev.shape == (len(x), 4)
    training.bottleneck_loss(10.0)(net, x, y).backward()
    silent = [
        name
        for name, value in net.named_parameters()
        if value.grad is None or not value.grad.isfinite().all()
    ]
    assert not silent


@pytest.mark.parametrize("variant", ["binarized", "bayesian", "stochastic"])
def test_a_variant_with_a_bottleneck(variant):
    net = zoo.bottlenecked(zoo.mlp(8, (6,), 5, variant=variant), latent=2)
    assert net(torch.rand(3, 8)).shape == (3, 5)


def test_the_code_is_captured_and_stays_noisy():
    net = zoo.bottlenecked(zoo.mlp(8, (6,), 5), latent=2, decoder=())
    data = torch.rand(6, 8), torch.arange(6) % 5
    acts = activations.capture(net, data, ["bottleneck"], draws=2)
    codes = acts.layers["bottleneck"]
    assert codes.shape == (12, 2)
    assert not torch.equal(codes[acts.sample == 0][0], codes[acts.sample == 0][1])
    assert list(dict(net.decoder.named_children())) == ["head"]


def test_a_network_without_a_head_is_refused():
    with pytest.raises(ValueError, match="Sequential has no linear layer named head"):
        zoo.bottlenecked(torch.nn.Sequential(torch.nn.Linear(2, 2)))
