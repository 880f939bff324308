from dataclasses import replace

import numpy as np
import pytest

import pidnet as pn


@pytest.mark.parametrize("ending", ["graphml", "json"])
def test_files_keep_everything(layer_map, tmp_path, ending):
    tested = replace(layer_map, p_values={"redundancy": np.array([0.2, 0.9, 0.001])})
    for graph in (pn.redundancy_graph(tested, alpha=None), pn.replacement_graph(layer_map)):
        read = pn.load_graph(pn.save_graph(graph, tmp_path / f"graph.{ending}"))
        assert type(read) is type(graph)
        assert dict(read.edges) == dict(graph.edges)
        assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
        assert {k: v for k, v in read.graph.items() if k in graph.graph} == graph.graph


def test_a_name_that_xml_cannot_hold_is_refused_before_the_file_is_written(layer_map, tmp_path):
    graph = pn.redundancy_graph(replace(layer_map, layer="a\x01b"))
    with pytest.raises(
        ValueError, match=r"'a\\x01b' has characters that GraphML cannot hold; save graph.json"
    ):
        pn.save_graph(graph, tmp_path / "graph.graphml")
    assert list(tmp_path.iterdir()) == []
    assert pn.load_graph(pn.save_graph(graph, tmp_path / "graph.json")).graph["layer"] == "a\x01b"


def test_an_unknown_ending_is_refused(layer_map, tmp_path):
    with pytest.raises(ValueError, match=r"ends in '\.gml'; expected \.graphml or \.json"):
        pn.save_graph(pn.redundancy_graph(layer_map), tmp_path / "graph.gml")
    with pytest.raises(ValueError, match=r"ends in '\.gml'; expected \.graphml or \.json"):
        pn.load_graph(tmp_path / "graph.gml")


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", "{"), ("a.json", "[1]"), ("a.graphml", "<no"), ("a.graphml", "")]
)
def test_a_broken_file_is_refused(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=f"{name} holds no graph that can be read"):
        pn.load_graph(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        pn.load_graph(tmp_path / f"none{name}")
