"""Biases over samples against many samples of a known table."""

import numpy as np
import pytest

from pidnet.measures import MEASURES
from pidnet.measures.ibroja import _twin
from pidnet.measures.ibroja._curvature import fill_traces
from pidnet.measures.ibroja.optimum import dual_point
from pidnet.measures.sampling_bias import difference_error, miller_madow_bias, shortfall
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
        np.testing.assert_allclose(found, miller_madow_bias(tables.p.sum(2), 500), atol=1e-4)


@pytest.mark.parametrize("levels", [(2, 2), (4, 4), (3, 5)])
def test_the_curvature_kernel_computes_what_its_twin_does(levels):
    p = np.random.default_rng(0).dirichlet(np.ones(levels[0] * levels[1] * 6), 5)
    p_PABY = p.reshape(5, *levels, 6)
    lam, mu = dual_point(p_PABY, 1e-6)
    e_PABY = np.exp(lam[:, :, None] + mu[:, None])
    p_PYAB, e_PYAB = (np.ascontiguousarray(np.moveaxis(x, 3, 1)) for x in (p_PABY, e_PABY))
    found = np.empty(5)
    fill_traces(p_PYAB, e_PYAB, found)
    expected = [_twin.curvature_trace(p, e) for p, e in zip(p_PYAB, e_PYAB, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


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
    found = difference_error(tables.p, 2000)
    assert found.mean() == pytest.approx((first - second).std(), rel=0.1)
