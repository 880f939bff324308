import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.measures import MEASURES
from pidnet.measures.atoms import atoms_from_redundancy
from pidnet.significance import layer_atoms
from pidnet.significance.intervals import delta_intervals, jackknife_intervals
from tests.planted import is_planted, planted_layer

ATOMS = ("redundancy", "unique1", "unique2", "synergy")


@pytest.mark.parametrize("measure", MEASURES)
def test_intervals_hold_the_truth_at_the_nominal_rate(measure):
    held = {atom: [] for atom in ATOMS}
    for seed in range(16):
        codes, truth = planted_layer("random", 1000, np.random.default_rng(seed), pairs=4)
        layer = pn.layer_maps(codes, measure, intervals=True, null="none")["layer"]
        true = MEASURES[measure](truth)
        for atom in ATOMS:
            low, high = layer.intervals[atom].T
            bits = getattr(true, atom)
            held[atom].append(((low <= bits) & (bits <= high))[np.abs(bits) > 1e-5].mean())
    for atom in ATOMS:
        assert 0.9 <= np.mean(held[atom]) <= 0.99, atom


def test_the_delta_method_agrees_with_the_jackknife_where_nothing_is_kinked():
    codes, _ = planted_layer("redundant", 4000, np.random.default_rng(0), pairs=6)
    measure = MEASURES["i_broja"]
    plug_in = layer_atoms(codes, "layer", measure)
    delta = delta_intervals(plug_in, plug_in, codes, "layer", measure)
    drawn = jackknife_intervals(plug_in, codes, "layer", measure, np.random.default_rng(0))
    for atom in ("redundancy", "unique1"):
        widths = [
            np.diff(ends[atom])[is_planted(codes.layer("layer").pairs)].mean() for ends in (delta, drawn)
        ]
        assert widths[0] == pytest.approx(widths[1], rel=0.25)


def test_intervals_of_i_mmi_hold_at_its_kink():
    """Two units that carry the same amount: the truth of U1 and U2 is 0, and every sample gives one of them."""
    held = []
    for seed in range(20):
        codes, _ = planted_layer("independent", 1000, np.random.default_rng(seed), pairs=4)
        noise = np.random.default_rng(seed).random((1000, 8)) < 0.5
        values = np.where(noise, codes.target.numpy()[:, None] % 4, codes.layers["layer"].values.numpy())
        codes.layers["layer"].values[:] = torch.from_numpy(values.astype(np.uint8))
        layer = pn.layer_maps(codes, "i_mmi", intervals=True, null="none")["layer"]
        low, high = layer.intervals["unique1"].T
        held.append((low <= 1e-12) & (high >= 0))
        assert (layer.intervals["unique1"][:, 1] >= layer.atoms.unique1).all()
    assert np.mean(held) > 0.93


@pytest.mark.parametrize("measure", ["i_min", "i_mmi", "i_broja"])
def test_copies_hold_their_zeros(measure):
    """They have no sampling error; what the correction leaves must not lie outside of the interval."""
    held = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        target = rng.integers(10, size=1000)
        unit = rng.dirichlet(np.full(4, 0.5), 10).cumsum(1)[target] < rng.random((1000, 1))
        codes = pn.Codes.of({"layer": np.repeat(unit.sum(1)[:, None], 2, 1)}, target, 4)
        layer = pn.layer_maps(codes, measure, intervals=True, null="none")["layer"]
        for atom in ("unique1", "unique2", "synergy"):
            low, high = layer.intervals[atom][0]
            held.append(low <= 0 <= high)
            assert high - low < 0.004
    assert np.mean(held) > 0.93


def test_measures_of_ones_own_get_a_jackknife():
    def half(tables):
        return atoms_from_redundancy(tables.p, MEASURES["i_mmi"](tables).redundancy / 2)

    codes, _ = planted_layer("random", 400, np.random.default_rng(0), pairs=2)
    layer = pn.layer_maps(codes, half, intervals=True, null="none")["layer"]
    assert layer.settings["interval"] == "jackknife"
    low, high = layer.intervals["redundancy"].T
    assert (low < high).all()
    named = pn.layer_maps(codes, "i_mmi", intervals=True, null="none")["layer"]
    assert named.settings["interval"] == "delta method"
    assert pn.layer_maps(codes, "i_mmi", null="none")["layer"].settings["interval"] == "none"


def test_intervals_are_centered_and_shrink_with_the_root_of_samples():
    widths = []
    for samples in (800, 3200):
        codes, _ = planted_layer("random", samples, np.random.default_rng(0), pairs=4)
        layer = pn.layer_maps(codes, "i_min", intervals=True)["layer"]
        low, high = layer.intervals["synergy"].T
        ends_at_zero = np.maximum(layer.atoms.synergy, 0) == high  # moved up to what is possible
        assert (low <= layer.atoms.synergy).all()
        np.testing.assert_allclose(
            ((low + high) / 2)[~ends_at_zero & (high > 0)], layer.atoms.synergy[~ends_at_zero & (high > 0)]
        )
        # Pairs in between have synergy near 0, where the scatter falls with N rather than its root.
        widths.append((high - low)[is_planted(layer.pairs)].mean())
    assert widths[0] / widths[1] == pytest.approx(2, rel=0.35)


def test_no_intervals_unless_asked():
    codes, _ = planted_layer("random", 100, np.random.default_rng(0), pairs=2)
    layer = pn.layer_maps(codes, "i_min")["layer"]
    assert layer.intervals == {}
    assert "synergy_low" not in layer.to_pandas()
    layer = pn.layer_maps(codes, "i_min", intervals=True)["layer"]
    assert (layer.to_pandas().synergy_low < layer.to_pandas().synergy_high).all()
