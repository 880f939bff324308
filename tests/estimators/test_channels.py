"""Brackets against closed forms, numeric integrals and counting."""

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

import pidnet as pn
from pidnet.channels import Bernoulli, Discrete, Erasure, Normal, Rectified, Scaled

LN2 = math.log(2)


def gaussian(units, samples, seed, snr=1.0):
    """A linear Gaussian channel of 20 Gaussian inputs, and its information in bits."""
    g = torch.Generator().manual_seed(seed)
    loads = torch.randn(units, 20, generator=g, dtype=torch.float64) * math.sqrt(snr / 20)
    truth = 0.5 * float(torch.logdet(torch.eye(20).double() + loads.T @ loads)) / LN2
    return Normal(torch.randn(samples, 20, generator=g, dtype=torch.float64) @ loads.T, 1.0), truth


def of_input(channel, **options):
    return pn.channel_information(channel, **options)["I(X;T)"]


@pytest.mark.parametrize("units", [1, 5, 20, 50, 200])
def test_the_bracket_holds_the_information_of_the_population(units):
    inside = [
        found.low <= truth <= found.high
        for channel, truth in (gaussian(units, 500, seed) for seed in range(8))
        for found in [of_input(channel, draws=1)]
    ]
    assert sum(inside) >= 7


def test_brackets_with_two_tight_ends_hold_the_truth_nearly_always():
    """In one dimension both ends are the truth, so that the errors alone decide; at 2 of them 92 % were inside."""
    made = [gaussian(1, 500, seed) for seed in range(200)]
    found = [(of_input(channel, draws=1), truth) for channel, truth in made]
    assert sum(one.low <= truth <= one.high for one, truth in found) >= 190


def test_both_ends_are_of_the_same_inputs():
    """Where few of the inputs make up the outer mean, chance must not move the value above its upper end."""
    labels, made = torch.arange(1000) % 3, []
    channel, _ = gaussian(2, 1000, 0)
    noise = torch.rand(1000, 1, generator=torch.Generator().manual_seed(0)).double() + 0.01
    channel = Normal(channel.mean, noise.expand(-1, 2))
    for seed in range(20):
        found = pn.channel_information(channel, labels, rows=100, draws=1, seed=seed)
        made.append([found[name] for name in ("I(X;T)", "I(X;T|Y)")])
    assert all(one.value <= one.high for pair in made for one in pair)
    for k in (0, 1):
        value, high = ([getattr(pair[k], end) for pair in made] for end in ("value", "high"))
        assert np.corrcoef(value, high)[0, 1] > 0.6


def test_where_the_bracket_is_narrow_the_value_is_near():
    channel, truth = gaussian(3, 2000, 1)
    found = of_input(channel)
    assert found.state == "ok"
    assert abs(found.value - truth) <= 0.05 + (found.high - found.low) / 2


def test_saturation_is_seen_and_the_upper_end_stays():
    channel, truth = gaussian(200, 1000, 0)
    found = of_input(channel)
    assert found.state == "saturated"
    assert found.value <= math.log2(1000) < truth < found.high < 1.1 * truth


def integral(density, points, low=-20.0, high=20.0):
    return integrate.quad(
        lambda t: -density(t) * math.log(max(density(t), 1e-300)), low, high, limit=800, points=points
    )[0]


@pytest.mark.parametrize("std", [0.2, 1.0])
def test_four_points_with_noise_against_an_integral(std):
    points = np.array([-1.5, -0.5, 0.5, 1.5])
    truth = (
        integral(lambda t: stats.norm.pdf(t, points, std).mean(), points)
        - 0.5 * math.log(2 * math.pi * math.e * std**2)
    ) / LN2
    found = of_input(Normal(torch.tensor(points).repeat(250)[:, None], std**2), draws=4)
    assert found.value == pytest.approx(truth, abs=3 * found.error)
    assert found.error < 0.02


@pytest.mark.parametrize("atom", [False, True])
def test_gaussian_dropout_with_an_atom_against_an_integral(atom):
    z, alpha = np.array([0.5, 1.0, 2.0, -1.0]), 0.5
    entropy = integral(lambda t: stats.norm.pdf(t, z, math.sqrt(alpha) * abs(z)).mean(), z, -15, 15)
    truth = (entropy - np.mean(0.5 * np.log(2 * math.pi * math.e * alpha * z**2))) / LN2
    values = torch.tensor(z).repeat(200)
    if atom:  # a fifth of the inputs is exactly 0
        truth = 0.8 * truth - 0.2 * math.log2(0.2) - 0.8 * math.log2(0.8)
        values = torch.cat([values, torch.zeros(200).double()])
    found = of_input(Scaled(values[:, None], alpha), draws=4)
    assert found.value == pytest.approx(truth, abs=3 * found.error)


def test_a_rectified_unit_against_an_integral():
    means, std = np.array([-1.0, -0.2, 0.4, 1.5]), 0.6
    zero = stats.norm.cdf(-means / std)

    def density(t):
        p = stats.norm.pdf(t, means, std)
        return np.mean(p * np.log(np.maximum(p, 1e-300) / p.mean()))

    truth = (integrate.quad(density, 0, 8, limit=400)[0] + np.mean(zero * np.log(zero / zero.mean()))) / LN2
    found = of_input(Rectified(torch.tensor(means).repeat(250)[:, None], std**2), draws=4)
    assert found.value == pytest.approx(truth, abs=3 * found.error)


