"""The derivative of every redundancy against differences of the redundancy itself."""

from functools import partial

import numpy as np
import pytest

from pidnet.measures import MEASURES, i_broja
from pidnet.tables.discrete import PairTables

STEP = 1e-4


def given_tables(p, samples=0):
    return PairTables(np.full((len(p), 2), -1), p, samples)


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("shape", [(2, 2, 3), (3, 2, 4), (2, 4, 3), (3, 3, 5)])
@pytest.mark.filterwarnings("ignore:i_broja.*tolerance")
def test_derivatives_are_right(name, shape):
    rng = np.random.default_rng(0)
    p, other = rng.dirichlet(np.ones(np.prod(shape)), size=(2, 20)).reshape(2, 20, *shape)
    derivative, move = MEASURES[name].derivative(given_tables(p)), other - p
    measure = partial(i_broja, tolerance=1e-11) if name == "i_broja" else MEASURES[name]
    ends = [measure(given_tables(p + step * move)).redundancy for step in (STEP, -STEP)]
    expected = (ends[0] - ends[1]) / (2 * STEP)
    found = (move.sum(2) * derivative.first).sum((1, 2)) + (move.sum(1) * derivative.second).sum((1, 2))
    if derivative.both is not None:
        found += (move.sum(3) * derivative.both).sum((1, 2))
    error = np.abs(found - expected)
    assert np.median(error) < 1e-5
    # A step may cross a kink in few of the tables.
    assert (error < 1e-3).mean() >= 0.9
    assert np.abs(expected).mean() > 0.03


def test_a_level_that_is_not_taken_changes_nothing():
    p = np.random.default_rng(0).dirichlet(np.ones(12), size=5).reshape(5, 2, 2, 3)
    wider = np.concatenate([p, np.zeros((5, 1, 2, 3))], 1)
    for measure in MEASURES.values():
        narrow, wide = measure.derivative(given_tables(p)), measure.derivative(given_tables(wider))
        totals = [
            (part.first[:, :2, None] + part.second[:, None])
            + (0 if part.both is None else part.both[:, :2, :, None])
            for part in (narrow, wide)
        ]
        centered = [total - (total * p).sum((1, 2, 3), keepdims=True) for total in totals]
        np.testing.assert_allclose(*centered, atol=2e-3, err_msg=measure.name)


def test_only_i_ccs_jumps_and_the_less_the_more_samples():
    p = np.random.default_rng(0).dirichlet(np.ones(36), size=20).reshape(20, 3, 3, 4)
    for name, measure in MEASURES.items():
        few, many = (measure.derivative(given_tables(p, samples)).jumps for samples in (1000, 100_000))
        if name == "i_ccs":
            assert many.mean() < few.mean() / 5
            assert (few >= 0).all()
        else:
            assert few is None
