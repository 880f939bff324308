"""Each layer is read as it can honestly be, on both parts of the samples."""

import math
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import pidnet as pn


@pytest.fixture(scope="module")
def samples():
    x = torch.randn(600, 8, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    return (x[:300], y[:300]), (x[300:], y[300:])


def trained(variant, data, hidden=(6, 5)):
    torch.manual_seed(0)
    return pn.training.train(pn.zoo.mlp(8, hidden, 3, variant=variant), *data, epochs=5)


@pytest.fixture(scope="module")
def stochastic(samples):
    net = trained("stochastic", samples[0])
    return pn.information_plane(net, samples[0], held_out=samples[1])


HOW = {
    "plain": ["infinite", "infinite", "infinite"],
    "binarized": ["codes", "codes", "codes"],
    "int4": ["codes", "codes", "codes"],
    "bayesian": ["channel", "upstream", "upstream"],
    "stochastic": ["channel", "upstream", "upstream"],
}


@pytest.mark.parametrize("variant", HOW)
def test_a_layer_is_read_by_what_it_is(variant, samples):
    plane = pn.information_plane(trained(variant, samples[0]), samples[0], probe=None, upstream=3)
    assert [row.how for row in plane.rows] == HOW[variant]
    assert plane.splits == ("train",)


FAMILIES = {
    "conv": (lambda v: pn.zoo.conv(1, (3, 4), 2, variant=v), (1, 6, 6)),
    "gru": (lambda v: pn.zoo.gru(4, 5, 2, variant=v), (4, 4)),
    "transformer": (lambda v: pn.zoo.transformer(4, (5,), 2, width=4, heads=2, variant=v), (3, 4)),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("variant", ["plain", "binarized", "int8", "int4", "bayesian", "stochastic"])
def test_every_family_and_variant_has_a_plane(family, variant):
    torch.manual_seed(0)
    make, shape = FAMILIES[family]
    net, x, y = make(variant), torch.randn(60, *shape), torch.arange(60) % 2
    net(x)
    plane = pn.information_plane(net, (x, y), held_out=(x.flip(0), y), upstream=2)
    assert set(plane.layers) == set(pn.capture(net, (x, y)).layers)
    for row in plane.rows:
        label = row.information["I(T;Y)"]
        assert 0 <= label.low <= label.high <= 1 + 1e-9
        assert row.information["I(X;T)"].low <= row.information["I(X;T)"].high


def test_ends_are_in_order_and_a_chain_only_loses(stochastic):
    for row in stochastic.rows:
        for found in row.information.values():
            assert 0 <= found.low <= found.high
    whole = [stochastic.of(layer)["I(X;T)"].high for layer in stochastic.layers]
    assert whole == sorted(whole, reverse=True)


def test_the_probe_bounds_only_the_held_out_rows(samples):
    net = trained("plain", samples[0])
    with_probe = pn.information_plane(net, *samples, layers=["fc1"])
    assert with_probe.of("fc1", "train")["I(T;Y)"].low == 0
    assert 0.05 < with_probe.of("fc1", "held out")["I(T;Y)"].low < math.log2(3)
    assert "has seen these labels" in with_probe.of("fc1", "train")["I(T;Y)"].notes[0]


def test_infinite_has_no_number(samples):
    found = pn.information_plane(trained("plain", samples[0]), samples[0], layers=["fc1"]).of("fc1")["I(X;T)"]
    assert (found.state, found.value, found.low) == ("infinite", math.inf, math.inf)
    assert "label_information" in found.notes[0]


def test_noise_without_a_density_is_between_the_label_and_the_layer_before(samples):
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Linear(8, 6), pn.layers.GaussianNoise(0.5), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)
    )
    plane = pn.information_plane(net, *samples)
    last, first = plane.of("4")["I(X;T)"], plane.of("0")["I(X;T)"]
    assert math.isnan(last.value)
    assert plane.of("4")["I(T;Y)"].low <= last.low < last.high <= first.high


def test_it_goes_to_pandas_xarray_and_text(stochastic):
    frame = stochastic.to_pandas()
    assert len(frame) == 3 * 2 * 3
    cell = frame.query("layer == 'fc2' and split == 'train' and quantity == 'I(T;Y)'").iloc[0]
    assert cell["high"] == stochastic.of("fc2", "train")["I(T;Y)"].high
    array = stochastic.to_xarray()
    assert float(array["low"].sel(layer="fc1", split="held out", quantity="I(X;T)")) == pytest.approx(
        stochastic.of("fc1")["I(X;T)"].low
    )
    assert list(array.layer) == ["fc1", "fc2", "head"]
    lines = repr(stochastic).splitlines()
    assert len(lines) <= 12
    assert max(map(len, lines)) <= 100
    assert lines[0].split() == ["layer", "split", "how", "I(X;T)", "I(X;T|Y)", "I(T;Y)", "state"]
    with pytest.raises(KeyError, match="fc9"):
        stochastic.of("fc9")


