"""The channel of a layer of every family and variant, and its information against closed forms."""

import math

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import register_parametrization

import pidnet as pn
from pidnet.channels import Bernoulli, Discrete, Erasure, Normal, Rectified, Scaled, Upstream

LN2 = math.log(2)
X = {
    "mlp": torch.randn(60, 8, generator=torch.Generator().manual_seed(0)),
    "conv": torch.randn(60, 1, 8, 8, generator=torch.Generator().manual_seed(0)),
    "gru": torch.randn(60, 4, 8, generator=torch.Generator().manual_seed(0)),
    "transformer": torch.randn(60, 5, 8, generator=torch.Generator().manual_seed(0)),
}


def network(family, variant):
    torch.manual_seed(0)
    net = {
        "mlp": lambda: pn.zoo.mlp(8, (6, 5), 3, variant=variant),
        "conv": lambda: pn.zoo.conv(1, (4, 5), 3, variant=variant),
        "gru": lambda: pn.zoo.gru(8, 7, 3, variant=variant),
        "transformer": lambda: pn.zoo.transformer(8, (6,), 3, width=8, heads=2, variant=variant),
    }[family]()
    net(X[family])  # rounded units learn their range
    return net.eval()


KINDS = [
    ("mlp", "stochastic", "fc1", Normal, 6),
    ("mlp", "stochastic", "fc2", Upstream, 5),
    ("mlp", "stochastic", "head", Upstream, 3),
    ("mlp", "bayesian", "fc1", Rectified, 6),
    ("mlp", "bayesian", "fc2", Upstream, 5),
    ("mlp", "binarized", "fc2", Discrete, 5),
    ("mlp", "int8", "fc1", Discrete, 6),
    ("mlp", "int4", "head", Discrete, 3),
    ("conv", "stochastic", "conv1", Normal, 4),
    ("conv", "stochastic", "head", Upstream, 3),
    ("conv", "bayesian", "conv1", Rectified, 4 * 64),
    ("conv", "binarized", "conv1", Discrete, 4),
    ("conv", "binarized", "head", Discrete, 3),
    ("gru", "stochastic", "rnn.scans.0", Upstream, 7),
    ("gru", "binarized", "rnn.scans.0", Discrete, 7),
    ("gru", "bayesian", "head", Upstream, 3),
    ("transformer", "stochastic", "blocks.0.ffn1", Normal, 6),
    ("transformer", "bayesian", "embedding", Normal, 8),
    ("transformer", "bayesian", "blocks.0.attention.v", Upstream, 8),
]


@pytest.mark.parametrize(("family", "variant", "layer", "kind", "units"), KINDS)
def test_each_variant_of_the_zoo_gives_its_channel(family, variant, layer, kind, units):
    channel = pn.channel_of(network(family, variant), layer, X[family], upstream=3)
    assert type(channel) is kind
    assert (len(channel), channel.units) == (60, units)


@pytest.mark.parametrize("family", X)
def test_a_plain_network_is_said_to_be_infinite(family):
    with pytest.raises(ValueError, match="infinite for continuous inputs"):
        pn.channel_of(network(family, "plain"), "head", X[family])


