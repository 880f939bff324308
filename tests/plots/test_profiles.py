import io

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

import pidnet as pn
from pidnet.plots import plot_profile, plot_sensitivity, plot_training
from tests.maps.test_mapping import planted_codes
from tests.plots.test_maps import blocks


def test_a_profile_shows_the_floor_as_a_share():
    layer_map = pn.layer_maps(planted_codes(), "i_min")["hidden"]
    profile = pn.profile({"hidden": layer_map})
    dotted = [line for line in plot_profile(profile).axes[0].lines if line.get_linestyle() == ":"]
    shares = {
        name: layer_map.noise_floor[name] / layer_map.atoms.total.mean() for name in layer_map.noise_floor
    }
    expected = [shares["redundancy"], shares["unique1"] + shares["unique2"], shares["synergy"]]
    np.testing.assert_allclose([line.get_ydata()[0] for line in dotted], expected)


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
    recorder = pn.Recorder((torch.zeros(2, 3), torch.zeros(2)))
    for step in (1, 2, 3):
        recorder.steps.append(step)
        recorder.profiles.append(pn.profile({"fc1": blocks(8), "fc2": blocks(12)}))
    panels = plot_training(recorder).axes
    assert [axes.get_title() for axes in panels] == ["redundancy", "unique_sum", "synergy"]
    assert all(len(axes.lines) == len(axes.collections) == 2 for axes in panels)
    expected = [p.shares["unique_sum"][1] for p in recorder.profiles]
    np.testing.assert_array_equal(panels[1].lines[1].get_ydata(), expected)


def test_a_profile_in_given_axes_shows_its_shares_only():
    axes = Figure().subplots(1, 2)
    profile = pn.profile({"fc1": blocks(8), "fc2": blocks(12)})
    assert profile.plot(axes[0]) is axes[0].figure
    assert len(axes[0].figure.axes) == 2
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["fc1", "fc2"]


def test_the_means_at_other_settings_stand_beside_their_noise_floor():
    rows = [
        {
            "layer": layer,
            "levels": levels,
            "samples": 50,
            "synergy": 0.1 * k,
            "synergy_noise_floor": 0.01 * levels,
        }
        for k, layer in enumerate(("fc1", "fc2"))
        for levels in (2, 4)
    ]
    axes = plot_sensitivity(pn.Sensitivity(tuple(rows), "i_min", "own", "none"), "synergy").axes[0]
    dots, floor, *_ = axes.lines
    np.testing.assert_allclose(dots.get_ydata(), [0, 0])
    np.testing.assert_allclose(floor.get_ydata(), [0.02, 0.04])
    assert [text.get_text() for text in axes.get_xticklabels()] == ["2 levels\n50", "4 levels\n50"]


def test_a_layer_that_had_no_map_for_a_while_leaves_a_gap():
    recorder = pn.Recorder((torch.zeros(2, 3), torch.zeros(2)))
    for step, layers in enumerate((("fc2",), ("fc1", "fc2"))):
        recorder.steps.append(step)
        recorder.profiles.append(pn.profile({layer: blocks(8 if layer == "fc1" else 12) for layer in layers}))
    fc2, fc1 = plot_training(recorder).axes[0].lines
    np.testing.assert_array_equal(np.isnan(fc1.get_ydata()), [True, False])
    assert not np.isnan(fc2.get_ydata()).any()
