import matplotlib.figure
import networkx

import pidnet as pn


def test_communities_are_groups_of_redundant_units():
    graph = networkx.Graph()
    graph.add_nodes_from(range(7))
    for group in ([0, 2, 4], [1, 3, 5, 6]):
        graph.add_weighted_edges_from((i, j, 0.9) for i in group for j in group if i < j)
    graph.add_edge(0, 1, weight=0.05)
    assert pn.communities(graph) == [[1, 3, 5, 6], [0, 2, 4]]


def test_graphs_are_those_of_networkx_and_print(layer_map):
    graph, replacement = pn.redundancy_graph(layer_map), pn.replacement_graph(layer_map)
    assert isinstance(graph, networkx.Graph)
    assert isinstance(replacement, networkx.DiGraph)
    assert str(graph) == repr(graph)
    assert repr(graph).splitlines() == [
        "RedundancyGraph fc1 by i_min: 3 units (0 alone), 2 edges",
        "  mean edge: redundancy 0.2500  synergy 0.7000  weight 0.2500; strongest: 0 - 1, weight 0.5000",
        "  1 connected group",
    ]
    assert repr(replacement).splitlines() == [
        "ReplacementGraph fc1 by i_min: 3 units (1 alone), 1 replacement",
        "  1 unit can be replaced by another at a cost of at most 0.0100 bits, by the estimates",
    ]
    for derived in (graph.copy(), graph.subgraph([0, 2]), networkx.Graph(graph), pn.graph.RedundancyGraph()):
        assert repr(derived)


def test_edges_as_a_table(layer_map):
    table = pn.redundancy_graph(layer_map).to_pandas()
    assert table.iloc[0].to_dict() == {
        "unit1": 0,
        "unit2": 1,
        "redundancy": 0.5,
        "synergy": 0.4,
        "weight": 0.5,
    }
    table = pn.replacement_graph(layer_map).to_pandas()
    assert {"unit": 1, "replaced_by": 0, "cost": 0.0} in table.to_dict("records")
    assert list(pn.graph.ReplacementGraph().to_pandas()) == ["unit", "replaced_by"]


def test_graphs_draw_themselves_into_given_axes(layer_map):
    for graph in (pn.redundancy_graph(layer_map), pn.replacement_graph(layer_map)):
        axes = matplotlib.figure.Figure().subplots()
        assert graph.plot(axes) is axes.figure
        assert axes.get_title().startswith("fc1: ")
