"""A hand-made layer: unit 0 carries what unit 2 carries and more, unit 3 is constant, unit 4 is alone."""

from dataclasses import replace

import numpy as np
import pytest

from pidnet.maps import LayerMap
from pidnet.measures.atoms import Atoms
from pidnet.report._map_data import explore
from tests.report.test_encoding import unpack, unpack_logarithm

PAIRS = np.array([[0, 1], [0, 2], [0, 4], [1, 2], [1, 4], [2, 4]])
ROWS = np.array(
    [  # redundancy, unique1, unique2, synergy, gap, p
        [0.30, 0.20, 0.10, 0.00, 1e-6, 0.001],
        [0.25, 0.25, 0.00, 0.05, 0, 0.001],
        [0.05, 0.45, 0.05, 0.00, 0, 0.900],
        [0.10, 0.30, 0.15, 0.20, 0, 0.002],
        [0.02, 0.38, 0.08, 0.00, 0, 0.900],
        [0.01, 0.24, 0.09, 0.00, 0, 0.900],
    ]
)


@pytest.fixture
def layer_map():
    return LayerMap(
        "fc",
        np.arange(5),
        PAIRS,
        Atoms(*ROWS[:, :5].T),
        "i_min",
        500,
        np.array([0.5, 0.4, 0.25, 0.0, 0.1]),
        settings={"null": "units"},
        p_values={"redundancy": ROWS[:, 5]},
    )


def test_units_that_vary_and_their_atoms_in_order(layer_map):
    shown = explore(layer_map)
    assert shown["units"] == [0, 1, 2, 4]
    assert shown["unit_information"] == [0.5, 0.4, 0.25, 0.1]
    assert sorted(shown["similar"]) == shown["units"]
    assert sorted(shown["atoms"]) == ["redundancy", "synergy"]
    for column, name in ((0, "redundancy"), (3, "synergy")):
        np.testing.assert_allclose(unpack(shown["atoms"][name]), ROWS[:, column], atol=2.6e-4)
    np.testing.assert_allclose(unpack_logarithm(shown["gap"]), ROWS[:, 4], rtol=0.012)
    test = shown["tests"]["redundancy"]
    np.testing.assert_allclose(unpack_logarithm(test["p"]), ROWS[:, 5], rtol=0.012)
    assert unpack(test["significant"]).tolist() == [1, 1, 0, 1, 0, 0]


def test_unique_information_is_sent_where_it_does_not_follow(layer_map):
    other = replace(layer_map, atoms=replace(layer_map.atoms, unique1=layer_map.atoms.unique1 + 0.1))
    sent = explore(other)["atoms"]
    for column, name in ((1, "unique1"), (2, "unique2")):
        np.testing.assert_allclose(
            unpack(sent[name]), ROWS[:, column] + (0.1 if column == 1 else 0), atol=2.6e-4
        )


def test_intervals_are_sent_where_the_map_has_them(layer_map):
    ends = np.stack([ROWS[:, 0] - 0.1, ROWS[:, 0] + 0.2], 1)
    sent = explore(replace(layer_map, intervals={"redundancy": ends}))["intervals"]
    assert explore(layer_map)["intervals"] == {}
    assert list(sent) == ["redundancy"]
    np.testing.assert_allclose(np.stack([unpack(end) for end in sent["redundancy"]], 1), ends, atol=2.6e-4)


def test_pairs_in_another_order_give_the_same(layer_map):
    turned = np.array([5, 0, 3, 1, 4, 2])
    other = replace(
        layer_map,
        pairs=PAIRS[turned],
        atoms=layer_map.atoms[turned],
        p_values={"redundancy": layer_map.p_values["redundancy"][turned]},
    )
    assert explore(other) == explore(layer_map)


def test_partners_are_the_most_redundant_ones_beyond_chance(layer_map):
    partners = explore(layer_map)["partners"]
    assert [[row[0] for row in unit] for unit in partners] == [[1, 2], [0, 2], [0, 1], []]
    assert partners[0][0] == [1, 0.3, 0.5]


def test_who_can_replace_whom(layer_map):
    assert explore(layer_map)["replacers"] == [[], [], [[0, 0.0]], []]


def test_the_drawing_has_all_units_and_only_edges_beyond_chance(layer_map):
    drawing = explore(layer_map)["drawing"]
    assert len(drawing["x"]) == len(drawing["y"]) == 4
    assert sorted(tuple(sorted(edge[:2])) for edge in drawing["edges"]) == [(0, 1), (0, 2), (1, 2)]
    assert drawing["y"][3] < min(drawing["y"][:3])


def test_without_p_values_every_redundant_pair_counts(layer_map):
    shown = explore(replace(layer_map, p_values={}))
    assert shown["tests"] == {}
    assert len(shown["partners"][3]) == 3
