import io

import networkx
import numpy as np
import pytest

import pidnet as pn
from pidnet.measures.atoms import Atoms
from pidnet.plots.drawing import cluster_units, plot_atoms, plot_graph, plot_map, plot_profile, plot_training
from tests.maps.test_discrete import planted_codes


def test_the_picture_shows_the_atoms():
    map = pn.layer_maps(planted_codes(), "i_min", correction="none")["hidden"]
    axes = plot_map(map, "synergy").axes[0]
    order = [int(label.get_text()) for label in axes.get_xticklabels()]
    assert sorted(order) == np.unique(map.pairs).tolist()
    image = axes.images[0].get_array()
    np.testing.assert_array_equal(image.filled(np.nan), map.matrix("synergy")[np.ix_(order, order)])
    assert "1 constant ones left out" in axes.get_xlabel()


def test_the_color_bar_shows_the_floor():
    map = pn.layer_maps(planted_codes(), "i_min")["hidden"]
    bar = plot_map(map, "synergy").axes[1]
    (line,) = [line for line in bar.lines if line.get_color() == "#D55E00"]
    assert set(line.get_ydata()) == {map.noise_floor["synergy"]}
    assert f"{map.noise_floor['synergy']:.3f}" in bar.get_ylabel()


def test_a_profile_shows_the_floor_as_a_share():
    map = pn.layer_maps(planted_codes(), "i_min")["hidden"]
    profile = pn.profile({"hidden": map})
    dotted = [line for line in plot_profile(profile).axes[0].lines if line.get_linestyle() == ":"]
    shares = {name: map.noise_floor[name] / map.atoms.total.mean() for name in map.noise_floor}
    expected = [shares["redundancy"], shares["unique1"] + shares["unique2"], shares["synergy"]]
    np.testing.assert_allclose([line.get_ydata()[0] for line in dotted], expected)


def test_bars_of_atoms_stack_up_to_the_information():
    tables = np.random.default_rng(1000).dirichlet(np.ones(8)).reshape(2, 2, 2)
    decomposed = {measure: pn.decompose(tables, measure) for measure in ("i_mmi", "i_ccs")}
    assert decomposed["i_ccs"].unique2.mean() < 0  # something hangs below 0
    axes = plot_atoms(decomposed).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["i_mmi", "i_ccs"]
    for k, atoms in enumerate(decomposed.values()):
        bars = [container[k] for container in axes.containers]
        ends = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in bars]
        top, bottom = max(map(max, ends)), min(map(min, ends))
        assert top + bottom == pytest.approx(atoms.total.mean())
        assert sum(bar.get_height() for bar in bars) == pytest.approx(atoms.total.mean())
        for bar, name in zip(bars, ("redundancy", "unique1", "unique2", "synergy"), strict=True):
            assert bar.get_height() == pytest.approx(getattr(atoms, name).mean())
    with pytest.raises(ValueError, match="no atoms to draw"):
        plot_atoms({})


def blocks(units):
    """A layer in which units with the same remainder by 4 are redundant."""
    i, j = np.triu_indices(units, 1)
    same = (i % 4 == j % 4).astype(float)
    atoms = Atoms(same, 1 - same, 1 - same, np.zeros(len(i)), np.zeros(len(i)))
    return pn.LayerMap("fc1", np.arange(units), np.c_[i, j], atoms, "i_min", 10, np.ones(units))


@pytest.mark.parametrize("units", [16, 1024])
def test_clustered_units_stand_side_by_side(units):
    order = cluster_units(blocks(units))
    assert (np.diff(order % 4) != 0).sum() == 3
    axes = plot_map(blocks(units)).axes[0]
    assert len(axes.get_xticks()) == (16 if units == 16 else 24)
    assert [int(text.get_text()) for text in axes.get_xticklabels()] == order[axes.get_xticks()].tolist()


@pytest.mark.parametrize("depth", [1, 3, 20])
def test_a_profile_shows_its_shares_and_intervals(depth):
    profile = pn.profile({f"layer{k}": blocks(8) for k in range(depth)})
    figure = plot_profile(profile)
    shares, bits = figure.axes
    for line, atom in zip(shares.lines, ("redundancy", "unique_sum", "synergy"), strict=False):
        np.testing.assert_array_equal(line.get_ydata(), profile.shares[atom])
    assert [label.get_text() for label in bits.get_xticklabels()] == list(profile.layers)
    figure.savefig(io.BytesIO(), format="png")


def test_training_curves_have_one_line_a_layer():
    recorder = pn.Recorder((None, None))
    for step in (1, 2, 3):
        recorder.steps.append(step)
        recorder.profiles.append(pn.profile({"fc1": blocks(8), "fc2": blocks(12)}))
    panels = plot_training(recorder).axes
    assert [axes.get_title() for axes in panels] == ["redundancy", "unique_sum", "synergy"]
    assert all(len(axes.lines) == len(axes.collections) == 2 for axes in panels)
    expected = [p.shares["unique_sum"][1] for p in recorder.profiles]
    np.testing.assert_array_equal(panels[1].lines[1].get_ydata(), expected)


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


def test_one_extreme_pair_does_not_wash_out_the_rest():
    map = blocks(64)
    map.atoms.redundancy[0] = 1000
    assert plot_map(map).axes[0].images[0].get_clim()[1] == 1


def test_a_graph_without_edges_is_drawn():
    graph = networkx.empty_graph(3)
    graph.graph["layer"] = "fc1"
    assert "3 alone" in plot_graph(graph).axes[0].get_title()


def test_a_notebook_is_given_a_picture():
    from matplotlib.figure import Figure

    figure = plot_map(pn.layer_maps(planted_codes(), "i_min", correction="none")["hidden"])
    assert isinstance(figure, Figure)
    assert figure._repr_png_().startswith(b"\x89PNG")