def test_it_is_drawn_as_bars(stochastic):
    axes = stochastic.plot().axes[0]
    assert axes.get_xlabel().startswith("I(X;T), bits")
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["fc1", "fc2", "head"]
    ends = np.sort(axes.lines[0].get_xdata())
    found = stochastic.of("fc1")["I(X;T)"]
    assert ends == pytest.approx([found.low, found.high])


def test_over_training_it_is_a_path(samples):
    torch.manual_seed(0)
    net = pn.zoo.mlp(8, (4,), 3, variant="stochastic")
    what = partial(pn.information_plane, held_out=samples[1], probe=None)
    recorder = pn.Recorder(samples[0], ["fc1"], what=what)
    for epoch in pn.training.train_epochs(net, *samples[0], epochs=2):
        recorder(net, epoch)
    assert recorder.to_pandas()["step"].unique().tolist() == [1, 2]
    assert len(recorder.to_pandas()) == 2 * 2 * 3
    figure = pn.plots.plot_plane(recorder.snapshots)
    path = figure.axes[0].lines[-1].get_xdata()
    assert len(path) == 2


def test_samples_in_order_of_their_label_are_mixed(samples, monkeypatch):
    """Layers with noise upstream are read on some of the samples, which must not all be of one class."""
    monkeypatch.setattr("pidnet.planes.rows.MOST_UPSTREAM", 60)
    x, y = samples[0]
    order = y.argsort()
    net = trained("stochastic", samples[0])
    found = pn.information_plane(net, (x[order], y[order]), layers=["fc2"], upstream=3).of("fc2")
    assert {information.samples for information in found.values()} == {60}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y: (x, torch.zeros_like(y)), "all labels are 0"),
        (lambda x, y: (x, torch.arange(len(y))), "classes for 300 samples"),
        (lambda x, y: (x[:1], y[:1]), "at least 2"),
        (lambda x, y: (x.masked_fill(x > 2, math.nan), y), "not finite"),
        (lambda x, y: (x, y[:-1]), "expected one target a sample"),
    ],
)
def test_bad_data_are_refused_in_words(samples, change, message):
    net = trained("stochastic", samples[0])
    with pytest.raises(ValueError, match=message):
        pn.information_plane(net, change(*samples[0]))


def test_weights_that_are_not_finite_and_layers_that_are_not_there_are_named(samples):
    net = trained("stochastic", samples[0])
    with pytest.raises(ValueError, match="no such layer: 'fc9'"):
        pn.information_plane(net, samples[0], layers=["fc9"])
    with torch.no_grad():
        net.fc1.weight[0, 0] = math.inf
    with pytest.raises(ValueError, match="'fc1'"):
        pn.information_plane(net, samples[0])


def test_a_constant_layer_has_no_information(samples):
    net = trained("stochastic", samples[0])
    with torch.no_grad():
        net.fc1.weight.zero_()
    found = pn.information_plane(net, samples[0], layers=["fc1"]).of("fc1")
    assert found["I(X;T)"].high == pytest.approx(0, abs=1e-9)


def test_a_plane_comes_back_from_its_file(samples, tmp_path):
    torch.manual_seed(0)
    plane = pn.information_plane(pn.zoo.mlp(samples[0][0].shape[1], (4,), 2), samples[0])
    again = pn.planes.Plane.load(plane.save(tmp_path / "plane.json"))
    assert str(again) == str(plane)
    assert again.of("fc1")["I(X;T)"].high == math.inf
    assert again.settings == plane.settings
    pd.testing.assert_frame_equal(again.to_pandas(), plane.to_pandas())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ('"low": "inf"', "could not convert string to float: 'much'"),
        ('"state": "infinite"', "expected one of ok, saturated"),
        ('"rows": 0', "'rows' is missing"),
    ],
)
def test_a_broken_plane_is_refused(samples, tmp_path, change, reason):
    torch.manual_seed(0)
    path = pn.information_plane(pn.zoo.mlp(samples[0][0].shape[1], (4,), 2), samples[0]).save(
        tmp_path / "p.json"
    )
    text = path.read_text()
    assert change in text
    name, _, value = change.partition(": ")
    path.write_text(text.replace(change, f'{name}: "much"' if value != "0" else '"no rows": 0'))
    with pytest.raises(ValueError, match=f"holds no Plane that can be read: .*{reason}"):
        pn.planes.Plane.load(path)
