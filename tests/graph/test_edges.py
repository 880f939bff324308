from dataclasses import replace

import numpy as np
import pytest

import pidnet as pn


def test_edges_carry_the_atoms(layer_map):
    graph = pn.redundancy_graph(layer_map)
    assert graph.graph == {"layer": "fc1", "measure": "i_min", "tested": 0}
    assert dict(graph.nodes(data="unit_information")) == {0: 0.6, 1: 0.5, 2: 0.0}
    assert set(graph.edges) == {(0, 1), (1, 2)}
    assert graph.edges[0, 1] == {"redundancy": 0.5, "synergy": 0.4, "weight": 0.5}
    assert graph.edges[1, 2]["weight"] == 0


def test_light_edges_can_be_left_out(layer_map):
    assert set(pn.redundancy_graph(layer_map, minimum_weight=0.1).edges) == {(0, 1)}
    with pytest.raises(ValueError, match="minimum_weight=2"):
        pn.redundancy_graph(layer_map, minimum_weight=2)


def test_only_significant_edges_where_there_are_p_values(layer_map):
    tested = replace(layer_map, p_values={"redundancy": np.array([0.2, 0.9, 0.001])})
    graph = pn.redundancy_graph(tested)
    assert graph.graph["tested"] == 3
    assert set(graph.edges) == {(1, 2)}
    assert graph.edges[1, 2]["p_redundancy"] == 0.001
    assert graph.edges[1, 2]["q_redundancy"] == pytest.approx(0.003)
    assert pn.redundancy_graph(tested, alpha=0.5).edges[0, 1]["q_redundancy"] == pytest.approx(0.3)
    assert set(pn.redundancy_graph(tested, alpha=0.5).edges) == {(0, 1), (1, 2)}
    assert len(pn.redundancy_graph(tested, alpha=None).edges) == 2
    with pytest.raises(ValueError, match="=2"):
        pn.redundancy_graph(tested, alpha=2)


def test_edges_point_to_who_can_replace(layer_map):
    graph = pn.replacement_graph(layer_map)
    # Unit 1 has no unique information beside unit 0; unit 0 has 0.1 bits. Pairs without unique
    # information replace each other.
    assert set(graph.edges) == {(1, 0), (0, 2), (2, 0), (1, 2), (2, 1)}
    assert graph.edges[1, 0] == {"cost": 0.0}
    assert (0, 1) in pn.replacement_graph(layer_map, tolerance=0.1).edges
