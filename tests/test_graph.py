import networkx
import numpy as np
import pytest

import pidnet as pn
from pidnet.maps import LayerMap
from pidnet.measures.atoms import Atoms


@pytest.fixture
def map():
    """Units 0 and 1 say the same, 1 and 2 speak only together, 0 and 2 share nothing."""
    atoms = Atoms(
        redundancy=np.array([0.5, 0.0, 0.0]),
        unique1=np.array([0.1, 0.0, 0.0]),
        unique2=np.array([0.0, 0.0, 0.0]),
        synergy=np.array([0.4, 0.0, 1.0]),
        gap=np.zeros(3),
    )
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    return LayerMap("fc1", np.arange(3), pairs, atoms, "i_min", 100, np.array([0.6, 0.5, 0.0]))


def test_edges_carry_the_atoms(map):
    graph = pn.redundancy_graph(map)
    assert graph.graph == {"layer": "fc1", "measure": "i_min"}
    assert dict(graph.nodes(data="information")) == {0: 0.6, 1: 0.5, 2: 0.0}
    assert set(graph.edges) == {(0, 1), (1, 2)}
    assert graph.edges[0, 1] == {"redundancy": 0.5, "synergy": 0.4, "weight": 0.5}
    assert graph.edges[1, 2]["weight"] == 0


def test_light_edges_can_be_left_out(map):
    assert set(pn.redundancy_graph(map, minimum_weight=0.1).edges) == {(0, 1)}
    with pytest.raises(ValueError, match="minimum_weight=2"):
        pn.redundancy_graph(map, minimum_weight=2)


def test_graphml_keeps_everything(map, tmp_path):
    graph = pn.redundancy_graph(map)
    networkx.write_graphml(graph, tmp_path / "graph.graphml")
    read = networkx.read_graphml(tmp_path / "graph.graphml", node_type=int)
    assert dict(read.edges) == dict(graph.edges)
    assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
