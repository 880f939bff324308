"""Sampling bias of Gaussian informations: exact where a formula exists, measured where it does not."""

import numpy as np
import pytest
from scipy.stats import wishart

from pidnet.covariances import PairCovariances
from pidnet.measures.gaussian.minimum_information import i_mmi
from pidnet.measures.gaussian.sampling_bias import corrected_atoms, information_bias
from pidnet.measures.gaussian.unique_optimum import i_broja

ATOMS = ("redundancy", "unique1", "unique2", "synergy")


def estimated(cov, dims, samples, repeats, seed):
    """Sample covariances of ``repeats`` experiments on the same truth."""
    drawn = wishart(samples - 1, np.asarray(cov) / (samples - 1)).rvs(repeats, random_state=seed)
    return PairCovariances(np.full((repeats, 2), -1), drawn, dims, samples)


def given_truth(cov, dims):
    return PairCovariances(np.array([[-1, -1]]), np.asarray(cov, dtype=float)[None], dims)


def planted(dims, seed):
    root = np.random.default_rng(seed).standard_normal((sum(dims), 2 * sum(dims)))
    return root @ root.T / (2 * sum(dims))


@pytest.mark.parametrize(("dims", "samples"), [((1, 1, 1), 20), ((2, 3, 4), 40), ((5, 5, 5), 60)])
def test_the_bias_of_each_information_is_the_measured_one(dims, samples):
    cov = planted(dims, 0)
    truth = i_mmi(given_truth(cov, dims))
    atoms = i_mmi(estimated(cov, dims, samples, 4000, seed=1))
    for name, sources in (("information1", dims[0]), ("information2", dims[1]), ("total", sum(dims[:2]))):
        excess = getattr(atoms, name) - getattr(truth, name)
        error = excess.std() / np.sqrt(len(excess))
        assert excess.mean() == pytest.approx(information_bias(sources, dims[2], samples), abs=4 * error)


def test_the_bias_of_two_scalars_is_about_half_a_nat_a_sample():
    assert information_bias(1, 1, 1001) * np.log(2) == pytest.approx(1 / 2000, rel=0.01)


@pytest.mark.parametrize("dims", [(1, 1, 5), (3, 3, 3)])
@pytest.mark.parametrize("informative", [False, True])
def test_corrected_atoms_are_centered_on_the_truth(dims, informative):
    """Independent variables, and a planted system: what is left of the bias is a small part of it."""
    cov = planted(dims, 2) if informative else np.eye(sum(dims))
    truth = i_broja(given_truth(cov, dims))
    experiments = estimated(cov, dims, 100, 300, seed=3)
    plain, corrected = i_broja(experiments), corrected_atoms(experiments, i_broja)
    for name in ATOMS:
        before = getattr(plain, name).mean() - getattr(truth, name)[0]
        after = getattr(corrected, name) - getattr(truth, name)[0]
        error = after.std() / np.sqrt(len(after))
        assert abs(after.mean()) < 0.4 * abs(before) + 3 * error, name
    assert plain.synergy.mean() - truth.synergy[0] > 0.003


def test_corrected_atoms_keep_the_lattice_and_their_seed():
    experiments = estimated(planted((2, 2, 2), 4), (2, 2, 2), 80, 5, seed=5)
    atoms, again = (corrected_atoms(experiments, i_broja, draws=8, seed=6) for _ in range(2))
    plain = i_broja(experiments)
    assert plain.total - atoms.total == pytest.approx(np.full(5, information_bias(4, 2, 80)))
    assert plain.information1 - atoms.information1 == pytest.approx(np.full(5, information_bias(2, 2, 80)))
    assert (atoms.gap > 0).all()
    assert np.array_equal(atoms.redundancy, again.redundancy)


def test_what_has_no_bias_is_refused():
    with pytest.raises(ValueError, match="samples=0"):
        corrected_atoms(given_truth(np.eye(3), (1, 1, 1)), i_mmi)
    with pytest.raises(ValueError, match="4 samples are too few for 3"):
        information_bias(3, 1, 4)
