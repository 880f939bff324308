import numpy as np
import pytest

import pidnet as pn
from pidnet.datasets.planted import FAMILIES


@pytest.mark.parametrize("family", FAMILIES)
def test_the_samples_follow_the_true_tables(family):
    layer = pn.datasets.planted_layer(family, 40_000, pairs=2, levels=3, classes=4, seed=1)
    counted = pn.pair_tables(pn.Codes.of({"l": layer.values}, layer.target), "l")
    np.testing.assert_array_equal(counted.pairs, layer.pairs)
    assert layer.p.sum((1, 2, 3)) == pytest.approx(1)
    assert np.abs(counted.p - layer.p).max() < 0.01
    assert layer.planted.tolist() == [True, False, False, False, False, True]


def test_each_family_is_what_its_name_says():
    atoms = {
        family: pn.decompose(layer.p[layer.planted], "i_broja")
        for family in FAMILIES
        for layer in [pn.datasets.planted_layer(family, 10, pairs=3)]
    }
    assert (atoms["unique"].unique1 > 0.1).all()
    assert (atoms["unique"].redundancy < 1e-6).all()
    assert (atoms["redundant"].redundancy > atoms["unique"].redundancy + 0.03).all()
    assert (atoms["synergistic"].synergy > 0.1).all()
    assert (atoms["independent"].total < 1e-6).all()


def test_a_seed_makes_a_layer_repeatable_and_an_unknown_family_is_refused():
    first, again = (pn.datasets.planted_layer("random", 50, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.values, again.values)
    with pytest.raises(ValueError, match="unknown family 'xor'; the known ones are random"):
        pn.datasets.planted_layer("xor", 50)
