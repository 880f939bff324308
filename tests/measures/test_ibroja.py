"""I_BROJA: its certificate, both kernels against each other, their twins and the cone solver."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from peers import cone_unique, mixed_tables
from pidnet.measures.ibroja import (
    _attempts,
    _binary as binary,
    _binary_lanes as binary_lanes,
    _certificate,
    _general as general,
    _twin,
    _workspace,
    optimum,
)
from pidnet.measures.ibroja.optimum import i_broja
from pidnet.tables import shannon
from pidnet.tables.discrete import PairTables
from tests.kernels import alone
from tests.strategies import tables

allocate, certify, start = alone(_workspace.allocate), alone(_certificate.certify), alone(general.start)
few = settings(max_examples=25)


def given_tables(p):
    return PairTables(np.full((len(p), 2), -1), p)


def margins(p):
    return (np.ascontiguousarray(p.sum(axis).swapaxes(1, 2)) for axis in (2, 1))


def certified(kernel, p, tolerance):
    upper, lower = np.empty((2, len(p)))
    kernel(
        *margins(p),
        tolerance,
        upper,
        lower,
        *map(np.empty_like, margins(p)),
        np.empty((len(p), p[0, ..., 0].size)),
    )
    return upper, lower


def test_agrees_with_the_cone_solver_on_random_tables():
    for p in mixed_tables(60, seed=7):
        atoms = i_broja(given_tables(p[None]))
        unique1, unique2 = cone_unique(p)
        # U1 - U2 = I1 - I2 exactly: by how much ECOS misses it is its own error
        missed = abs((unique1 - unique2) - (atoms.unique1[0] - atoms.unique2[0]))
        assert abs(atoms.unique1[0] - unique1) <= 1e-6 + missed
        assert abs(atoms.unique2[0] - unique2) <= 1e-6 + missed
        assert missed < 1e-5


@few
@given(p=tables(max_levels=5, max_classes=5))
def test_the_interval_holds_that_of_a_tighter_run(p):
    loose, tight = i_broja(given_tables(p), tolerance=1e-3), i_broja(given_tables(p), tolerance=1e-9)
    assert (loose.gap <= 1e-3).all()
    assert (tight.gap <= 1e-9).all()
    assert (np.abs(loose.unique1 - tight.unique1) <= loose.gap + 1e-12).all()


@few
@given(p=tables(max_levels=2, max_classes=6, pairs=8))
def test_both_kernels_certify_the_same_minimum(p):
    upper, lower = certified(binary.solve_binary, p, 1e-9)
    other_upper, other_lower = certified(general.solve_general, p, 1e-7)
    assert (upper - lower <= 1e-9).all()
    assert (other_upper - other_lower <= 1e-7).all()
    assert (lower <= other_upper).all()
    assert (other_lower <= upper).all()


@few
@given(p=tables(max_levels=4, max_classes=4, sparse=False), seed=st.integers(0, 2**32 - 1))
def test_no_table_with_the_same_margins_is_better(p, seed):
    """The dual end bounds the value of any feasible table, such as a mixture of p and p1 p2 / p(y)."""
    _, lower = certified(general.solve_general, p, 1e-7)
    product = p.sum(2)[:, :, None] * p.sum(1)[:, None] / p.sum((1, 2))[:, None, None]
    share = np.random.default_rng(seed).random()
    q = share * p + (1 - share) * product
    value = np.log(2) * (shannon.entropy(q.sum(3), (1, 2)) - shannon.entropy(q, (1, 2, 3)))
    assert (lower <= value).all()


@pytest.mark.parametrize("shape", [(2, 2, 3), (3, 4, 5), (4, 4, 10), (5, 6, 2)])
def test_the_general_kernel_agrees_with_its_twin(shape):
    p = np.random.default_rng(sum(shape)).dirichlet(np.ones(np.prod(shape)), size=3).reshape(3, *shape)
    upper, lower = certified(general.solve_general, p, 1e-9)
    for one, top, bottom in zip(p, upper, lower, strict=True):
        value, dual = _twin.minimum_nats(np.moveaxis(one, 2, 0))
        assert dual - 1e-12 <= top <= dual + 1e-8
        assert value - 1e-8 <= bottom <= value + 1e-8


def test_newton_s_jacobian_in_the_twin_is_the_derivative():
    p = np.random.default_rng(0).dirichlet(np.ones(24)).reshape(2, 3, 4)
    rng = np.random.default_rng(1)
    point = lam, mu, q = -2 - rng.random((2, 3)), -rng.random((2, 4)), rng.random((3, 4))
    move = [rng.standard_normal(x.shape) for x in point]
    ends = [
        _twin.missing(p.sum(2), p.sum(1), *(x + step * m for x, m in zip(point, move, strict=True)), 0.1)
        for step in (1e-6, -1e-6)
    ]
    along = _twin.jacobian_of(lam, mu, q) @ np.concatenate([m.ravel() for m in move])
    np.testing.assert_allclose((ends[1] - ends[0]) / 2e-6, along, atol=1e-7)


@pytest.mark.parametrize("kernel", [binary.solve_binary, binary_lanes.solve_binary_lanes])
def test_the_binary_kernels_agree_with_their_twin(kernel):
    p = np.random.default_rng(2).dirichlet(np.ones(40), size=20).reshape(20, 2, 2, 10)
    upper, lower = certified(kernel, p, 1e-11)
    expected = [_twin.binary_minimum_nats(np.moveaxis(one, 2, 0)) for one in p]
    np.testing.assert_allclose(upper, expected, atol=2e-11)
    np.testing.assert_allclose(lower, expected, atol=2e-11)


@pytest.mark.parametrize("kernel", [binary.solve_binary, binary_lanes.solve_binary_lanes])
def test_the_ends_of_a_root_that_was_not_looked_for_still_hold_the_minimum(kernel):
    """At so loose a tolerance no step is taken: the lower end rests on the dual point alone."""
    p = np.random.default_rng(6).dirichlet(np.full(40, 0.3), size=40).reshape(40, 2, 2, 10)
    upper, lower = certified(kernel, p, 100.0)
    expected = np.array([_twin.binary_minimum_nats(np.moveaxis(one, 2, 0)) for one in p])
    assert (lower <= expected + 1e-12).all()
    assert (expected - 1e-12 <= upper).all()
    assert np.median(upper - lower) > 1e-3
    assert np.median(upper - lower) < 0.5


@pytest.mark.parametrize(
    ("kernel", "shape"),
    [
        (binary.solve_binary, (2, 2, 5)),
        (binary_lanes.solve_binary_lanes, (2, 2, 5)),
        (general.solve_general, (3, 4, 5)),
    ],
)
def test_the_ends_are_what_the_twin_makes_of_the_dual_point(kernel, shape):
    """The dual point proves the lower end; p itself, which has its own margins, lies above both ends."""
    p = np.random.default_rng(3).dirichlet(np.ones(np.prod(shape)), size=20).reshape(20, *shape)
    (upper, lower), dual = np.empty((2, 20)), [np.empty_like(m) for m in margins(p)]
    Q = np.empty((20, shape[0] * shape[1]))
    kernel(*margins(p), 1e-7, upper, lower, *dual, Q)
    np.testing.assert_allclose(Q.sum(1), 1, atol=1e-3)
    for one, lam, mu, top, bottom in zip(np.moveaxis(p, 3, 1), *dual, upper, lower, strict=True):
        value, proven = _twin.ends_nats(one, one, lam, mu)
        assert proven == pytest.approx(bottom, abs=1e-7)
        assert proven - 1e-7 <= top <= value


def test_the_upper_end_is_the_value_of_a_table_with_exact_margins():
    """Also from an iterate whose Q e misses the margins by far."""
    p = np.random.default_rng(4).dirichlet(np.ones(60)).reshape(1, 3, 4, 5)
    work = allocate(3, 4, 5)
    work.given.p1[:], work.given.p2[:] = (m[0] for m in margins(p))
    start(work.given.p1, work.given.p2, work.iterate)
    work.iterate.Q[:] *= np.random.default_rng(5).uniform(0.5, 1.5, 12)
    q = work.iterate.Q.reshape(3, 4) * work.iterate.e
    upper, lower = certify(work.given, work.iterate, work.proof)
    assert np.abs(q.sum(2) - work.given.p1).max() > 1e-3
    np.testing.assert_allclose(work.proof.q.sum(2), work.given.p1, atol=1e-15)
    np.testing.assert_allclose(work.proof.q.sum(1), work.given.p2, atol=1e-15)
    expected = _twin.ends_nats(work.proof.q, work.proof.q, work.iterate.lam, work.iterate.mu)
    np.testing.assert_allclose((upper, lower), expected, atol=1e-12)


def test_the_minimum_of_and_lies_in_both_intervals():
    """y = x1 AND x2 of fair bits: R = I(Y;X1) = 0.3113 bits, so that min sum q ln(q/Q) = H(Y|X2) ln 2 negated."""
    p = np.zeros((1, 2, 2, 2))
    p[0, [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]] = 0.25
    for kernel in (binary.solve_binary, binary_lanes.solve_binary_lanes, general.solve_general):
        upper, lower = certified(kernel, p, 1e-7)
        expected = np.log(2) * (0.0 - (shannon.entropy(np.array([0.75, 0.25])) - 0.311278124459))
        assert lower[0] - 1e-9 <= expected <= upper[0] + 1e-9


@pytest.mark.parametrize("levels", [2, 3, 5])
def test_a_coarse_copy_has_nothing_unique(levels):
    rng = np.random.default_rng(levels)
    p_ay = rng.dirichlet(np.ones(levels * 4), size=20).reshape(20, levels, 4)
    channel = rng.dirichlet(np.ones(levels), size=(20, levels))
    atoms = i_broja(given_tables(np.einsum("pay,pab->paby", p_ay, channel)))
    assert (atoms.unique2 <= 1e-6 + 1e-12).all()
    assert (atoms.unique1 > 1e-4).all()


@pytest.mark.parametrize("shape", [(2, 2, 5), (4, 4, 10), (8, 3, 4)])
def test_counted_tables_of_few_samples_reach_the_tolerance(shape):
    rng = np.random.default_rng(3)
    base = rng.dirichlet(np.full(np.prod(shape), 0.3), size=200)
    p = np.stack([rng.multinomial(50, row) for row in base]).reshape(-1, *shape) / 50
    atoms = i_broja(given_tables(p))
    assert (atoms.gap <= 1e-6).all()


@pytest.mark.parametrize("alpha", [1.0, 0.05])
@pytest.mark.parametrize("shape", [(9, 12, 2), (40, 40, 3)])
def test_tables_of_many_levels_reach_the_tolerance(shape, alpha):
    """Reported with 40 levels: 88 s and a gap of inf."""
    p = np.random.default_rng(7).dirichlet(np.full(np.prod(shape), alpha)).reshape(1, *shape)
    assert (i_broja(given_tables(p)).gap <= 1e-6).all()


def test_tables_that_would_take_longer_than_minutes_are_refused_before_the_work():
    p = np.full((1, 100, 100, 20), 1 / 200_000)
    with pytest.raises(ValueError, match="100 x 100 levels and 20 classes would solve systems of 4,000 rows"):
        i_broja(given_tables(p))


@pytest.mark.parametrize("shape", [(2, 2, 3), (3, 2, 3), (4, 4, 2)])
def test_every_one_of_many_pairs_reaches_the_tolerance(shape):
    p = np.random.default_rng(9).dirichlet(np.ones(np.prod(shape)), size=3000).reshape(3000, *shape)
    assert (i_broja(given_tables(p)).gap <= 1e-6).all()


def test_tiny_probabilities_reach_the_tolerance():
    p = np.random.default_rng(4).dirichlet(np.full(36, 0.05), size=300).reshape(300, 3, 4, 3)
    assert (i_broja(given_tables(p)).gap <= 1e-6).all()


def test_a_pair_that_stops_short_is_flagged(monkeypatch):
    p = np.random.default_rng(5).dirichlet(np.ones(36), size=3).reshape(3, 3, 4, 3)
    with pytest.warns(RuntimeWarning, match=r"3 of 3 pairs did not reach the tolerance of 1e-300 bits"):
        atoms = i_broja(given_tables(p), tolerance=1e-300)
    assert (atoms.gap > 1e-300).all()


def test_an_unfinished_kernel_leaves_an_infinite_gap(monkeypatch):
    def unfinished(p1, p2, tolerance, upper, lower, lam, mu, Q):
        upper[:], lower[:] = np.inf, -np.inf

    monkeypatch.setattr(_attempts, "_kernels", lambda *shape: [unfinished])
    p = np.random.default_rng(5).dirichlet(np.ones(36), size=2).reshape(2, 3, 4, 3)
    with pytest.warns(RuntimeWarning, match="2 of 2 pairs"):
        assert np.isinf(i_broja(given_tables(p)).gap).all()


def test_left_out_cells_widen_the_gap():
    p = np.random.default_rng(6).dirichlet(np.ones(8)).reshape(1, 2, 2, 2)
    spread = np.concatenate([p, np.full((1, 1, 2, 2), 9e-16)], axis=1)
    assert i_broja(given_tables(spread)).gap[0] >= 4 * 9e-16 * np.log2(1 / (4 * 9e-16))


@pytest.mark.parametrize("tolerance", [0, -1e-6, float("nan")])
def test_a_tolerance_that_is_not_positive_is_refused(tolerance):
    with pytest.raises(ValueError, match="expected a positive number of bits"):
        i_broja(given_tables(np.full((1, 2, 2, 2), 0.125)), tolerance=tolerance)


def test_the_margins_are_sums_over_the_cells_that_count():
    p = np.random.default_rng(0).dirichlet(np.ones(24), 5).reshape(5, 2, 3, 4)
    p[:, 0, 0, 0] = optimum.NEGLIGIBLE / 2
    first, second, left_out = np.zeros((5, 4, 2)), np.zeros((5, 4, 3)), np.zeros(5)
    optimum._add_cells(p, first, second, left_out)
    np.testing.assert_array_equal(left_out, p[:, 0, 0, 0])
    p[:, 0, 0, 0] = 0
    np.testing.assert_allclose(first, p.sum(2).swapaxes(1, 2), atol=1e-15)
    np.testing.assert_allclose(second, p.sum(1).swapaxes(1, 2), atol=1e-15)
