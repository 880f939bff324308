"""Estimates from samples against closed forms and peers; what they refuse."""

import math

import numpy as np
import pytest
from sklearn.feature_selection import mutual_info_regression

import pidnet as pn
from pidnet.estimators._neighbors import ksg


def gaussian(correlation, units, samples=3000, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(samples, units))
    y = rng.normal(size=(samples, units))
    y[:, 0] = correlation * x[:, 0] + math.sqrt(1 - correlation**2) * y[:, 0]
    return x, y, -0.5 * math.log2(1 - correlation**2)


@pytest.mark.parametrize("how", ["canonical", "ksg", "gaussian"])
@pytest.mark.parametrize("correlation", [0.0, 0.75])
def test_one_gaussian_pair(how, correlation):
    x, y, truth = gaussian(correlation, 1)
    found = pn.mutual_information(x, y, how)
    assert found.value == pytest.approx(truth, abs=0.06)
    assert (found.low, found.high, found.about) == (0, math.inf, "population")


@pytest.mark.parametrize("how", ["canonical", "gaussian"])
def test_five_units_where_neighbors_alone_are_too_low(how):
    x, y, truth = gaussian(0.9, 5)
    assert pn.mutual_information(x, y, how).value == pytest.approx(truth, abs=0.1)
    assert pn.mutual_information(x, y, "ksg").value < truth - 0.2


def test_a_dependence_without_correlation_is_seen():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(4000, 4)), rng.normal(size=(4000, 4))
    y = noise + np.stack([2 * x[:, 0] ** 2, *np.zeros((3, 4000))], 1)
    assert pn.mutual_information(x, y, "gaussian").value < 0.1
    assert pn.mutual_information(x, y).value > 0.7


def test_independent_heavy_tails_have_none():
    rng = np.random.default_rng(0)
    found = pn.mutual_information(rng.standard_cauchy((4000, 5)), rng.normal(size=(4000, 5)))
    assert abs(found.value) <= 0.02


def test_neighbors_are_those_of_a_peer():
    x, y, _ = gaussian(0.6, 1, 1000)
    peer = mutual_info_regression(x, y[:, 0], n_neighbors=3)[0]
    # The peer scales each variable to one deviation first.
    assert float(ksg(x / x.std(0), y / y.std(0)).mean()) == pytest.approx(peer, abs=1e-6)


def test_a_function_of_ones_own_is_taken_at_its_word():
    found = pn.mutual_information(*gaussian(0.5, 1)[:2], how=lambda x, y: 1.25)
    assert (found.value, found.estimator) == (1.25, "<lambda>")


def test_a_function_of_the_other_is_infinite():
    x, _, _ = gaussian(0.0, 3)
    for y in (x @ np.ones((3, 2)) + 1, x):
        found = pn.mutual_information(x, y)
        assert (found.state, found.value) == ("infinite", math.inf)
    assert pn.mutual_information(x[:, 0], np.tanh(x[:, 0]), "ksg").state == "infinite"


def test_near_the_most_that_neighbors_see_it_is_saturated():
    x, noise, _ = gaussian(0.0, 1)
    assert pn.mutual_information(x, x + 1e-4 * noise, "ksg").state == "saturated"


def test_constant_units_are_left_out():
    x, y, truth = gaussian(0.75, 1)
    wide = np.hstack([x, np.ones_like(x)])
    assert pn.mutual_information(wide, y).value == pytest.approx(truth, abs=0.06)
    assert pn.mutual_information(np.ones(100), np.random.default_rng(0).normal(size=100)).value == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:-1], "expected equally many, at least 50"),
        (lambda x: x[:10], "expected equally many, at least 50"),
        (lambda x: np.where(x > 1, math.nan, x), "x is not finite"),
        (lambda x: np.round(x), "use label_information for labels"),
        (lambda x: np.array(["a"] * len(x)), "expected .sample, unit., real"),
    ],
)
def test_bad_samples_are_refused_in_words(change, message):
    x, y, _ = gaussian(0.5, 1)
    with pytest.raises(ValueError, match=message):
        pn.mutual_information(change(x), y)


def test_an_unknown_estimator_names_the_known_ones():
    with pytest.raises(ValueError, match="canonical, ksg, gaussian"):
        pn.mutual_information(np.zeros(100), np.zeros(100), "mine")
