import numpy as np
import pytest

import pidnet as pn
from pidnet.graph import stable_communities


def codes_of(copied):
    """Two groups of three units: copies of two hidden bits, or noise."""
    rng = np.random.default_rng(0)
    hidden = rng.integers(2, size=(600, 2))
    weak = np.where(rng.random((600, 6)) < 0.25, hidden[:, :1], rng.integers(2, size=(600, 6)))
    return pn.Codes.of({"layer": hidden.repeat(3, 1) if copied else weak}, hidden @ [1, 2], 2)


def test_copies_come_back_in_every_draw():
    found = stable_communities(codes_of(True), "layer", "i_mmi", draws=3)
    assert [community.units for community in found] == [(0, 1, 2), (3, 4, 5)]
    assert all(community.stability == 1 and community.stable for community in found)


def test_groups_of_weak_units_do_not():
    found = stable_communities(codes_of(False), "layer", "i_mmi", draws=6)
    assert all(0 <= community.stability <= 1 for community in found)
    assert not all(community.stable for community in found)


def test_no_draws_are_refused():
    with pytest.raises(ValueError, match="draws=0"):
        stable_communities(codes_of(True), "layer", draws=0)
