"""Biases over samples against many samples of a known table."""

import numpy as np
import pytest

from pidnet.measures import MEASURES
from pidnet.measures._kernels import twins
from pidnet.measures.ibroja import _attempts, _twin
from pidnet.measures.ibroja._curvature import fill_traces
from pidnet.measures.ibroja._general import solve_general
from pidnet.measures.ibroja.optimum import solved
from pidnet.measures.sampling_bias import (
    _fill_moments,
    cells_that_count,
    difference_error,
    information_bias,
    miller_madow_bias,
    shortfall,
)
from pidnet.tables import shannon
from pidnet.tables.discrete import PairTables

CLOSED = [name for name, measure in MEASURES.items() if measure.bias]


def informed(levels, classes, seed=0):
    rng = np.random.default_rng(seed)
    first, second = rng.dirichlet(np.ones(levels), (2, classes))
    return np.einsum("ya,yb->aby", first, second) / classes


def sampled(p, samples, pairs, seed=0):
    count = np.random.default_rng(seed).multinomial(samples, p.ravel(), pairs).reshape(-1, *p.shape)
    return PairTables(np.zeros((pairs, 2), int), count / samples, samples)


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize(("levels", "samples"), [(2, 300), (4, 1000)])
def test_the_bias_of_the_redundancy_is_what_samples_add(name, levels, samples):
    """On average over tables: near the kink of a minimum a single one can be off by a third of its scatter."""
    measure, added, left = MEASURES[name], [], []
    for seed in range(12):
        p = informed(levels, 4, seed)
        tables = sampled(p, samples, 50, seed)
        added.append(
            measure(tables).redundancy - measure(PairTables(np.zeros((1, 2), int), p[None])).redundancy
        )
        left.append(added[-1] - measure.bias(tables))
    assert abs(np.mean(left)) < 0.003
    assert abs(np.mean(left)) < 0.6 * abs(np.mean(added))
    assert np.std(left) < 1.1 * np.std(added)


def test_the_bias_of_copies_is_that_of_their_information():
    channel = np.random.default_rng(0).dirichlet(np.ones(4), 5)
    tables = sampled(np.eye(4)[:, :, None] * channel.T[:, None] / 5, 500, 20)
    for name in CLOSED:
        found = MEASURES[name].bias(tables)
        np.testing.assert_allclose(found, information_bias(tables.p.sum(2), 500), rtol=0.05)


def by_class(p_PABY):
    return np.ascontiguousarray(np.moveaxis(p_PABY, 3, 1))


@pytest.mark.parametrize("levels", [(2, 2), (4, 4), (3, 5)])
def test_the_curvature_kernel_computes_what_its_twin_does(levels):
    p_PABY = np.random.default_rng(0).dirichlet(np.ones(levels[0] * levels[1] * 6), 5).reshape(5, *levels, 6)
    e1_PAY, e2_PBY, Q_PAB = solved(PairTables(np.full((5, 2), -1), p_PABY), 1e-6)[1]
    e_PABY = e1_PAY[:, :, None] * e2_PBY[:, None]
    p_PYAB, e_PYAB = by_class(p_PABY), by_class(0.99 * e_PABY)  # inside: the twin divides by the slack
    found = np.empty(5)
    fill_traces(p_PABY, 0.99 * e1_PAY, e2_PBY, Q_PAB, found)
    expected = [_twin.curvature_trace(*one) for one in zip(p_PYAB, e_PYAB, Q_PAB, strict=True)]
    np.testing.assert_allclose(found, expected, atol=0.011)  # V is linear in the mass at the optimum only


