"""Channels at the door, and their densities against those of torch and of counting."""

import math

import pytest
import torch

from pidnet.channels import Bernoulli, Discrete, Erasure, Normal, Rectified, Scaled, Upstream

G = torch.Generator().manual_seed(0)
H = torch.randn(6, 3, generator=G).double()


def differences(log_density):
    """What is left of a log density when terms of t alone are taken off."""
    return log_density - log_density[:, :1]


@pytest.mark.parametrize(
    "variance", [0.3, torch.rand(3, generator=G) + 0.1, torch.rand(6, 3, generator=G) + 0.1]
)
def test_the_density_of_a_normal_is_that_of_torch(variance):
    channel = Normal(H, variance)
    t = channel.sample(torch.Generator().manual_seed(1))
    std = torch.as_tensor(variance).double().expand(6, 3).sqrt()
    truth = torch.distributions.Normal(H, std).log_prob(t[:, None]).sum(2)
    torch.testing.assert_close(differences(channel.log_density(t)), differences(truth))


def test_the_density_of_a_rectified_unit_is_an_atom_and_a_density():
    channel = Rectified(H, 0.5)
    t = channel.sample(torch.Generator().manual_seed(1))
    assert (t == 0).any()
    normal = torch.distributions.Normal(H, math.sqrt(0.5))
    truth = torch.where(t[:, None] == 0, normal.cdf(torch.zeros(1)).log(), normal.log_prob(t[:, None])).sum(2)
    torch.testing.assert_close(differences(channel.log_density(t)), differences(truth))


def test_dropout_of_a_unit_that_is_zero_is_an_atom():
    z = torch.tensor([[0.0, 1.0], [0.0, 2.0], [1.0, 1.0]])
    channel = Scaled(z, 0.25)
    t = channel.sample(torch.Generator().manual_seed(1))
    dense = channel.log_density(t)
    assert (dense == -math.inf).tolist() == [[False, False, True], [False, False, True], [True, True, False]]
    truth = torch.distributions.Normal(z[:2, 1].double(), 0.5 * z[:2, 1].double()).log_prob(t[:2, 1:])
    torch.testing.assert_close(differences(dense[:2, :2]), differences(truth))


def test_erased_values_agree_with_every_input_that_has_the_kept_ones():
    h = torch.tensor([[1.0, 2.0], [1.0, 3.0], [0.0, 2.0]])
    channel = Erasure(h, 0.25)
    t = torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]]).double()
    erased = math.log(0.25)
    truth = torch.tensor(
        [[erased, erased, -math.inf], [erased, -math.inf, 0], [2 * erased, 2 * erased, erased]]
    ).double()
    torch.testing.assert_close(channel.log_density(t), truth)


def test_erasure_sees_whether_values_name_their_input():
    assert Erasure(torch.randn(100, 2, generator=G), 0.5).continuous
    assert not Erasure(torch.randn(100, 2, generator=G).sign(), 0.5).continuous


def test_signs_of_a_normal_have_its_tail_probabilities():
    channel = Normal(H, 4.0).signs()
    assert isinstance(channel, Bernoulli)
    torch.testing.assert_close(channel.log_p.exp(), torch.special.ndtr(H / 2))


def test_correlated_noise_is_whitened():
    mean = torch.randn(50, 2, generator=G).double()
    loads = torch.tensor([[1.0, 0.5, -1.0], [0.0, 2.0, 1.0]]).double()
    channel = Normal.whitened(mean @ loads, 0.3 * loads.T @ loads)
    assert channel.units == 2
    distances = torch.cdist(channel.mean, channel.mean)
    torch.testing.assert_close(distances, torch.cdist(mean, mean) / math.sqrt(0.3))


def test_a_mean_that_moves_where_there_is_no_noise_is_refused():
    with pytest.raises(ValueError, match="direction without noise"):
        Normal.whitened(H, torch.diag(torch.tensor([1.0, 1.0, 0.0])))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(torch.full((3, 2), math.nan), 1.0), "unit 0 at sample 0 is not finite"),
        (lambda: Normal(H, 0.0), "expected finite numbers above 0"),
        (lambda: Normal(H, torch.ones(6)), r"variance has shape \(6,\)"),
        (lambda: Normal(torch.zeros(3), 1.0), r"expected a tensor of shape \(sample, unit\)"),
        (lambda: Scaled(H, 0.0), "alpha=0.0"),
        (lambda: Erasure(H, 1.0), "rate=1.0"),
        (lambda: Bernoulli(torch.ones(2, 2)), "expected logarithms of probabilities"),
        (lambda: Discrete(torch.zeros(0, 2)), "expected a tensor of shape"),
    ],
)
def test_what_is_no_channel_is_refused_in_words(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_channels_are_joined_and_cut():
    for channel in (
        Normal(H, 0.3),
        Normal(H, H.square() + 0.1),
        Scaled(H, 0.2),
        Erasure(H, 0.2),
        Rectified(H, 1.0),
    ):
        parts = channel.take(torch.arange(2)), channel.take(torch.arange(2, 6))
        t = channel.sample(torch.Generator().manual_seed(0))
        whole = parts[0].join([parts[1]])
        torch.testing.assert_close(whole.log_density(t), channel.log_density(t))
        assert type(whole) is type(channel)
        assert channel.select(torch.tensor([2, 0])).units == 2


def test_paths_upstream_are_averaged():
    channel = Upstream(Normal(H, 0.5), draws=3)
    assert (len(channel), channel.units) == (2, 3)
    t = torch.zeros(1, 3).double()
    truth = Normal(H, 0.5).log_density(t).exp().reshape(3, 2).mean(0)
    torch.testing.assert_close(channel.log_density(t).exp()[0], truth)
    taken = channel.take(torch.tensor([1]))
    torch.testing.assert_close(taken.paths.mean, H[[1, 3, 5]])
    again = channel.take(torch.tensor([0])).join([taken])
    torch.testing.assert_close(again.paths.mean, H)
    with pytest.raises(ValueError, match="4 draws for 6 paths"):
        Upstream(Normal(H, 0.5), draws=4)
