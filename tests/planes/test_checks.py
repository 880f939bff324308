"""Each trap on a network where it snaps, and on one where it does not."""

import math

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.channels import Normal, Scaled
from pidnet.planes import binned_information, checks, noisy_information, row_checks

G = torch.Generator().manual_seed(0)
X = torch.randn(300, 6, generator=G)
Y = (X[:, 0] > 0).long()


def net(std=None, *, width=4, before=None):
    """Linear, perhaps noise, and a head; perhaps noise before."""
    torch.manual_seed(0)
    noise = [] if std is None else [pn.layers.GaussianNoise(std)]
    first = [] if before is None else [nn.Linear(6, 6), pn.layers.GaussianNoise(before)]
    return nn.Sequential(*first, nn.Linear(6, width), *noise, nn.Linear(width, 2))


def names(model, *, layer, held_out=True, **options):
    other = (X.flip(1), Y.flip(0)) if held_out else None
    plane = pn.information_plane(model, (X, Y), other, [layer], probe=None, **options)
    return [finding.check for finding in plane.findings]


def test_determinism():
    assert "determinism" in names(net(), layer="0")
    assert "determinism" not in names(net(0.5), layer="0")


def test_saturation():
    assert "saturation" in names(net(0.01), layer="0")
    assert "saturation" not in names(net(2.0), layer="0")


def test_nested_draws():
    assert "nested draws" in names(net(0.02, before=1.0), layer="2", upstream=2)
    assert "nested draws" not in names(net(2.0, before=0.1), layer="2", upstream=16)


def test_in_sample_labels():
    assert "in-sample labels" in names(net(0.5), layer="0", held_out=False)
    assert "in-sample labels" not in names(net(0.5), layer="0")


def test_labels_learned_by_heart():
    def row(split, low, high):
        known = {"I(T;Y)": pn.Information("I(T;Y)", low, low, high)}
        return pn.planes.PlaneRow("fc1", split, "channel", known)

    assert row_checks.in_sample_labels([row("train", 0.8, 1.0), row("held out", 0.1, 0.4)])
    assert not row_checks.in_sample_labels([row("train", 0.8, 1.0), row("held out", 0.1, 0.9)])


class Skipping(nn.Module):
    """The second layer reads the input, not the first layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.head = nn.Linear(6, 1), nn.Linear(6, 6), nn.Linear(7, 2)
        self.much, self.little = pn.layers.GaussianNoise(3.0), pn.layers.GaussianNoise(0.1)

    def forward(self, x):
        first, second = self.much(self.first(x)), self.little(self.second(x))
        return self.head(torch.cat([first, second], 1))


def test_data_processing():
    plane = pn.information_plane(Skipping(), (X, Y), layers=["first", "second"], upstream=16)
    assert [f.check for f in row_checks.check_plane(plane.rows, chain=True)][-1] == "data processing"
    assert "data processing" not in [finding.check for finding in plane.findings]
    honest = pn.information_plane(net(0.3, before=0.3), (X, Y), layers=["0", "2"])
    assert not row_checks.data_processing(honest.rows)


def test_binning():
    h = torch.randn(400, 1, generator=torch.Generator().manual_seed(1))
    early, late = h**3, (10 * h.erf()).round()
    assert "the bins decide" in checks.binning([early, late])[0].sentence
    assert not checks.binning([early, early])
    assert not checks.binning([h.sign(), torch.cat([h.sign(), h.sign()], 1)])
    with pytest.raises(ValueError, match="at least 2"):
        checks.binning([early])


def test_scale():
    h = torch.randn(300, 2, generator=torch.Generator().manual_seed(1))
    assert "the noise decides" in checks.scale(h)[0].sentence
    assert not checks.scale(h.sign())


class StaysOn(nn.Module):
    """Dropout that eval mode does not turn off, and that no layer accounts for."""

    def forward(self, x):
        return nn.functional.dropout(x, 0.5, training=True)


def test_modes():
    dropout = nn.Sequential(nn.Linear(6, 3), nn.Dropout(0.2), nn.Linear(3, 2))
    assert "off in eval mode" in checks.modes(dropout, X)[0].sentence
    assert (
        "two passes in eval mode differ"
        in checks.modes(nn.Sequential(nn.Linear(6, 3), StaysOn()), X)[0].sentence
    )
    assert not checks.modes(net(0.5), X)
    assert not checks.modes(net(), X)


def test_zeros():
    def seen(z):
        channel = Scaled(z, 1.0)
        return checks.zeros(channel, pn.channel_information(channel)["I(X;T)"])

    z = X @ torch.randn(6, 12, generator=torch.Generator().manual_seed(1))
    assert "which units are 0" in seen(z.relu())[0].sentence
    assert not seen(z.tanh())
    assert not checks.zeros(Normal(z, 1.0), pn.Information("I(X;T)", 1.0, 1.0, 1.0))


def test_variational():
    exact = pn.Information("I(X;T|Y)", 2.9, 2.85, 3.0)
    assert checks.variational(7.6, exact)[0].check == "variational"
    assert not checks.variational(3.1, exact)
    assert not checks.variational(7.6, pn.Information("I(X;T|Y)", 2.9, 2.9, math.inf))


def test_binned_entropies_say_what_they_are():
    bits = ((torch.arange(256)[:, None] >> torch.arange(8)) & 1).float()
    found = binned_information(bits, bins=2)
    assert (found.quantity, found.value, found.state) == ("H(binned T)", 8, "not robust")
    assert binned_information(bits, bits[:, 0].long(), bins=2).value == pytest.approx(1)
    assert binned_information(
        torch.linspace(0, 1, 90)[:, None] ** 3, bins=30, how="equal_mass"
    ).value == pytest.approx(math.log2(30), abs=1e-6)
    with pytest.raises(ValueError, match="bins=1"):
        binned_information(bits, bins=1)
    with pytest.raises(ValueError, match="equal_width, equal_mass"):
        binned_information(bits, how="mine")


def test_added_noise_says_what_it_is():
    found = noisy_information(X, 0.1)
    assert (found.quantity, found.state) == ("I(X;T+noise)", "not robust")
    with pytest.raises(ValueError, match="std=0"):
        noisy_information(X, 0)
