import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pidnet.codes.resampling import permute_sources
from pidnet.significance import _twins, expected_information
from pidnet.significance.expected_information import shuffled_information
from pidnet.tables import shannon
from pidnet.tables.discrete import PairTables, pair_tables
from tests.kernels import alone
from tests.planted import planted_layer

mean_n_ln_n = alone(expected_information.mean_n_ln_n)


@settings(max_examples=60)
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


@pytest.mark.parametrize("memory", [2**27, 2**14, 0])
@pytest.mark.parametrize("sizes", [(1, 30, 63), (0, 700), (64, 5000, 20_000)])
def test_remembered_terms_are_the_terms(monkeypatch, memory, sizes):
    """Of classes of any size, also where the memory holds some classes only, or none."""
    monkeypatch.setattr(expected_information, "REMEMBERED_BYTES", memory)
    rng = np.random.default_rng(sum(sizes))
    p = np.stack([rng.multinomial(n, rng.dirichlet(np.full(9, 0.3)), size=6) for n in sizes], -1)
    tables = PairTables(
        np.zeros((12, 2), int), np.tile(p, (2, 1, 1)).reshape(12, 3, 3, -1) / sum(sizes), sum(sizes)
    )
    rows, columns = (np.rint(tables.p.sum(axis) * sum(sizes)) for axis in (2, 1))
    expected = np.zeros(12)
    for pair, (row_AY, column_BY) in enumerate(zip(rows, columns, strict=True)):
        for row, column, size in zip(row_AY.T, column_BY.T, sizes, strict=True):
            if size:
                expected[pair] += sum(mean_n_ln_n(r, c, float(size)) for r in row for c in column)
                expected[pair] += size * np.log(size) - sum(x * np.log(max(x, 1)) for x in (*row, *column))
    found = shuffled_information(tables) * sum(sizes) * np.log(2)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_the_memory_holds_each_pair_of_small_counts_once():
    sizes = np.array([10.0, 200.0])
    places, terms = expected_information._memory_of_terms(sizes)
    found = [
        places[y, r] + c
        for y, size in enumerate((10, 200))
        for r in range(1, size + 1)
        for c in range(r, size + 1)
        if r * c <= expected_information.MANY * size
    ]
    assert sorted(found) == list(range(len(terms)))
