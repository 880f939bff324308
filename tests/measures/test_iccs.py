"""I_ccs: the fitted table, the signs, and dit's PID_CCS."""

from io import StringIO

import numpy as np
import pytest
from hypothesis import given, settings

from peers import dit_distribution, random_table
from pidnet.measures import decompose, iccs
from pidnet.measures._kernels import (
    common_surprisal,
    lanes_memory,
    margins,
    maximum_entropy,
    surprisal_lanes,
    twins,
)
from pidnet.measures.dit import decompose_dit
from pidnet.measures.iccs import i_ccs, i_ccs_derivative
from pidnet.tables.discrete import PairTables
from tests.kernels import alone
from tests.strategies import tables

few = settings(max_examples=25)
sign, fill_margins = alone(common_surprisal.sign), alone(margins.fill_margins)
allocate_fit, fit_margins = alone(maximum_entropy.allocate_fit), alone(maximum_entropy.fit_margins)
open_cells, scale_margins = alone(maximum_entropy.open_cells), alone(maximum_entropy.scale_margins)
propose_exponents = alone(maximum_entropy.propose_exponents)
take_if_better = alone(maximum_entropy.take_if_better)


def given_tables(p, samples=0):
    return PairTables(np.full((len(p), 2), -1), p, samples)


def fitted(p):
    """The maximum-entropy table (x1, x2, y) of one table."""
    fit = allocate_fit(*p.shape)
    fill_margins(np.ascontiguousarray(np.moveaxis(p, 2, 0)), fit.given)
    open_cells(fit.given, fit.q)
    moved = fit_margins(fit, 1e-10)
    assert moved <= 1e-10
    return np.moveaxis(fit.q, 0, 2)


@few
@given(p=tables(max_levels=4, max_classes=4, pairs=1))
def test_all_three_margins_are_kept(p):
    q = fitted(p[0])
    for axis in range(3):
        np.testing.assert_allclose(q.sum(axis), p[0].sum(axis), atol=1e-9)


@few
@given(p=tables(max_levels=3, max_classes=3, pairs=1, sparse=False))
def test_the_fitted_table_has_no_three_way_interaction(p):
    """ln q is a sum of functions of two variables exactly when every 2 x 2 x 2 contrast vanishes."""
    log_q = np.log(fitted(p[0]))
    contrast = np.diff(np.diff(np.diff(log_q, axis=0), axis=1), axis=2)
    q = np.exp(log_q).min()
    assert np.abs(contrast).max() <= 1e-8 / q


def test_margins_that_force_further_zeros():
    """x1 = x2 on y = 0 alone: the margins leave cells open that only q = 0 can fill."""
    p = np.zeros((2, 2, 2))
    p[0, 0, 0], p[1, 1, 0], p[0, 1, 1], p[1, 0, 1] = 0.3, 0.2, 0.1, 0.4
    p[0, 0, 1] = 0.0
    np.testing.assert_allclose(fitted(p / p.sum()).sum(2), (p / p.sum()).sum(2), atol=1e-10)
    sparse = np.array([[[0.2, 0.1], [0.0, 0.3]], [[0.1, 0.0], [0.3, 0.0]]])
    q = fitted(sparse)
    np.testing.assert_allclose(q, sparse, atol=1e-9)  # the only table with these margins
    assert decompose(sparse, measure="i_ccs").gap[0] <= 1e-8


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 2, 4), (4, 4, 2), (3, 3, 3)])
@pytest.mark.parametrize("zeros", [0.0, 0.4])
def test_agrees_with_dit(shape, zeros):
    rng = np.random.default_rng(sum(shape) + int(10 * zeros))
    for _ in range(2):
        p = random_table(rng, shape, zeros)
        expected = decompose_dit(dit_distribution(p), measure="PID_CCS").two_sources
        found = decompose(p, measure="i_ccs")
        # on sparse tables dit's own optimizer differs from run to run, by 7e-6 once
        np.testing.assert_allclose(found.redundancy, expected.redundancy, atol=1e-8 if not zeros else 1e-4)