@pytest.mark.parametrize(
    ("family", "variant", "layer"),
    [("gru", "bayesian", "rnn.scans.0"), ("transformer", "stochastic", "head"), ("mlp", "none", "late")],
)
def test_noise_without_a_density_is_said_to_be_finite(family, variant, layer):
    if variant == "none":
        net = nn.Sequential(pn.layers.GaussianNoise(0.5), nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
        layer = "1"
    else:
        net = network(family, variant)
    with pytest.raises(ValueError, match=r"I\(X;T\) is finite, but"):
        pn.channel_of(net, layer, X[family])


@pytest.mark.parametrize("family", ["mlp", "conv"])
def test_the_channel_is_that_of_what_capture_reads(family):
    """Mean over many passes, for noise that acts on the layer."""
    net, layer = network(family, "stochastic"), {"mlp": "fc1", "conv": "conv1"}[family]
    y = torch.zeros(60, dtype=torch.long)
    seen = pn.capture(net, (X[family], y), [layer], draws=400).layers[layer].reshape(400, 60, -1)
    channel = pn.channel_of(net, layer, X[family])
    torch.testing.assert_close(seen.mean(0).double(), channel.mean, atol=0.05, rtol=0)
    spread = seen.var(0).double().mean(0)
    torch.testing.assert_close(spread, channel.variance.expand_as(spread), atol=0, rtol=0.1)


AFTER = {
    "dropout": ([pn.layers.GaussianDropout(0.3)], Scaled),
    "erasure": ([pn.layers.BinaryDropout(0.3)], Erasure),
    "tanh": ([pn.layers.GaussianNoise(0.3), nn.Tanh()], Normal),
    "relu": ([pn.layers.GaussianNoise(0.3), nn.ReLU(inplace=True)], Rectified),
    "sign": ([pn.layers.GaussianNoise(0.3), pn.layers.Sign()], Bernoulli),
}


@pytest.mark.parametrize("name", AFTER)
def test_what_follows_the_noise_is_seen(name):
    torch.manual_seed(0)
    after, kind = AFTER[name]
    net = nn.Sequential(nn.Linear(8, 6), *after, nn.Linear(6, 2))
    assert type(pn.channel_of(net, "0", X["mlp"])) is kind


def test_a_batch_norm_between_noise_and_relu_scales_the_channel():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 6), pn.layers.GaussianNoise(0.3), nn.BatchNorm1d(6), nn.ReLU())
    net(X["mlp"])
    with torch.no_grad():
        net[2].weight.copy_(torch.tensor([2.0, 0.5, 1.0, -1.0, 3.0, 1.0]))
        net[2].bias[5] = -100.0  # never on
    channel = pn.channel_of(net, "0", X["mlp"])
    assert (type(channel), channel.units) == (Rectified, 5)
    scale = net[2].weight / (net[2].running_var + net[2].eps).sqrt()
    torch.testing.assert_close(channel.variance[0], 0.09 * scale[:5].double() ** 2, rtol=1e-3, atol=1e-6)


