"""I_BROJA in lanes: the same minima as one pair at a time, each pair its own, and nothing unproven."""

import numpy as np
import pytest

from pidnet.measures._kernels.lanes_memory import fits
from pidnet.measures.ibroja import (
    _attempts,
    _binary,
    _binary_lanes,
    _general as general,
    _lanes as lanes,
    _twin,
)

WIDTH = 1e-6 * np.log(2)
SHAPES = [(3, 2, 3), (4, 4, 10), (5, 3, 2)]


def margins(p):
    return [np.ascontiguousarray(p.sum(axis).swapaxes(1, 2)) for axis in (2, 1)]


def certified(kernel, p, tolerance=WIDTH, **options):
    ends = np.full((2, len(p)), np.nan)
    found = [*ends, *map(np.empty_like, margins(p)), np.empty((len(p), p.shape[1] * p.shape[2]))]
    kernel(*margins(p), tolerance, *found, **options)
    return found


def some_tables(shape, pairs, seed=0):
    """Full and sparse tables in turn, so that lanes finish at different times."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(np.prod(shape)), pairs).reshape(pairs, *shape)
    p[::2] *= rng.random((len(p[::2]), *shape)) < 0.4
    p[:, 0, 0, 0] += 1e-2
    return p / p.sum((1, 2, 3), keepdims=True)


@pytest.mark.parametrize("algebra", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_intervals_hold_those_of_one_pair_at_a_time(shape, algebra):
    p = some_tables(shape, 60)
    upper, lower, *_ = certified(lanes.solve_lanes, p, algebra=algebra)
    other_upper, other_lower, *_ = certified(general.solve_general, p, 1e-9)
    assert np.mean(upper - lower <= WIDTH) > 0.9
    assert (lower <= other_upper).all()
    assert (other_lower <= upper).all()


def test_the_binary_intervals_hold_those_of_one_pair_at_a_time():
    """Full tables, sparse ones, those whose margins leave no freedom, and units that never take a level."""
    p = some_tables((2, 2, 6), 400)
    p[::5] *= np.random.default_rng(1).random((80, 2, 2, 6)) < 0.3
    p[::7, 1] = 0
    p[:, 0, 0, 0] += 1e-2
    p /= p.sum((1, 2, 3), keepdims=True)
    upper, lower, *dual = certified(_binary_lanes.solve_binary_lanes, p)
    other_upper, other_lower, *other_dual = certified(_binary.solve_binary, p)
    proven = np.isfinite(upper)
    assert proven.mean() > 0.99
    assert (upper - lower)[proven].max() <= WIDTH
    np.testing.assert_allclose(upper[proven], other_upper[proven], atol=1e-9)
    np.testing.assert_allclose(lower[proven], other_lower[proven], atol=WIDTH)
    for found, known in zip(dual, other_dual, strict=True):
        np.testing.assert_allclose(found[proven], known[proven], atol=1e-6)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 23])
@pytest.mark.parametrize(
    ("kernel", "shape"), [(lanes.solve_lanes, (3, 3, 4)), (_binary_lanes.solve_binary_lanes, (2, 2, 4))]
)
def test_every_pair_gets_its_own_answer(kernel, shape, count):
    """However many lanes stay empty, and whichever pair leaves first."""
    p = some_tables(shape, count, seed=count)
    together = certified(kernel, p)
    alone = [certified(kernel, one[None]) for one in p]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        np.testing.assert_allclose(whole, np.concatenate(parts), rtol=1e-9, atol=1e-12)


def test_the_dual_point_proves_the_lower_end():
    p = some_tables((4, 3, 5), 24)
    upper, lower, lam, mu, _ = certified(lanes.solve_lanes, p)
    lam, mu = (np.where(m > 0, x, -1e3) for m, x in zip(margins(p), (lam, mu), strict=True))
    proven = np.flatnonzero(np.isfinite(lower))
    assert len(proven) > 20
    for k in proven:
        table = np.moveaxis(p[k], 2, 0)
        value, dual = _twin.ends_nats(table, table, lam[k], mu[k])
        assert dual == pytest.approx(lower[k], abs=1e-8)
        assert dual - 1e-8 <= upper[k] <= value + 1e-12


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.5, 1e-310])
@pytest.mark.parametrize(
    ("kernel", "shape"), [(lanes.solve_lanes, (3, 3, 4)), (_binary_lanes.solve_binary_lanes, (2, 2, 4))]
)
def test_a_margin_that_is_no_probability_has_no_proof_and_spoils_no_other_pair(kernel, shape, bad):
    p = some_tables(shape, 16)
    p1, p2 = margins(p)
    expected = certified(kernel, p)
    p1[5, 1, 1] = bad
    found = [np.empty(16), np.empty(16), np.empty_like(p1), np.empty_like(p2)]
    found.append(np.empty((16, shape[0] * shape[1])))
    kernel(p1, p2, WIDTH, *found)
    assert found[0][5] == np.inf
    assert found[1][5] == -np.inf
    others = np.arange(16) != 5
    for values, known in zip(found, expected, strict=True):
        np.testing.assert_allclose(values[others], known[others], rtol=1e-9, atol=1e-12)


def test_what_the_lanes_leave_open_goes_to_the_next_kernel(monkeypatch):
    """Many tables of five samples, and lanes that leave too early: some need float64, a few more than that; all reach
    the gap."""
    monkeypatch.setitem(lanes.TRUST, np.float32, 50.0)
    rng = np.random.default_rng(1)
    base = rng.dirichlet(np.full(32, 0.3), size=800)
    p = np.stack([rng.multinomial(5, row) for row in base]).reshape(-1, 4, 4, 2) / 5
    first = certified(lanes.solve_lanes, p)
    found = _attempts.find_minima(*margins(p), WIDTH)
    assert (first[0] - first[1] > WIDTH).any()
    assert (found.upper - found.lower <= WIDTH).all()


def test_a_later_kernel_replaces_only_what_it_narrows(monkeypatch):
    def kernel(upper, lower):
        def solve(p1, p2, tolerance, *found):
            found[0][:], found[1][:], found[2][:] = upper, lower, upper

        return solve

    p1 = np.zeros((1, 2, 3))
    for ends, kept in (((1.0, 0.5), 1.0), ((3.0, 0.0), 2.0), ((np.nan, 0.0), 2.0)):
        monkeypatch.setattr(_attempts, "_kernels", lambda *shape, e=ends: [kernel(2.0, 1.0), kernel(*e)])
        found = _attempts.find_minima(p1, p1, 1e-6)
        assert (found.upper[0], found.lam[0, 0, 0]) == (kept, kept)


def test_large_tables_go_to_the_general_kernel():
    assert fits(16, 16, 100)
    assert not fits(64, 64, 10)
