"""A wide layer on the page: means over tiles, and the nearest of each unit with their atoms."""

import numpy as np
import pytest

from pidnet.maps import LayerMap
from pidnet.measures.atoms import Atoms
from pidnet.report import _overview
from pidnet.report._overview import overview
from tests.report.test_encoding import unpack


@pytest.fixture
def layer_map():
    """Seven units, the fourth constant."""
    rng = np.random.default_rng(0)
    varying = np.array([0, 1, 2, 4, 5, 6])
    pairs = varying[np.stack(np.triu_indices(6, 1), 1)]
    atoms = Atoms(*rng.random((4, len(pairs))), gap=np.zeros(len(pairs)))
    return LayerMap("wide", np.arange(7), pairs, atoms, "i_min", 100, rng.random(7))


def test_tiles_are_means_of_their_pairs(layer_map, monkeypatch):
    monkeypatch.setattr(_overview, "TILES", 3)
    made = overview(layer_map)
    assert made["side"] == 2
    tiles = unpack(made["tiles"]["synergy"]).reshape(3, 3)
    groups = np.reshape(made["units"], (3, 2))
    matrix = layer_map.matrix("synergy")
    for i, down in enumerate(groups):
        for j, across in enumerate(groups):
            assert tiles[i, j] == pytest.approx(np.nanmean(matrix[np.ix_(down, across)]), abs=3e-4)


def test_the_nearest_of_each_unit_with_all_their_atoms(layer_map, monkeypatch):
    monkeypatch.setattr(_overview, "NEAREST", 3)
    made = overview(layer_map)
    for atom in ("redundancy", "synergy"):
        near = {
            name: unpack(part).reshape(6, 3)
            for name, part in made["nearest"][atom].items()
            if name != "count"
        }
        for k, unit in enumerate(made["units"]):
            row = layer_map.matrix(atom)[unit]
            expected = np.argsort(-np.nan_to_num(row, nan=-1))[:3].tolist()
            others = [made["units"][round(place)] for place in near["partner"][k]]
            assert others == expected
            for name, full in (
                ("redundancy",) * 2,
                ("own", "unique1"),
                ("other", "unique2"),
                ("synergy",) * 2,
            ):
                np.testing.assert_allclose(near[name][k], layer_map.matrix(full)[unit, others], atol=3e-4)


def test_who_shares_nothing_has_nobody(layer_map):
    layer_map.p_values["redundancy"] = np.ones(len(layer_map.pairs))
    assert (unpack(overview(layer_map)["nearest"]["redundancy"]["partner"]) == -1).all()
