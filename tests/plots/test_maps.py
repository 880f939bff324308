import numpy as np
import pytest

import pidnet as pn
from pidnet.measures.atoms import Atoms
from pidnet.plots import plot_map, plot_maps
from tests.maps.test_mapping import planted_codes


def test_the_picture_shows_the_atoms():
    layer_map = pn.layer_maps(planted_codes(), "i_min", correction="none")["hidden"]
    axes = plot_map(layer_map, "synergy").axes[0]
    order = [int(label.get_text()) for label in axes.get_xticklabels()]
    assert sorted(order) == np.unique(layer_map.pairs).tolist()
    image = axes.images[0].get_array()
    np.testing.assert_array_equal(image.filled(np.nan), layer_map.matrix("synergy")[np.ix_(order, order)])
    assert "1 constant ones left out" in axes.get_xlabel()


def test_the_color_bar_shows_the_floor():
    layer_map = pn.layer_maps(planted_codes(), "i_min")["hidden"]
    bar = plot_map(layer_map, "synergy").axes[1]
    (line,) = [line for line in bar.lines if line.get_color() == "#D55E00"]
    assert set(line.get_ydata()) == {layer_map.noise_floor["synergy"]}
    assert f"{layer_map.noise_floor['synergy']:.3f}" in bar.get_ylabel()


def blocks(units):
    """A layer in which units with the same remainder by 4 are redundant."""
    i, j = np.triu_indices(units, 1)
    same = (i % 4 == j % 4).astype(float)
    atoms = Atoms(same, 1 - same, 1 - same, np.zeros(len(i)), np.zeros(len(i)))
    return pn.LayerMap("fc1", np.arange(units), np.c_[i, j], atoms, "i_min", 10, np.ones(units))


@pytest.mark.parametrize("units", [16, 1024])
def test_clustered_units_stand_side_by_side(units):
    order = blocks(units).similar_units()
    assert (np.diff(order % 4) != 0).sum() == 3
    axes = plot_map(blocks(units)).axes[0]
    assert len(axes.get_xticks()) == (16 if units == 16 else 24)
    assert [int(text.get_text()) for text in axes.get_xticklabels()] == order[axes.get_xticks()].tolist()


def test_one_extreme_pair_does_not_wash_out_the_rest():
    layer_map = blocks(64)
    layer_map.atoms.redundancy[0] = 1000
    assert plot_map(layer_map).axes[0].images[0].get_clim()[1] == 1


def test_four_layers_stand_three_in_a_row():
    figure = plot_maps([blocks(8)] * 4, "synergy")
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 4
    assert len({round(axes.get_subplotspec().get_position(figure).y0, 3) for axes in panels}) == 2
