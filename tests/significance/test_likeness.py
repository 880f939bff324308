import numpy as np
import pytest

from pidnet.significance import _twins
from pidnet.significance._likeness import distinct
from pidnet.significance.evidence import evidence_of_tables
from pidnet.tables import shannon
from pidnet.tables.discrete import PairTables


def told_apart(p, samples=1000, pairs=200):
    count = np.random.default_rng(0).multinomial(samples, p.ravel(), pairs).reshape(-1, *p.shape)
    tables = PairTables(np.zeros((pairs, 2), int), count / samples, samples)
    first, second, _ = shannon.source_informations(tables.p)
    return distinct(evidence_of_tables(tables), first - second)


def conjunction(levels=4, classes=10):
    a, b, y = np.ogrid[:levels, :levels, :classes]
    both = (a >= levels // 2) & (b >= levels // 2)
    p = (both == (y >= classes // 2)).astype(float)
    return p / p.sum(2, keepdims=True) / levels**2


def test_units_that_carry_the_same_are_rarely_told_apart():
    """By either test: 1 % and 5 % of the pairs."""
    found = told_apart(conjunction())
    assert (found > 0).mean() < 0.09
    assert found.mean() < 0.05


@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_a_degraded_copy_is_told_from_the_original(noise):
    channel = np.random.default_rng(0).dirichlet(np.full(4, 1.5), 10)
    blur = (1 - noise) * np.eye(4) + noise / 4
    found = told_apart(np.einsum("ya,ab->aby", channel / 10, blur), samples=3000)
    assert found.mean() > 0.9


def test_copies_are_alike_and_a_constant_unit_is_no_division_by_zero():
    same = np.zeros((4, 4, 2))
    same[np.arange(4), np.arange(4)] = 1 / 8
    assert (told_apart(same) == 0).all()
    one = np.zeros((2, 2, 2))
    one[0, 0] = 1 / 2
    assert (told_apart(one) == 0).all()


def test_it_rises_without_a_jump():
    from pidnet.significance._likeness import _clearly

    statistic = np.array([0.0, 1.0, 1.0001, 1.2, 3.0, 10.0])
    found = _clearly(statistic, np.ones(6))
    assert (np.diff(found) >= 0).all()
    assert found[2] < 0.03
    assert found[-1] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("levels", [2, 4])
def test_the_kernel_computes_what_its_twin_does(levels):
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.choice([0.3, 4], (50, 1, 1, 1)), (50, levels, levels, 5))
    counts[:, 0, 0, 0] += 1
    for count in counts:
        tables = PairTables(np.zeros((1, 2), int), count[None] / count.sum(), int(count.sum()))
        found, expected = evidence_of_tables(tables), _twins.homogeneity(count)
        assert found.statistic[0] == pytest.approx(expected[0], rel=1e-5, abs=1e-9)
        assert found.freedom[0] == expected[1]
