from itertools import combinations

import networkx
import numpy as np

from pidnet.plots import place_units, plot_graph, plot_replacements


def test_the_graph_joins_each_unit_to_its_nearest():
    graph = networkx.Graph(layer="fc1")
    graph.add_nodes_from(range(5), unit_information=0.5)
    for i, j, weight in ((0, 1, 0.9), (0, 2, 0.2), (1, 2, 0.1), (2, 3, 0.0)):
        graph.add_edge(i, j, weight=weight)
    axes = plot_graph(graph, neighbors=1).axes[0]
    assert axes.get_title() == "fc1: the most redundant partner of each unit, 2 alone"
    assert len(axes.collections[0].get_segments()) == 2
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2"]


def test_a_graph_of_many_units_falls_into_groups():
    graph = networkx.random_geometric_graph(400, 0.2, seed=0)
    graph.graph["layer"] = "fc1"
    networkx.set_node_attributes(graph, 0.5, "unit_information")
    networkx.set_edge_attributes(graph, {edge: 1 / (2 + sum(edge)) for edge in graph.edges}, "weight")
    axes = plot_graph(graph).axes[0]
    assert "most redundant partner of each unit" in axes.get_title()
    assert len(axes.collections[0].get_segments()) < 400
    assert not axes.texts


def test_a_graph_without_edges_is_drawn():
    graph = networkx.empty_graph(3)
    graph.graph["layer"] = "fc1"
    assert "3 alone" in plot_graph(graph).axes[0].get_title()


def test_arrows_lead_to_who_can_replace():
    graph = networkx.DiGraph(layer="fc1")
    graph.add_nodes_from(range(4), unit_information=0.5)
    graph.add_edge(1, 0, cost=0.0)
    axes = plot_replacements(graph).axes[0]
    assert axes.get_title() == "fc1: who can replace whom, 2 units alone"
    assert sorted(text.get_text() for text in axes.texts) == ["0", "1"]
    assert len(axes.patches) == 1


def test_groups_stand_apart_and_single_units_last():
    graph = networkx.Graph([(0, 1), (1, 2), (0, 2), (3, 4)])
    graph.add_nodes_from(range(5, 8))
    place = place_units(graph)
    assert sorted(place) == list(range(8))
    boxes = [np.array([place[unit] for unit in group]) for group in ((0, 1, 2), (3, 4), (5,), (6,), (7,))]
    for one, other in combinations(boxes, 2):
        assert ((one.min(0) > other.max(0)) | (other.min(0) > one.max(0))).any()
    assert len({tuple(place[unit].round(6)) for unit in place}) == 8
    assert max(place[unit][1] for unit in (5, 6, 7)) < min(place[unit][1] for unit in (0, 1, 2))
    again = place_units(graph)
    np.testing.assert_array_equal([place[unit] for unit in range(8)], [again[unit] for unit in range(8)])
