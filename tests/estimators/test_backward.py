"""Variational bounds: the closed-form b is the best Gaussian, and a bound is never below what is exact."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal, Normal

import pidnet as pn
from pidnet.estimators import variational_bounds


def code(samples=2000, units=3, seed=0):
    """Means that are Gaussian within each of 4 classes, with correlations and noise that differs from input to input."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(samples) % 4
    centers, mix = (
        3 * torch.randn(4, units, generator=generator),
        torch.randn(units, units, generator=generator),
    )
    mean = centers[y] + torch.randn(samples, units, generator=generator) @ mix
    return Normal(mean.double(), torch.rand(samples, units, generator=generator).double() + 0.5), y


def test_the_bound_is_the_mean_log_ratio():
    encoder, y = code()
    fitted = pn.fit_backward(encoder, y)
    found = variational_bounds(encoder, y, fitted)["I(X;T|Y)"]
    torch.manual_seed(0)
    t = encoder.sample((200,))
    inside = torch.stack(
        [MultivariateNormal(fitted.mean[c], fitted.covariance_matrix[c]).log_prob(t) for c in range(4)]
    )
    drawn = (encoder.log_prob(t).sum(-1) - inside.gather(0, y.expand(1, 200, -1))[0]).mean() / math.log(2)
    assert found.value == pytest.approx(float(drawn), abs=0.01)


def test_closed_form_is_the_best_gaussian():
    encoder, y = code()
    best = pn.fit_backward(encoder, y)
    value = variational_bounds(encoder, y, best)["I(X;T|Y)"].value
    generator = torch.Generator().manual_seed(0)
    for _ in range(10):
        shift = 0.1 * torch.randn(4, 3, generator=generator, dtype=torch.float64)
        root = best.scale_tril + 0.1 * torch.randn(4, 3, 3, generator=generator, dtype=torch.float64).tril()
        other = MultivariateNormal(best.mean + shift, scale_tril=root)
        assert variational_bounds(encoder, y, other)["I(X;T|Y)"].value > value
    diagonal = Normal(best.mean, best.variance.sqrt())
    assert variational_bounds(encoder, y, diagonal)["I(X;T|Y)"].value > value + 0.01


def test_bounds_are_above_what_is_exact():
    encoder, y = code()
    exact = pn.channel_information(pn.channels.Normal(encoder.mean, encoder.variance), y)
    bounds = variational_bounds(encoder, y, pn.fit_backward(encoder, y))
    for quantity in ("I(X;T|Y)", "I(X;T)"):
        assert bounds[quantity].high > exact[quantity].low
        assert bounds[quantity].low == 0
    # Within a class the means are Gaussian, so that the bound is nearly what it bounds.
    assert bounds["I(X;T|Y)"].value - exact["I(X;T|Y)"].value < 0.3


def test_labels_that_do_not_fit_are_refused():
    encoder, y = code(40)
    with pytest.raises(ValueError, match="no sample of class 1"):
        pn.fit_backward(encoder, 2 * y)
    with pytest.raises(ValueError, match="a label is 6; the backward encoder has 4 classes"):
        variational_bounds(encoder, 2 * y, pn.fit_backward(encoder, y))
    with pytest.raises(ValueError, match="one label for each of the 40 samples"):
        pn.fit_backward(encoder, y[:-1])
    with pytest.raises(ValueError, match="integers from 0 on"):
        pn.fit_backward(encoder, y - 2)
