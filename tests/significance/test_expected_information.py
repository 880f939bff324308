import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pidnet.codes.resampling import permute_sources
from pidnet.significance import _twins
from pidnet.significance.expected_information import mean_n_ln_n, shuffled_information
from pidnet.tables import shannon
from pidnet.tables.discrete import pair_tables
from tests.planted import planted_layer


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12_000), st.floats(0, 1), st.floats(0, 1))
def test_the_mean_of_a_cell_is_that_of_the_hypergeometric_law(samples, first, second):
    row, column = round(first * samples), round(second * samples)
    expected = _twins.mean_n_ln_n(row, column, samples)
    assert mean_n_ln_n(float(row), float(column), float(samples)) == pytest.approx(expected, abs=2e-4)


def test_it_is_what_many_shuffles_give_on_average():
    rng = np.random.default_rng(0)
    codes, _ = planted_layer("redundant", 200, rng, pairs=2, levels=3, classes=4)
    found = shuffled_information(pair_tables(codes, "layer"))
    drawn = []
    for _ in range(200):
        p = pair_tables(permute_sources(codes, rng), "layer").p
        first, second, both = p.sum(2), p.sum(1), shannon.entropy(p, (1, 2, 3))
        single = shannon.entropy(first, (1, 2)) + shannon.entropy(second, (1, 2))
        drawn.append(single - shannon.entropy(first.sum(1)) - both)
    np.testing.assert_allclose(found, np.mean(drawn, 0), atol=5 * np.std(drawn) / 200**0.5)
    assert (found > 0.02).all()