@few
@given(p=tables(max_levels=4, max_classes=4, pairs=2, sparse=False))
def test_the_kernels_agree_with_their_twins(p):
    """Dirichlet tables: a positive cell may be small, where proportional fitting needs many rounds."""
    p = 0.8 * p + 0.2 / p[0].size
    found, gap = one_by_one(p)
    assert (gap <= 1e-8).all()
    jumps = i_ccs_derivative(given_tables(p, 500)).jumps
    for one, redundancy, jump in zip(np.moveaxis(p, 3, 1), found, jumps, strict=True):
        np.testing.assert_allclose(
            np.moveaxis(fitted(np.moveaxis(one, 0, 2)), 2, 0), twins.maximum_entropy(one), atol=1e-9
        )
        assert redundancy == pytest.approx(twins.common_surprisal(one), abs=1e-7)
        assert jump == pytest.approx(twins.variance_of_jumps(one, 500), rel=1e-5, abs=1e-12)


def one_by_one(p, kernel=common_surprisal.solve_pairs, tolerance=1e-8):
    """Redundancy and gap by one kernel alone, each (pair,)."""
    found = np.full((2, len(p)), np.nan)
    kernel(np.ascontiguousarray(np.moveaxis(p, 3, 1)), tolerance, *found)
    return found


def in_lanes(p, tolerance=1e-8):
    return one_by_one(p, surprisal_lanes.solve_surprisals, tolerance)


@few
@given(p=tables(max_levels=4, max_classes=4, pairs=11, sparse=False))
def test_the_kernel_in_lanes_agrees_with_its_twin(p):
    """Eleven tables: eight lanes, and some that repeat the last one."""
    p = 0.8 * p + 0.2 / p[0].size
    found, gap = in_lanes(p)
    assert (gap <= 1e-8).all()
    expected = [twins.common_surprisal(one) for one in np.moveaxis(p, 3, 1)]
    np.testing.assert_allclose(found, expected, atol=1e-7)


@few
@given(p=tables(max_levels=4, max_classes=4, pairs=9))
def test_what_lanes_call_fitted_is_what_the_other_kernel_finds(p):
    """Sparse tables as well, where margins may force cells: both then say how far they are off."""
    found, gap = in_lanes(p)
    expected, other = one_by_one(p)
    fitted = gap <= 1e-8
    np.testing.assert_allclose(found[fitted], expected[fitted], atol=2e-8)
    assert (other <= 1e-8).sum() >= fitted.sum()


def test_a_lane_does_not_change_its_neighbors():
    """One pair among seven that margins force, which need many more rounds."""
    rng = np.random.default_rng(2)
    p = rng.dirichlet(np.full(36, 0.05), 8).reshape(8, 3, 4, 3)
    p[3] = rng.dirichlet(np.ones(36)).reshape(3, 4, 3)
    np.testing.assert_array_equal(in_lanes(p)[:, 3], in_lanes(p[3:4])[:, 0])


def test_pairs_that_lanes_leave_go_to_the_other_kernel(monkeypatch):
    """Two of three, of which a layer has other pairs beside."""
    p = np.random.default_rng(5).dirichlet(np.ones(36), size=3).reshape(3, 3, 4, 3)
    expected = i_ccs(given_tables(p)).redundancy

    def leaves(p, tolerance, redundancy, gap):
        surprisal_lanes.solve_surprisals(p, tolerance, redundancy, gap)
        redundancy[1:], gap[1:] = 7.0, np.nan

    monkeypatch.setattr(iccs, "solve_surprisals", leaves)
    found = i_ccs(given_tables(p))
    np.testing.assert_allclose(found.redundancy, expected, atol=1e-8)
    assert (found.gap <= 1e-8).all()


def test_tables_too_large_for_lanes_are_solved(monkeypatch):
    p = np.random.default_rng(5).dirichlet(np.ones(36), size=3).reshape(3, 3, 4, 3)
    expected = i_ccs(given_tables(p)).redundancy
    monkeypatch.setattr(lanes_memory, "MOST_BYTES", 0)
    monkeypatch.setattr(iccs, "solve_surprisals", None)
    np.testing.assert_allclose(i_ccs(given_tables(p)).redundancy, expected, atol=1e-8)


def test_atoms_may_be_negative():
    p = np.random.default_rng(0).dirichlet(np.ones(8), size=50).reshape(50, 2, 2, 2)
    atoms = decompose(p, measure="i_ccs")
    assert (atoms.unique1 < -1e-3).any()


def test_terms_near_zero_have_no_sign():
    assert [sign(x) for x in (1e-9, -1e-9, 1e-7, -1e-7)] == [0.0, 0.0, 1.0, -1.0]


def test_independent_sources_and_target_share_nothing():
    p = np.einsum("a,b,y->aby", [0.3, 0.7], [0.2, 0.5, 0.3], [0.6, 0.4])
    assert decompose(p, measure="i_ccs").redundancy[0] == 0.0


