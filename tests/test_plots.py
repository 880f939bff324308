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


def test_the_graph_shows_its_heaviest_edges():
    graph = networkx.complete_graph(30)
    graph.graph["layer"] = "fc1"
    for i, j in graph.edges:
        graph.edges[i, j]["weight"] = (i * j) % 7 / 7
    networkx.set_node_attributes(graph, 0.5, "information")
    axes = plot_graph(graph, edges=20).axes[0]
    assert axes.get_title() == "20 heaviest of 435 edges of fc1"
    assert len(axes.collections[0].get_segments()) == 20


def test_a_graph_without_edges_is_drawn():
    graph = networkx.empty_graph(3)
    graph.graph["layer"] = "fc1"
    networkx.set_node_attributes(graph, 0.0, "information")
    assert len(plot_graph(graph).axes[0].collections[-1].get_offsets()) == 3
