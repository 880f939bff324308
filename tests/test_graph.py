from dataclasses import replace

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
    assert graph.graph == {"layer": "fc1", "measure": "i_min", "tested": 0}
    assert dict(graph.nodes(data="unit_information")) == {0: 0.6, 1: 0.5, 2: 0.0}
    assert set(graph.edges) == {(0, 1), (1, 2)}
    assert graph.edges[0, 1] == {"redundancy": 0.5, "synergy": 0.4, "weight": 0.5}
    assert graph.edges[1, 2]["weight"] == 0


def test_light_edges_can_be_left_out(map):
    assert set(pn.redundancy_graph(map, minimum_weight=0.1).edges) == {(0, 1)}
    with pytest.raises(ValueError, match="minimum_weight=2"):
        pn.redundancy_graph(map, minimum_weight=2)


def test_only_significant_edges_where_there_are_p_values(map):
    tested = replace(map, p_values={"redundancy": np.array([0.2, 0.9, 0.001])})
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


def test_edges_point_to_who_can_replace(map):
    graph = pn.replacement_graph(map)
    # Unit 1 knows nothing that unit 0 does not; unit 0 knows 0.1 bits of its own. Pairs without unique
    # information replace each other.
    assert set(graph.edges) == {(1, 0), (0, 2), (2, 0), (1, 2), (2, 1)}
    assert graph.edges[1, 0] == {"cost": 0.0}
    assert (0, 1) in pn.replacement_graph(map, tolerance=0.1).edges


def test_communities_are_groups_of_redundant_units():
    graph = networkx.Graph()
    graph.add_nodes_from(range(7))
    for group in ([0, 2, 4], [1, 3, 5, 6]):
        graph.add_weighted_edges_from((i, j, 0.9) for i in group for j in group if i < j)
    graph.add_edge(0, 1, weight=0.05)
    assert pn.communities(graph) == [[1, 3, 5, 6], [0, 2, 4]]


@pytest.mark.parametrize("ending", ["graphml", "json"])
def test_files_keep_everything(map, tmp_path, ending):
    tested = replace(map, p_values={"redundancy": np.array([0.2, 0.9, 0.001])})
    for graph in (pn.redundancy_graph(tested, alpha=None), pn.replacement_graph(map)):
        read = pn.load_graph(pn.save_graph(graph, tmp_path / f"graph.{ending}"))
        assert type(read) is type(graph)
        assert dict(read.edges) == dict(graph.edges)
        assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
        assert {k: v for k, v in read.graph.items() if k in graph.graph} == graph.graph


def test_an_unknown_ending_is_refused(map, tmp_path):
    with pytest.raises(ValueError, match=r"ends in '\.gml'; expected \.graphml or \.json"):
        pn.save_graph(pn.redundancy_graph(map), tmp_path / "graph.gml")
    with pytest.raises(ValueError, match=r"ends in '\.gml'; expected \.graphml or \.json"):
        pn.load_graph(tmp_path / "graph.gml")
