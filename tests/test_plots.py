import networkx
import numpy as np

import pidnet as pn
from pidnet.plots import plot_graph, plot_map
from tests.test_maps import planted_codes


def test_the_picture_shows_the_atoms():
    map = pn.layer_maps(planted_codes(), "i_min")["hidden"]
    image = plot_map(map, "synergy").axes[0].images[0].get_array()
    order = np.argsort(-map.information, kind="stable")
    np.testing.assert_array_equal(image.filled(np.nan), map.matrix("synergy")[np.ix_(order, order)])


def test_the_graph_joins_each_unit_to_its_nearest():
    graph = networkx.Graph(layer="fc1")
    graph.add_nodes_from(range(5), information=0.5)
    for i, j, weight in ((0, 1, 0.9), (0, 2, 0.2), (1, 2, 0.1), (2, 3, 0.0)):
        graph.add_edge(i, j, weight=weight)
    axes = plot_graph(graph, neighbors=1).axes[0]
    assert axes.get_title() == "fc1: the 1 most redundant partners of each unit, 2 alone"
    assert len(axes.collections[0].get_segments()) == 2


def test_a_graph_without_edges_is_drawn():
    graph = networkx.empty_graph(3)
    graph.graph["layer"] = "fc1"
    assert "3 alone" in plot_graph(graph).axes[0].get_title()
