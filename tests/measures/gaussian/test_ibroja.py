"""I_broja and I_delta against solvers that share nothing with them."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.linalg import block_diag, solve, sqrtm
from scipy.optimize import minimize

from pidnet.measures.gaussian import decompose_gaussian, idelta
from tests.strategies import covariances


def wishart(dims, seed):
    root = np.random.default_rng(seed).standard_normal((sum(dims), sum(dims) + 2))
    return root @ root.T / (sum(dims) + 2)


def channels(cov, dims):
    """Gains H1, H2 of white-noise channels from a white target, by matrix square roots."""
    first, second, _ = dims
    x, y = slice(0, first + second), slice(first + second, None)
    noise = cov[x, x] - cov[x, y] @ solve(cov[y, y], cov[y, x])
    gain = cov[x, y] @ np.linalg.inv(sqrtm(cov[y, y]).real)
    return [
        solve(sqrtm(noise[part, part]).real, gain[part])
        for part in (slice(0, first), slice(first, first + second))
    ]


def coupled_information(coupling, gain1, gain2):
    """I(Y;X1X2) when the white noises of the channels have the cross-covariance ``coupling``, bits."""
    gain = np.vstack([gain1, gain2])
    noise = np.block([[np.eye(len(gain1)), coupling], [coupling.T, np.eye(len(gain2))]])
    inside = np.eye(gain.shape[1]) + gain.T @ np.linalg.solve(noise, gain)
    return np.linalg.slogdet(inside)[1] / (2 * np.log(2))


def squashed(parameters, shape):
    """Any matrix -> a strict contraction, by tanh of its singular values."""
    left, singular, right = np.linalg.svd(parameters.reshape(shape), full_matrices=False)
    return left @ np.diag((1 - 1e-9) * np.tanh(singular)) @ right


@pytest.mark.parametrize("dims", [(1, 1, 2), (2, 2, 2), (3, 2, 2), (2, 3, 4), (3, 3, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_i_broja_equals_a_numerical_minimum_over_couplings(dims, seed):
    cov = wishart(dims, seed)
    gain1, gain2 = channels(cov, dims)
    shape = (dims[0], dims[1])
    rng = np.random.default_rng(seed)

    def objective(parameters):
        return coupled_information(squashed(parameters, shape), gain1, gain2)

    starts = 0.3 * rng.standard_normal((3, shape[0] * shape[1]))
    best = min(minimize(objective, start, method="L-BFGS-B", tol=1e-13).fun for start in starts)
    atoms = decompose_gaussian(cov, dims, "i_broja")
    union = atoms.redundancy + atoms.unique1 + atoms.unique2
    assert union[0] == pytest.approx(best, abs=1e-5)


@given(system=covariances())
@settings(max_examples=25)
def test_the_closed_form_is_reached_by_a_coupling(system):
    """The degraded channel of the proof, built explicitly, has the union information and both marginals."""
    (cov, *_), dims = system
    gain1, gain2 = channels(cov, dims)
    posterior1, posterior2 = (np.linalg.inv(np.eye(dims[2]) + g.T @ g) for g in (gain1, gain2))
    root = np.linalg.cholesky(posterior1)
    turned = np.linalg.inv(root) @ posterior2 @ np.linalg.inv(root).T
    values, vectors = np.linalg.eigh(turned)
    best = root @ vectors @ np.diag(np.minimum(1, values)) @ vectors.T @ root.T
    signal, directions = np.linalg.eigh(np.linalg.inv(best) - np.eye(dims[2]))
    source = np.sqrt(np.maximum(signal, 0))[:, None] * directions.T
    degrade1, degrade2 = (g @ np.linalg.pinv(source, rcond=1e-7) for g in (gain1, gain2))
    for gain, degrade in ((gain1, degrade1), (gain2, degrade2)):
        assert degrade @ source == pytest.approx(gain, abs=1e-5)
        assert np.linalg.norm(degrade, 2) <= 1 + 1e-6
    reached = coupled_information((1 - 1e-9) * degrade1 @ degrade2.T, gain1, gain2)
    atoms = decompose_gaussian(cov, dims, "i_broja")
    assert (atoms.total - atoms.synergy)[0] == pytest.approx(reached, abs=1e-5)


def test_independent_systems_add():
    parts = [wishart((2, 2, 2), 7), wishart((1, 3, 2), 8)]
    together = block_diag(*parts)
    order = [0, 1, 6, 2, 3, 7, 8, 9, 4, 5, 10, 11]
    whole = decompose_gaussian(together[np.ix_(order, order)], (3, 5, 4), "i_broja")
    halves = [
        decompose_gaussian(parts[0], (2, 2, 2), "i_broja"),
        decompose_gaussian(parts[1], (1, 3, 2), "i_broja"),
    ]
    for name in ("redundancy", "unique1", "unique2", "synergy"):
        assert getattr(whole, name) == pytest.approx(sum(getattr(h, name) for h in halves), abs=1e-9), name


@pytest.mark.parametrize("measure", ["i_broja", "i_delta"])
def test_a_degraded_source_has_nothing_unique(measure):
    rng = np.random.default_rng(2)
    mix = rng.standard_normal((3, 3))
    good = wishart((3, 3), 4)
    degrade = block_diag(np.vstack([mix, np.eye(3)]), np.eye(3))
    cov = degrade @ good @ degrade.T + block_diag(np.eye(3), np.zeros((6, 6)))
    atoms = decompose_gaussian(cov, (3, 3, 3), measure)
    assert atoms.unique1[0] == pytest.approx(0, abs=1e-6)
    assert atoms.unique2[0] > 0.1


def imitation_cost(parameters, wanted, given):
    """E KL( N(wanted y, I) || N(T given y, T T' + C C') ) over a white y, bits."""
    d, k = len(wanted), len(given)
    turn, extra = parameters[: d * k].reshape(d, k), parameters[d * k :].reshape(d, d)
    noise = turn @ turn.T + extra @ extra.T + 1e-12 * np.eye(d)
    missing = wanted - turn @ given
    inside = np.trace(np.linalg.solve(noise, np.eye(d) + missing @ missing.T))
    return (np.linalg.slogdet(noise)[1] + inside - d) / (2 * np.log(2))


@pytest.mark.parametrize("dims", [(1, 1, 2), (2, 2, 2), (2, 3, 2), (3, 2, 3)])
def test_i_delta_equals_a_numerical_minimum_over_channels(dims):
    cov = wishart(dims, 11)
    gains = channels(cov, dims)
    rng = np.random.default_rng(0)
    deltas = []
    for wanted, given_ in (gains, gains[::-1]):
        size = len(wanted) * (len(given_) + len(wanted))
        starts = 0.5 * rng.standard_normal((4, size))
        found = [minimize(imitation_cost, s, (wanted, given_), method="BFGS", tol=1e-9).fun for s in starts]
        deltas.append(min(found))
    atoms = decompose_gaussian(cov, dims, "i_delta")
    expected = min(atoms.information1[0] - deltas[0], atoms.information2[0] - deltas[1])
    assert atoms.redundancy[0] == pytest.approx(expected, abs=1e-5)


def test_i_delta_converges_for_sources_that_know_almost_everything():
    rng = np.random.default_rng(12)
    gain = 100 * rng.standard_normal((10, 8, 4)) * np.exp(rng.standard_normal((10, 8, 1)))
    cov = np.concatenate(
        [
            np.concatenate([gain @ gain.mT + np.eye(8), gain], 2),
            np.concatenate([gain.mT, np.tile(np.eye(4), (10, 1, 1))], 2),
        ],
        1,
    )
    atoms = decompose_gaussian(cov, (4, 4, 4), "i_delta")
    assert (atoms.gap < 1.1e-7).all()
    assert (atoms.redundancy > decompose_gaussian(cov, (4, 4, 4), "i_broja").redundancy).all()


def test_i_delta_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="1225 unknowns, more than 1024; take fewer target columns"):
        decompose_gaussian(np.eye(105), (35, 35, 35), "i_delta")


@pytest.mark.parametrize("steps", [1, 3, 10, 30])
def test_the_gap_of_an_unfinished_i_delta_covers_its_error(monkeypatch, steps):
    cov = np.stack([wishart((3, 3, 3), seed) for seed in range(20)])
    truth = decompose_gaussian(cov, (3, 3, 3), "i_delta")
    assert (truth.gap < 1.1e-7).all()
    monkeypatch.setattr(idelta, "MAX_STEPS", steps)
    rough = decompose_gaussian(cov, (3, 3, 3), "i_delta")
    assert (rough.gap > 1e-7).any()
    assert (np.abs(rough.redundancy - truth.redundancy) <= rough.gap + truth.gap).all()
