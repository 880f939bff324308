"""Sampling bias of Gaussian informations: exact where a formula exists, measured where it does not."""

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import wishart

from pidnet.measures.gaussian.ibroja import i_broja
from pidnet.measures.gaussian.immi import i_mmi
from pidnet.significance.gaussian_bias import corrected_atoms, information_bias
from pidnet.tables.covariances import PairCovariances

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


@pytest.mark.parametrize("samples", [5, 20, 1000])
def test_the_bias_of_two_scalars_follows_from_the_beta_law(samples):
    """1 - r^2 of n independent samples is Beta((n - 2) / 2, 1/2), and I = -1/2 log2(1 - r^2)."""
    expected = (digamma((samples - 1) / 2) - digamma((samples - 2) / 2)) / (2 * np.log(2))
    assert information_bias(1, 1, samples) == pytest.approx(expected, rel=1e-9)


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


def test_the_draws_follow_the_wishart_law():
    """Mean and mean log determinant, seen by a measure that keeps what it is given."""
    samples, draws, kept = 12, 1500, []
    given = estimated(planted((1, 2, 2), 7), (1, 2, 2), samples, 2, seed=8)

    def spy(covariances):
        kept.append(covariances.cov)
        return i_mmi(covariances)

    corrected_atoms(given, spy, draws=draws)
    drawn = np.stack(kept[1:])
    spread = drawn.std(0) / np.sqrt(draws)
    assert (np.abs(drawn.mean(0) - given.cov) < 5 * spread).all()
    excess = np.linalg.slogdet(drawn)[1] - np.linalg.slogdet(given.cov)[1]
    expected = digamma((samples - np.arange(1, 6)) / 2).sum() - 5 * np.log((samples - 1) / 2)
    assert excess.mean(0) == pytest.approx(expected, abs=5 * excess.std() / np.sqrt(draws))


def test_what_has_no_bias_is_refused():
    with pytest.raises(ValueError, match="samples=0"):
        corrected_atoms(given_truth(np.eye(3), (1, 1, 1)), i_mmi)
    with pytest.raises(ValueError, match="4 samples are too few for 3"):
        information_bias(3, 1, 4)