def test_counted_tables_of_few_samples_reach_the_tolerance():
    rng = np.random.default_rng(3)
    base = rng.dirichlet(np.full(160, 0.3), size=200)
    p = np.stack([rng.multinomial(30, row) for row in base]).reshape(-1, 4, 4, 10) / 30
    assert (i_ccs(given_tables(p)).gap <= 1e-8).all()


# Counts of two units of a real layer, (x1 and x2, y). The margins force cells of the fitted table, and one of its
# i12 is all but 0: its sign hangs on what the fit still misses.
NEAR_ZERO = """
0 0 0 0 8 0 0 0 0 0
0 0 0 0 3 0 0 0 0 0
0 0 1 0 2 0 0 0 0 0
0 0 0 0 3 0 0 0 0 0
0 33 2 0 5 1 31 33 1 0
0 2 0 0 7 0 4 5 0 1
0 0 2 0 13 1 1 4 0 3
0 0 0 0 8 0 0 0 0 0
0 1 29 2 0 15 10 10 24 5
0 0 5 1 0 3 3 3 4 0
0 2 2 2 0 1 0 0 3 3
19 2 0 0 0 0 0 0 0 4
0 0 11 39 0 12 0 0 18 4
0 0 0 4 0 9 0 0 3 8
0 0 1 2 0 6 0 0 0 23
28 0 1 0 0 1 0 0 0 3
"""


def test_a_term_that_is_all_but_0_is_fitted_until_its_sign_is_known():
    counts = np.loadtxt(StringIO(NEAR_ZERO)).reshape(1, 4, 4, 10)
    p = counts / counts.sum()
    found = i_ccs(given_tables(p))
    assert found.gap[0] <= 1e-8
    assert found.redundancy[0] == pytest.approx(
        i_ccs(given_tables(p), tolerance=1e-10).redundancy[0], abs=1e-8
    )


def test_a_newton_step_at_the_answer_moves_nothing():
    p = np.random.default_rng(8).dirichlet(np.ones(36)).reshape(3, 4, 3)
    fit = allocate_fit(3, 4, 3)
    fill_margins(np.ascontiguousarray(np.moveaxis(p, 2, 0)), fit.given)
    open_cells(fit.given, fit.q)
    fit_margins(fit, 1e-12)
    assert propose_exponents(fit)[1] <= 1e-12


def some_fit():
    fit = allocate_fit(3, 4, 3)
    p = np.random.default_rng(8).dirichlet(np.ones(36)).reshape(3, 3, 4)
    fill_margins(p, fit.given)
    open_cells(fit.given, fit.q)
    return fit


def test_scaling_makes_the_last_margin_exact():
    fit = some_fit()
    scale_margins(fit.given, fit.q, fit.system.margin12, fit.scale12)
    np.testing.assert_allclose(fit.q.sum(0).ravel(), fit.given.of_12, rtol=1e-14)


def test_a_step_that_makes_the_table_worse_is_not_taken():
    fit = some_fit()
    fit_margins(fit, 1e-12)
    before = fit.q.copy()
    fit.step.of_1[:] += 1.0
    take_if_better(fit.given, fit.step, 1.0, fit.growth, fit.q, fit.proposal)
    assert np.array_equal(fit.q, before)


def test_a_pair_that_stops_short_is_flagged(monkeypatch):
    p = np.random.default_rng(5).dirichlet(np.ones(36), size=3).reshape(3, 3, 4, 3)
    with pytest.warns(RuntimeWarning, match="3 of 3 pairs did not reach the tolerance of 1e-300 bits"):
        assert (i_ccs(given_tables(p), tolerance=1e-300).gap > 0).all()


def test_a_failed_fit_leaves_an_infinite_gap(monkeypatch):
    def failed(p, tolerance, redundancy, gap):
        redundancy[:], gap[:] = 0.0, np.nan

    monkeypatch.setattr(iccs, "solve_surprisals", failed)
    monkeypatch.setattr(iccs, "solve_pairs", failed)
    with pytest.warns(RuntimeWarning, match="1 of 1 pairs"):
        assert np.isinf(i_ccs(given_tables(np.full((1, 2, 2, 2), 0.125))).gap).all()


@pytest.mark.parametrize("tolerance", [0, float("nan")])
def test_a_tolerance_that_is_not_positive_is_refused(tolerance):
    with pytest.raises(ValueError, match="expected a positive number of bits"):
        i_ccs(given_tables(np.full((1, 2, 2, 2), 0.125)), tolerance=tolerance)
