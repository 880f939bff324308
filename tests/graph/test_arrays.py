"""Edges as arrays: the same as one by one, from a store as from a map, and as files that others read."""

import networkx
import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.graph import arrays, edges, load_graph, redundancy_edges, redundancy_graph
from pidnet.maps import LayerMaps, StoredMap, _store, _tiles

CHOICES = [{}, {"alpha": None}, {"minimum_weight": 0.2}, {"neighbors": 1}, {"neighbors": 0}, {"alpha": 0.001}]


@pytest.fixture(name="stored")
def a_store(tmp_path, monkeypatch):
    """Fourteen units that carry one bit, each with its own noise, and one that is constant."""
    for module in (_tiles, _store):
        monkeypatch.setattr(module, "SIDE", 4)
    draw = torch.Generator().manual_seed(0)
    bit = torch.randint(2, (400, 1), generator=draw)
    units = bit ^ (torch.rand(400, 14, generator=draw) < torch.linspace(0.05, 0.45, 14)).int()
    units[:, 2] = 1
    pn.layer_maps(pn.Codes.of({"fc1": units}, bit[:, 0], 2), "i_min", store=tmp_path)
    return tmp_path


def edges_one_by_one(layer_map, alpha=0.05, minimum_weight=None, neighbors=3):
    """The rule of redundancy_graph, a pair at a time."""
    atoms, tested = layer_map.atoms, alpha is not None
    joined = (
        layer_map.significant("redundancy", alpha) if tested else (atoms.redundancy > 0) | (atoms.synergy > 0)
    )
    weight = pn.graph.pair_weights(layer_map)
    found, seen = set(), dict.fromkeys(range(len(layer_map.units)), 0)
    for pair in sorted(np.flatnonzero(joined), key=lambda pair: -weight[pair]):
        i, j = layer_map.pairs[pair].tolist()
        near = minimum_weight is None and min(seen[i], seen[j]) < neighbors
        strong = weight[pair] >= (0.5 if minimum_weight is None else minimum_weight)
        if near or strong or (not tested and minimum_weight is None):
            found.add((i, j))
        seen[i], seen[j] = seen[i] + 1, seen[j] + 1
    return found


@pytest.mark.parametrize("options", CHOICES)
def test_the_edges_are_those_found_one_by_one(stored, options):
    whole = LayerMaps.load(stored)["fc1"]
    expected = edges_one_by_one(whole, **options)
    assert {tuple(pair) for pair in redundancy_edges(whole, **options).pairs.tolist()} == expected
    assert {(min(edge), max(edge)) for edge in redundancy_graph(whole, **options).edges} == expected


@pytest.mark.parametrize("options", CHOICES)
def test_a_store_gives_the_edges_of_the_whole_map(stored, options):
    whole = redundancy_edges(LayerMaps.load(stored)["fc1"], **options)
    tiled = redundancy_edges(StoredMap.open(stored, "fc1"), **options)
    np.testing.assert_array_equal(tiled.pairs, whole.pairs)
    assert (tiled.tested, tiled.significant) == (whole.tested, whole.significant)
    for name, values in whole.columns.items():
        np.testing.assert_allclose(tiled.columns[name], values, atol=1e-6)


def test_the_file_is_read_as_the_graph(stored, tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "WRITTEN_AT_ONCE", 5)
    found = redundancy_edges(StoredMap.open(stored, "fc1"))
    graph, read = found.graph(), load_graph(found.save(tmp_path / "edges.graphml"))
    assert networkx.utils.edges_equal(read.edges(data=True), graph.edges(data=True))
    assert dict(read.nodes(data=True)) == dict(graph.nodes(data=True))
    assert found.to_pandas()["unit2"].tolist() == found.pairs[:, 1].tolist()


def test_a_graph_of_too_many_edges_is_named_with_its_size(layer_map, monkeypatch):
    monkeypatch.setattr(edges, "MOST_EDGES", 1)
    with pytest.raises(
        ValueError, match=r"2 edges are 0.0 GB as a graph of networkx; redundancy_edges keeps them"
    ):
        redundancy_graph(layer_map, alpha=None)
    assert redundancy_edges(layer_map, alpha=None).graph().number_of_edges() == 2


def test_a_layer_without_edges(layer_map, tmp_path):
    found = redundancy_edges(layer_map, minimum_weight=1.0)
    assert found.pairs.shape == (0, 2)
    assert load_graph(found.save(tmp_path / "none.graphml")).number_of_edges() == 0
    assert repr(found) == "RedundancyEdges fc1 by i_min: 3 units, 0 edges"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"minimum_weight": 2}, "expected a share between 0 and 1"),
        ({"neighbors": -1}, "expected 0 or more"),
        ({"alpha": 1.0}, "expected a share between 0 and 1, such as 0.05"),
    ],
)
def test_bad_options(layer_map, options, message):
    with pytest.raises(ValueError, match=message):
        redundancy_edges(layer_map, **options)
    with pytest.raises(ValueError, match=r"ends in '\.json'"):
        redundancy_edges(layer_map).save("edges.json")
