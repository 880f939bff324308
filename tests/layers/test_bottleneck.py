"""Learned noise: drawn as the channel says, in variance and not in standard deviation, with information that is known."""

import math

import pytest
import torch
from torch.distributions import LogNormal, Normal, kl_divergence

import pidnet as pn
from pidnet import layers

N = 40_000


def linear_code(std):
    """A bottleneck that passes two numbers on with a given standard deviation."""
    layer = layers.Bottleneck(2, latent=2)
    with torch.no_grad():
        layer.code.weight.copy_(torch.cat([torch.eye(2), torch.zeros(2, 2)]))
        layer.code.bias.copy_(torch.tensor([0.0, 0.0, *[math.log(math.expm1(std - 1e-4))] * 2]))
    return layer.eval()


def test_codes_are_drawn_as_the_channel_says():
    torch.manual_seed(0)
    layer = linear_code(0.5)
    h = torch.tensor([[1.0, -2.0]])
    z = layer(h.expand(N, 2))
    channel = layer.channel(h)
    torch.testing.assert_close(z.mean(0).double(), channel.mean[0], atol=0.02, rtol=0)
    torch.testing.assert_close(z.var(0).double(), channel.variance[0], atol=0.01, rtol=0)
    torch.testing.assert_close(channel.variance, torch.full((1, 2), 0.25).double(), atol=1e-6, rtol=0)


def test_the_bracket_holds_the_information_that_is_known():
    h = torch.randn(3000, 2, generator=torch.Generator().manual_seed(0))
    found = pn.channel_information(linear_code(0.5).channel(h))["I(X;T)"]
    truth = math.log2(1 + 1 / 0.25)  # two units of 1/2 log2(1 + 4)
    assert found.state == "ok"
    assert found.low <= truth <= found.high


def test_a_bottleneck_refuses_what_it_cannot_be():
    with pytest.raises(ValueError, match="latent=0; expected at least 1"):
        layers.Bottleneck(3, latent=0)
    with pytest.raises(ValueError, match="no backward encoder; make it with classes="):
        layers.Bottleneck(3).backward_encoder()


def test_information_dropout_draws_variance_and_not_standard_deviation():
    torch.manual_seed(0)
    layer = layers.InformationDropout(1, largest=0.36)
    torch.nn.init.zeros_(layer.noise.weight)
    torch.nn.init.constant_(layer.noise.bias, 50.0)
    h = torch.full((N, 1), 3.0)
    logs = layer(h).log().detach()
    assert float(logs.mean()) == pytest.approx(math.log(3), abs=0.01)
    assert float(logs.var()) == pytest.approx(0.36, abs=0.01)
    assert float(layer.channel(h).variance[0, 0]) == pytest.approx(0.36)


def test_the_rate_of_information_dropout_is_its_divergence():
    layer = layers.InformationDropout(2)
    h = torch.rand(5, 2, generator=torch.Generator().manual_seed(0)) + 0.1
    t = LogNormal(h.log(), layer.variance(h).sqrt())
    prior = Normal(layer.prior_mean, torch.nn.functional.softplus(layer.prior_spread) + 1e-4)
    logs = kl_divergence(t.base_dist.base_dist if hasattr(t.base_dist, "base_dist") else t.base_dist, prior)
    torch.testing.assert_close(layer.rate(h), logs.sum(1))
    assert (layer.variance(h) < 0.49).all()


def test_information_dropout_refuses_zeros_and_no_noise():
    with pytest.raises(ValueError, match="needs values above 0: put a softplus before it"):
        layers.InformationDropout(2).channel(torch.zeros(3, 2))
    for units, largest in ((3, 0), (0, 0.5), (3, float("inf"))):
        with pytest.raises(ValueError, match="expected a unit or more and a positive variance"):
            layers.InformationDropout(units, largest=largest)


def test_gaussian_dropout_and_its_channel_agree_on_the_variance():
    """rate / (1 - rate) is the variance of the factor; taken for its standard deviation it gives 0.16 here."""
    torch.manual_seed(0)
    h = torch.full((N, 1), 2.0)
    drawn = layers.GaussianDropout(0.2)(h)
    channel = pn.channels.Scaled(h, 0.2 / 0.8)
    assert float((drawn / 2).var()) == pytest.approx(0.25, abs=0.01)
    assert float((channel.sample(torch.Generator().manual_seed(1)) / 2).var()) == pytest.approx(
        0.25, abs=0.01
    )
