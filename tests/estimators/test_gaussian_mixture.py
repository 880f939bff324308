"""Class-conditional Gaussians: informations about a discrete label."""

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import xlogy
from scipy.stats import norm

from pidnet.activations import Activations
from pidnet.estimators.gaussian_mixture import (
    ClassConditionals,
    class_conditionals,
    mixture_i_mmi,
    mixture_information,
)
from pidnet.measures.gaussian import decompose_gaussian


def activations(units, label):
    return Activations({"fc": torch.tensor(units, dtype=torch.float32)}, torch.tensor(label), {"fc": "none"})


def scalar_information(weight, mean, deviation):
    """I(C;X) = h(X) - sum_c w_c h(X|c) by adaptive quadrature, bits."""

    def surprise(x):
        density = sum(w * norm.pdf(x, m, s) for w, m, s in zip(weight, mean, deviation, strict=True))
        return -xlogy(density, density)

    joint = quad(surprise, -30, 30, points=mean, limit=500)[0]
    noise = sum(w * norm.entropy(0, s) for w, s in zip(weight, deviation, strict=True))
    return float(joint - noise) / np.log(2)


@pytest.mark.parametrize(
    ("weight", "mean", "deviation"),
    [([0.5, 0.5], [-1, 1], [1, 1]), ([0.2, 0.8], [0, 0], [1, 3]), ([0.2, 0.3, 0.5], [0, 2, 5], [1, 0.5, 2])],
)
def test_one_unit_against_quadrature(weight, mean, deviation):
    mean, cov = np.array(mean, float)[None, :, None], np.square(deviation)[None, :, None, None]
    value, error = mixture_information(np.array(weight), mean, cov, points=1024)
    assert error[0] < 1e-3
    expected = scalar_information(weight, mean[0, :, 0], deviation)
    assert value[0] == pytest.approx(expected, abs=4 * error[0] + 1e-6)


def test_well_separated_classes_tell_the_whole_label():
    """Here the one-hot Gaussian claims more than the label holds."""
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1, 2], [100, 200, 300])
    entropy = np.log2(6) - 2 / 6 - np.log2(3) / 2
    units = rng.standard_normal((600, 2)) * 0.05 + np.stack([label, label**2], 1)
    atoms = mixture_i_mmi(class_conditionals(activations(units, label), "fc", [([0], [1])]))
    assert atoms.total[0] == pytest.approx(entropy, abs=1e-6)
    onehot = label[:, None] == np.arange(3)
    gaussian = decompose_gaussian(np.cov(np.column_stack([units, onehot]), rowvar=False), (1, 1, 3))
    assert gaussian.total[0] > 2 * entropy


def test_a_difference_in_correlation_is_synergy():
    """Both classes have the same means and variances: single units know nothing, the pair does."""
    cov = np.array([[[1, 0.9], [0.9, 1]], [[1, -0.9], [-0.9, 1]]])[None]
    atoms = mixture_i_mmi(ClassConditionals(np.array([0.5, 0.5]), np.zeros((1, 2, 2)), cov, (1, 1)))
    assert atoms.information1[0] == pytest.approx(0, abs=1e-12)
    assert 0.3 < atoms.synergy[0] < 1


def test_pairs_and_groups_of_a_layer():
    rng = np.random.default_rng(1)
    label = np.repeat([0, 1], 500)
    units = rng.standard_normal((1000, 4)) + label[:, None] * [2, 1, 0, 0]
    layer = activations(units, label)
    pairs = mixture_i_mmi(class_conditionals(layer, "fc", [([0], [1]), ([0], [2]), ([2], [3])]))
    groups = mixture_i_mmi(class_conditionals(layer, "fc", [([0, 2], [1, 3])]))
    assert pairs.information1[0] == pytest.approx(scalar_information([0.5, 0.5], [0, 2], [1, 1]), abs=0.03)
    assert pairs.total[2] < 0.02 < 0.3 < pairs.total[1] < groups.total[0] <= 1
    assert (pairs.gap < 5e-3).all()
    assert np.array_equal(pairs.redundancy, np.minimum(pairs.information1, pairs.information2))
    assert pairs.unique1[1] > 0.3 > pairs.unique2[1] == 0


def test_scales_of_units_do_not_matter():
    rng = np.random.default_rng(2)
    label = np.arange(300) % 3
    units = rng.standard_normal((300, 2)) + label[:, None] * [1, -1]
    plain, scaled = (
        mixture_i_mmi(class_conditionals(activations(u, label), "fc", [([0], [1])]))
        for u in (units, units * [1000, 0.001])
    )
    assert scaled.redundancy == pytest.approx(plain.redundancy, abs=1e-5)


def test_what_has_no_density_is_refused():
    rng = np.random.default_rng(3)
    label = np.repeat([0, 1], 50)
    units = rng.standard_normal((100, 3))
    units[:50, 1] = 0
    units[:, 2] = units[:, 0]
    layer = activations(units, label)
    with pytest.raises(ValueError, match=r"units \[1\] are constant in class 0"):
        class_conditionals(layer, "fc", [([0], [1])])
    with pytest.raises(ValueError, match=r"units \[0, 2\] depend on each other"):
        class_conditionals(layer, "fc", [([0], [2])])
    with pytest.raises(ValueError, match="expected integer classes"):
        class_conditionals(activations(units, label * 0.5), "fc", [([0], [2])])
    with pytest.raises(ValueError, match="class 1 has 2 samples; 2 units need more"):
        class_conditionals(activations(units[:52], label[:52]), "fc", [([0], [2])])


def test_vector_units_are_refused():
    acts = Activations({"heads": torch.randn(90, 2, 3)}, torch.arange(90) % 3, {})
    with pytest.raises(ValueError, match="'heads' are vectors; the mixture takes scalar units"):
        class_conditionals(acts, "heads", [([0], [1])])
