"""I_ccs of Gaussians: quadrature against plain Monte Carlo of the definition."""

from functools import partial

import numpy as np
import pytest

from pidnet.measures.gaussian import decompose_gaussian
from pidnet.measures.gaussian.iccs import i_ccs

SCALAR = [
    [[2, 1, 1], [1, 2, 1], [1, 1, 1]],
    [[1, 0.3, 0.5], [0.3, 1, 0.4], [0.5, 0.4, 1]],
    [[1, 0.3, 0.5], [0.3, 1, -0.4], [0.5, -0.4, 1]],
]


def wishart(dims, seed):
    root = np.random.default_rng(seed).standard_normal((sum(dims), sum(dims) + 2))
    return root @ root.T / (sum(dims) + 2)


def local_information(samples, cov, x, y):
    """log2 p(y|x) / p(y) at each sample, from the conditional Gaussian written out."""
    weights = np.linalg.solve(cov[np.ix_(x, x)], cov[np.ix_(x, y)])
    left = cov[np.ix_(y, y)] - cov[np.ix_(y, x)] @ weights
    residual = samples[:, y] - samples[:, x] @ weights
    exponent = (samples[:, y] @ np.linalg.inv(cov[np.ix_(y, y)]) * samples[:, y]).sum(1)
    exponent -= (residual @ np.linalg.inv(left) * residual).sum(1)
    volume = np.linalg.slogdet(cov[np.ix_(y, y)])[1] - np.linalg.slogdet(left)[1]
    return (volume + exponent) / (2 * np.log(2))


def monte_carlo(cov, dims, samples=400_000):
    """I_ccs by its definition, and the standard error."""
    cov = np.asarray(cov, dtype=float)
    x1, x2, y = (part.tolist() for part in np.split(np.arange(sum(dims)), np.cumsum(dims)[:2]))
    drawn = np.random.default_rng(1).multivariate_normal(np.zeros(len(cov)), cov, samples)
    local = [local_information(drawn, cov, x, y) for x in (x1, x2, x1 + x2)]
    co = local[0] + local[1] - local[2]
    agree = np.all([np.sign(i) == np.sign(co) for i in local], axis=0)
    values = np.where(agree, co, 0)
    return values.mean(), values.std() / np.sqrt(samples)


@pytest.mark.parametrize("cov", SCALAR)
def test_scalars_against_monte_carlo(cov):
    expected, error = monte_carlo(cov, (1, 1, 1))
    atoms = decompose_gaussian(cov, (1, 1, 1), partial(i_ccs, points=4096))
    assert atoms.gap[0] < 1e-3
    assert atoms.redundancy[0] == pytest.approx(expected, abs=4 * error + atoms.gap[0])


@pytest.mark.parametrize("dims", [(1, 1, 3), (2, 1, 1), (2, 2, 2), (2, 3, 1)])
def test_vectors_against_monte_carlo(dims):
    cov = wishart(dims, 5)
    expected, error = monte_carlo(cov, dims)
    atoms = decompose_gaussian(cov, dims, "i_ccs")
    assert 0 < atoms.gap[0] < 0.05
    assert atoms.redundancy[0] == pytest.approx(expected, abs=4 * error + atoms.gap[0])


def test_the_rules_get_finer_and_agree():
    coarse, fine = (decompose_gaussian(SCALAR, measure=partial(i_ccs, points=n)) for n in (256, 16384))
    assert (fine.gap < coarse.gap).all()
    assert (np.abs(coarse.redundancy - fine.redundancy) < 3 * coarse.gap + fine.gap).all()


def test_a_seed_fixes_the_answer_and_another_moves_it_within_the_gap():
    cov = wishart((2, 2, 2), 9)
    first, again, other = (
        decompose_gaussian(cov, (2, 2, 2), partial(i_ccs, seed=seed)) for seed in (0, 0, 1)
    )
    assert first.redundancy == again.redundancy
    assert first.redundancy != other.redundancy
    assert abs(first.redundancy - other.redundancy) < first.gap + other.gap


def test_linear_maps_inside_a_source_stay_within_the_gap():
    cov, mix = wishart((2, 2, 2), 3), np.eye(6)
    mix[:2, :2] = [[2, 1], [-3, 0.5]]
    plain, mapped = (decompose_gaussian(c, (2, 2, 2), "i_ccs") for c in (cov, mix @ cov @ mix.T))
    assert abs(plain.redundancy - mapped.redundancy) < plain.gap + mapped.gap
