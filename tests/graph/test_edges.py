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
    assert (graph.graph["tested"], graph.graph["significant"]) == (3, 1)
    assert set(graph.edges) == {(1, 2)}
    assert graph.edges[1, 2]["p_redundancy"] == 0.001
    assert graph.edges[1, 2]["q_redundancy"] == pytest.approx(0.003)
    assert pn.redundancy_graph(tested, alpha=0.5).edges[0, 1]["q_redundancy"] == pytest.approx(0.3)
    assert set(pn.redundancy_graph(tested, alpha=0.5).edges) == {(0, 1), (1, 2)}
    assert len(pn.redundancy_graph(tested, alpha=None).edges) == 2
    with pytest.raises(ValueError, match="=2"):
        pn.redundancy_graph(tested, alpha=2)


def test_edges_point_to_who_can_replace(layer_map):
    """Unit 1 has no unique information beside unit 0; unit 0 has .1 bits; unit 2 has no information at all."""
    graph = pn.replacement_graph(layer_map)
    assert set(graph.edges) == {(1, 0)}
    assert graph.edges[1, 0] == {"cost": 0.0}
    assert 2 in graph
    assert (0, 1) in pn.replacement_graph(layer_map, tolerance=0.1).edges


def test_with_intervals_the_upper_end_of_the_cost_decides(layer_map):
    ends = np.array([[0.0, 0.02], [0.0, 0.0], [0.0, 0.0]])
    tested = replace(layer_map, intervals={"unique1": ends + 0.1, "unique2": ends})
    assert not pn.replacement_graph(tested).edges
    graph = pn.replacement_graph(tested, tolerance=0.02)
    assert graph.edges[1, 0] == {"cost": 0.0, "cost_high": 0.02}
    assert graph.graph["tested"]


def test_units_below_the_floor_have_no_replacements(layer_map):
    floor = dict.fromkeys(("redundancy", "unique1", "unique2", "synergy"), 0.3)
    assert not pn.replacement_graph(replace(layer_map, noise_floor=floor)).edges
    informed = replace(layer_map, noise_floor=floor, p_values={"redundancy": np.array([0.001, 0.9, 0.9])})
    assert set(pn.replacement_graph(informed).edges) == {(1, 0)}


def test_by_default_the_strong_and_the_nearest_are_kept():
    """Of 45 significant pairs, each unit keeps its heaviest, and every pair that shares half of its information."""
    rng = np.random.default_rng(0)
    weight = np.append(rng.uniform(0.1, 0.4, 43), [0.5, 0.9])
    pairs = np.stack(np.triu_indices(10, 1), 1)
    zero = np.zeros(45)
    atoms = pn.Atoms(redundancy=weight, unique1=1 - weight, unique2=zero, synergy=zero, gap=zero)
    p_values = {"redundancy": np.full(45, 1e-6)}
    full = pn.LayerMap("fc", np.arange(10), pairs, atoms, "i_min", 99, np.ones(10), p_values=p_values)
    assert pn.redundancy_graph(full, minimum_weight=0).number_of_edges() == 45
    assert pn.redundancy_graph(full, neighbors=0).number_of_edges() == 2
    graph = pn.redundancy_graph(full)
    assert graph.graph["significant"] == 45
    assert 15 <= graph.number_of_edges() <= 30
    assert min(dict(graph.degree()).values()) >= 3
    with pytest.raises(ValueError, match="neighbors=-1"):
        pn.redundancy_graph(full, neighbors=-1)


def test_random_labels_give_no_edges_and_a_trained_layer_no_complete_graph():
    data = pn.datasets.planted_layer("informed", 600, pairs=10, seed=0)
    codes = pn.Codes.of({"layer": data.values}, data.target, 4)
    informed = pn.layer_maps(codes, "i_min")["layer"]
    assert 20 < pn.redundancy_graph(informed).number_of_edges() < 150
    target = np.random.default_rng(0).permutation(data.target)
    empty = pn.layer_maps(pn.Codes.of({"layer": data.values}, target, 4), "i_min")["layer"]
    assert not pn.redundancy_graph(empty).edges
    assert not pn.replacement_graph(empty).edges
