"""The probe stays below the truth, also where there is nothing to find."""

import numpy as np
import pytest
import torch
from sklearn.naive_bayes import GaussianNB

import pidnet as pn


def blobs(separation, units=5, samples=1500, seed=0):
    """Isotropic Gaussians around 4 centers, labels, and I(T;Y) in bits by Monte Carlo."""
    rng = np.random.default_rng(seed)
    centers = separation * np.random.default_rng(42).normal(size=(4, units))
    y = rng.integers(0, 4, samples)
    t = centers[y] + rng.normal(size=(samples, units))
    log_density = -0.5 * ((t[:, None] - centers) ** 2).sum(2)
    own = log_density[np.arange(samples), y]
    truth = np.mean(own - np.log(np.exp(log_density).mean(1))) / np.log(2)
    return t, y, truth


@pytest.mark.parametrize("separation", [0.5, 1.0])
def test_it_is_below_the_truth_and_near_it(separation):
    t, y, _ = blobs(separation)
    others, labels, truth = blobs(separation, seed=1)
    found = pn.label_information(t, y, held_out=(others, labels))
    assert truth - 0.1 < found.value < truth + 2 * found.error
    assert found.high == 2


def test_labels_without_information_have_none():
    rng = np.random.default_rng(0)
    t, y = rng.normal(size=(1000, 20)), rng.integers(0, 5, 1000)
    found = pn.label_information(t[:500], y[:500], held_out=(t[500:], y[500:]))
    assert found.low <= 0 <= found.high
    assert -0.05 < found.value < 0.02


@pytest.mark.parametrize("probe", ["mlp", "best", GaussianNB])
def test_a_ring_needs_another_probe_than_the_logistic(probe):
    rng = np.random.default_rng(0)
    t = rng.normal(size=(2000, 2))
    y = ((t**2).sum(1) > 1.4).astype(int)
    held_out = (t[1000:], y[1000:])
    plain = pn.label_information(t[:1000], y[:1000], held_out=held_out)
    other = pn.label_information(t[:1000], y[:1000], held_out=held_out, probe=probe)
    assert plain.value < 0.05
    assert other.value > 0.5


def test_tensors_and_names_of_classes_are_taken():
    t = torch.randn(400, 2, generator=torch.Generator().manual_seed(0))
    y = np.where(t[:, 0] > 0, "right", "left")
    found = pn.label_information(t[:200], y[:200], held_out=(t[200:], y[200:]))
    assert found.value > 0.9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, y: (t, np.zeros(20)), "all labels are"),
        (lambda t, y: (np.where(t > 0, t, np.nan), y), "t is not finite in unit"),
        (lambda t, y: (t[:, :1], y), "t has 1 units but held_out 2"),
        (lambda t, y: (t, y + 1), "the label 0 is held out but not among"),
    ],
)
def test_bad_samples_are_refused_in_words(change, message):
    rng = np.random.default_rng(0)
    t, y = rng.normal(size=(20, 2)), np.arange(20) % 2
    with pytest.raises(ValueError, match=message):
        pn.label_information(*change(t, y), held_out=(t, y))


def test_an_unknown_probe_names_the_known_ones():
    t, y = np.eye(20), np.arange(20) % 2
    with pytest.raises(ValueError, match="logistic, mlp, best"):
        pn.label_information(t, y, held_out=(t, y), probe="forest")