def counted(likelihood):
    """I of inputs that are equally likely, from p(t | x) as (x, t), in bits."""
    ratio = (likelihood / likelihood.mean(0)).nan_to_num(1)
    return float(torch.xlogy(likelihood, ratio).sum(1).mean()) / LN2


def test_binary_units_against_counting():
    p = torch.rand(5, 3, generator=torch.Generator().manual_seed(0)).double()
    patterns = torch.cartesian_prod(*[torch.tensor([0.0, 1.0]).double()] * 3)
    truth = counted(torch.stack([(p * t + (1 - p) * (1 - t)).prod(1) for t in patterns], 1))
    found = of_input(Bernoulli(p.repeat(200, 1).log()), draws=4)
    assert found.value == pytest.approx(truth, abs=3 * found.error)
    assert found.low <= truth <= found.high


def test_erasure_against_counting():
    h, rate = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 0.0], [0.0, 0.0]]), 0.4
    outcomes = torch.cartesian_prod(torch.arange(3), torch.arange(3)) - 1
    parts = torch.where(
        h[:, None] == 0,
        (outcomes == 0).double(),
        rate * (outcomes == 0).double() + (1 - rate) * (outcomes == h[:, None]).double(),
    )
    found = of_input(Erasure(h.repeat(250, 1), rate), draws=4)
    assert found.value == pytest.approx(counted(parts.prod(2)), abs=3 * found.error)
    assert found.state == "ok"


def test_binary_dropout_of_continuous_units_is_infinite_in_the_population():
    h = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
    found = of_input(Erasure(h, 0.5))
    assert found.state == "infinite"
    assert found.value < math.log2(200) < found.high == math.inf


@pytest.fixture(scope="module")
def classes():
    g = torch.Generator().manual_seed(0)
    y = torch.arange(1000) % 5
    centers = 2 * torch.randn(5, 4, generator=g)
    return centers[y] + 0.5 * torch.randn(1000, 4, generator=g), y


def test_the_three_values_add_up_and_affine_maps_change_nothing(classes):
    mean, y = classes
    found = pn.channel_information(Normal(mean, 0.3), y)
    total = found["I(X;T|Y)"].value + found["I(T;Y)"].value
    assert found["I(X;T)"].value == pytest.approx(total, abs=1e-10)
    same = pn.channel_information(Normal(5 + 3.0 * mean.double(), 2.7), y)
    for quantity, information in found.items():
        assert same[quantity].value == pytest.approx(information.value, abs=1e-8)


def test_labels_without_information_are_not_seen_to_have_any(classes):
    g = torch.Generator().manual_seed(3)
    labels = torch.randint(10, (500,), generator=g)
    found = pn.channel_information(Normal(torch.randn(500, 10, generator=g), 1.0), labels)["I(T;Y)"]
    assert found.low <= 0 <= found.high
    assert found.value > 0.3
    assert found.state == "undersampled"


def test_labels_that_the_layer_separates_have_all_their_information(classes):
    mean, y = classes
    found = pn.channel_information(Normal(mean, 0.01), y)["I(T;Y)"]
    assert found.low <= math.log2(5) <= found.high + 1e-12
    assert found.width < 0.2


def test_a_class_far_from_the_others_loses_nothing_to_underflow():
    mean = torch.cat([torch.zeros(50, 1), torch.full((50, 1), 1e4)])
    found = pn.channel_information(Normal(mean, 1.0), torch.arange(100) // 50)
    assert found["I(T;Y)"].value == pytest.approx(1, abs=1e-8)
    assert found["I(X;T|Y)"].value == pytest.approx(0, abs=1e-8)


def test_rows_are_a_sample_of_the_outer_mean(classes):
    mean, y = classes
    whole = pn.channel_information(Normal(mean, 3.0), y)
    part = pn.channel_information(Normal(mean, 3.0), y, rows=300)
    for quantity in whole:
        assert part[quantity].rows == 300
        assert part[quantity].value == pytest.approx(whole[quantity].value, abs=4 * part[quantity].error)
        assert part[quantity].error > whole[quantity].error


def test_the_error_is_that_of_the_draws():
    mean = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    reference = of_input(Normal(mean, 0.3), draws=100, seed=99).value
    found = [of_input(Normal(mean, 0.3), seed=seed) for seed in range(60)]
    covered = [abs(f.value - reference) < 2 * f.error for f in found]
    assert np.mean(covered) > 0.85


def test_a_layer_that_is_constant_has_no_information():
    found = pn.channel_information(Normal(torch.ones(50, 2), 1.0), torch.arange(50) % 2)
    for information in found.values():
        assert information.value == pytest.approx(0, abs=1e-12)
        assert information.low == 0


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (torch.zeros(50), "all labels are 0.0"),
        (torch.arange(50), "50 classes for 50 samples"),
        (torch.arange(49) % 2, "expected one label for each of the 50 samples"),
        (torch.full((50,), math.nan), "not finite"),
    ],
)
def test_labels_that_do_not_fit_are_refused_in_words(y, message):
    with pytest.raises(ValueError, match=message):
        pn.channel_information(Normal(torch.randn(50, 2), 1.0), y)


def test_one_input_and_no_draws_are_refused():
    with pytest.raises(ValueError, match="1 input; expected at least 2"):
        pn.channel_information(Normal(torch.zeros(1, 2), 1.0))
    with pytest.raises(ValueError, match="draws=0"):
        pn.channel_information(Normal(torch.zeros(5, 2), 1.0), draws=0)
    with pytest.raises(TypeError, match="code_information"):
        pn.channel_information(Discrete(torch.zeros(5, 2)))