@pytest.mark.parametrize("shape", [(2, 2, 3), (4, 4, 10), (3, 5, 4)])
def test_the_point_of_the_fast_kernels_bends_as_the_central_path_does(shape, monkeypatch):
    """Of counted tables, which have empty cells and levels."""
    p = informed(max(shape[:2]), shape[2])[: shape[0], : shape[1]]
    tables = sampled(p / p.sum(), 300, 40)
    found = MEASURES["i_broja"].bias(tables)
    monkeypatch.setattr(_attempts, "_kernels", lambda *levels: [solve_general])
    np.testing.assert_allclose(found, MEASURES["i_broja"].bias(tables, tolerance=1e-9), atol=1e-3)


def test_an_option_of_the_measure_reaches_its_bias():
    from functools import partial

    from pidnet.measures import find_measure, i_broja

    measure = find_measure(partial(i_broja, tolerance=1e-4))
    assert measure.bias.keywords == {"tolerance": 1e-4}


@pytest.mark.parametrize("difference", [0.0, 0.5, 2.0])
def test_the_smaller_of_two_estimates_falls_short(difference):
    noise = difference + np.random.default_rng(0).normal(size=200_000)
    expected = min(0, difference) - np.minimum(noise, 0).mean()
    assert shortfall(np.array([difference]), np.ones(1))[0] == pytest.approx(expected, abs=0.01)


def test_no_scatter_no_shortfall():
    assert shortfall(np.zeros(1), np.zeros(1)) == 0


def test_the_error_of_a_difference_of_informations_is_that_of_many_samples():
    tables = sampled(informed(3, 4), 2000, 400)
    first, second, _ = shannon.source_informations(tables.p)
    found = difference_error(tables)
    assert found.mean() == pytest.approx((first - second).std(), rel=0.1)


def test_the_kernel_of_moments_computes_what_its_twin_does():
    rng = np.random.default_rng(0)
    p, value1, value2 = rng.random((5, 3, 4, 6)), rng.normal(size=(5, 3, 6)), rng.normal(size=(5, 4, 6))
    found = np.zeros((2, 5, 6))
    _fill_moments(p, value1, value2, *found)
    expected = [twins.difference_moments(*one) for one in zip(p, value1, value2, strict=True)]
    np.testing.assert_allclose(found, np.stack(expected, 1), atol=1e-12)


def unit_tables(kind, samples, units=400, levels=4, classes=10):
    """The true table of a unit, and counted ones."""
    rng = np.random.default_rng(2)
    channel = rng.dirichlet(np.full(levels, 0.4), classes)
    p = {"sparse": channel.T, "noise": np.ones((levels, classes)), "sure": np.eye(classes)[:levels]}[kind]
    p = p / p.sum()
    count = np.random.default_rng(3).multinomial(samples, p.ravel(), units).reshape(-1, levels, classes)
    return p, count / samples


@pytest.mark.parametrize("kind", ["sparse", "noise", "sure"])
def test_the_bias_of_a_unit_is_what_few_samples_add(kind):
    p, counted = unit_tables(kind, 200)
    added = shannon.mutual_information(counted) - shannon.mutual_information(p)
    left, by_miller = added - information_bias(counted, 200), added - miller_madow_bias(counted, 200)
    assert abs(left.mean()) < 0.006
    assert abs(left.mean()) <= abs(by_miller.mean()) + 0.001
    assert left.std() < 1.1 * by_miller.std()


@pytest.mark.parametrize("kind", ["sparse", "noise", "sure"])
@pytest.mark.parametrize("samples", [60, 200, 5000])
def test_the_kernel_of_cells_computes_what_its_twin_does(kind, samples):
    counted = unit_tables(kind, samples, units=6)[1]
    expected = [twins.cells_that_count(np.rint(p * samples)) for p in counted]
    np.testing.assert_allclose(cells_that_count(counted, samples), expected, rtol=1e-3, atol=1e-4)


def test_full_cells_count_as_one_each():
    _, counted = unit_tables("noise", 200_000, units=3)
    np.testing.assert_allclose(cells_that_count(counted, 200_000), 4, rtol=1e-3)
    np.testing.assert_allclose(
        information_bias(counted, 200_000), miller_madow_bias(counted, 200_000), rtol=1e-3
    )