def chain(units=4, std1=0.3, std2=0.5):
    """Noise, a linear layer, noise: with the information of the end in closed form."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(8, units), pn.layers.GaussianNoise(std1), nn.Linear(units, 3), pn.layers.GaussianNoise(std2)
    )
    first, second = net[0].weight.detach().double(), net[2].weight.detach().double()
    noise = std1**2 * second @ second.T

    def truth(extra):
        spread = second @ first @ first.T @ second.T
        return 0.5 * float(torch.logdet(torch.eye(3) + torch.linalg.solve(noise + extra, spread))) / LN2

    return net, truth(0), truth(std2**2 * torch.eye(3).double())


def test_a_linear_layer_after_noise_is_exact():
    net, _, _ = chain()
    _, truth, _ = chain()
    x = torch.randn(1500, 8, generator=torch.Generator().manual_seed(1))
    channel = pn.channel_of(nn.Sequential(net[0], net[1], net[2]), "2", x)
    assert type(channel) is Normal
    found = pn.channel_information(channel)["I(X;T)"]
    assert found.low <= truth <= found.high
    assert found.width < 0.6


def test_noise_upstream_is_composed():
    net, _, truth = chain()
    x = torch.randn(800, 8, generator=torch.Generator().manual_seed(1))
    found = pn.channel_information(pn.channel_of(net, "2", x, upstream=16))["I(X;T)"]
    assert found.low <= truth <= found.high
    assert found.width < 1


def test_few_draws_upstream_leave_the_ends_apart():
    net, _, truth = chain(std1=1.0, std2=0.05)
    x = torch.randn(400, 8, generator=torch.Generator().manual_seed(1))
    found = pn.channel_information(pn.channel_of(net, "2", x, upstream=3))["I(X;T)"]
    assert found.state == "saturated"
    assert "3 draws of the noise upstream" in found.notes[0]
    assert found.low <= truth <= found.high


def test_many_places_are_a_part_and_say_so():
    torch.manual_seed(0)
    net = pn.zoo.conv(1, (20, 2), 2, variant="bayesian").eval()
    channel = pn.channel_of(net, "conv1", X["conv"])
    assert (channel.units, channel.whole_units) == (1024, 1280)
    found = pn.channel_information(channel, torch.arange(60) % 2)
    assert found["I(X;T)"].high == math.inf
    assert found["I(T;Y)"].high == 1
    assert "1,024 of the 1,280 units" in found["I(X;T)"].notes[0]


def test_the_model_and_the_random_state_are_as_before():
    net = network("mlp", "stochastic").train()
    state = torch.get_rng_state()
    pn.channel_of(net, "fc2", X["mlp"], upstream=2)
    assert net.training
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(module._forward_hooks for module in net.modules())


def test_what_cannot_be_read_is_refused_in_words():
    net = network("mlp", "stochastic")
    with pytest.raises(ValueError, match="no such layer: 'fc9'"):
        pn.channel_of(net, "fc9", X["mlp"])
    with pytest.raises(ValueError, match="x holds 1 sample"):
        pn.channel_of(net, "fc1", X["mlp"][:1])
    with pytest.raises(ValueError, match="upstream=1"):
        pn.channel_of(net, "fc2", X["mlp"], upstream=1)
    with torch.no_grad():
        net.fc1.weight[0, 0] = math.nan
    with pytest.raises(ValueError, match="layer 'fc1' has values that are not finite"):
        pn.channel_of(net, "fc1", X["mlp"])


def test_weights_that_are_drawn_once_for_a_batch_stand_in_the_channel():
    """Of a linear layer it is that of one sample; behind it, inputs of a group share their draws."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(8, 1, bias=False), nn.Linear(1, 2, bias=False), pn.layers.GaussianNoise(0.4)
    )
    register_parametrization(net[0], "weight", pn.layers.MeanField(net[0].weight, std=0.2))
    with torch.no_grad():
        net[0].parametrizations.weight.original.normal_()
    x = torch.randn(800, 8)
    mean = net[0].parametrizations.weight.original.detach() @ x.T
    first = pn.channel_of(net, "0", x)
    torch.testing.assert_close(first.mean, mean.T.double())
    torch.testing.assert_close(first.variance, 0.04 * x.double().square().sum(1, keepdim=True))
    size = net[1].weight.detach().double().norm()
    exact = Normal(first.mean * size, first.variance * size**2 + 0.16)
    truth = pn.channel_information(exact, draws=4)["I(X;T)"].value
    channel = pn.channel_of(net, "1", x, upstream=6)
    assert channel.groups.unique().tolist() == list(range(25))
    found = pn.channel_information(channel)["I(X;T)"]
    assert found.low <= truth <= found.high
    assert found.width < 0.4 * truth


def test_heads_with_noise_have_the_channel_that_capture_reads():
    torch.manual_seed(0)
    layer = pn.layers.Attention(8, 2, pn.layers.GaussianNoise(0.3))
    net = nn.Sequential(layer, nn.Flatten(), nn.LazyLinear(2))
    x = torch.randn(60, 4, 8)
    net(x)
    seen = pn.capture(net, (x, torch.zeros(60, dtype=torch.long)), ["0"], draws=400).layers["0"]
    channel = pn.channel_of(net, "0", x)
    torch.testing.assert_close(seen.reshape(400, 60, 8).mean(0).double(), channel.mean, atol=0.05, rtol=0)
    torch.testing.assert_close(channel.variance, torch.full((8,), 0.09 / 4).double())
    whole = layer.channel(x)
    torch.testing.assert_close(whole.mean.unflatten(1, (2, 4, 4)).mean(2).flatten(1), channel.mean)
