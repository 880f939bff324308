import networkx

from pidnet.plots import plot_graph


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
