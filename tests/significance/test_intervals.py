import numpy as np
import pytest

import pidnet as pn
from pidnet.measures import MEASURES
from tests.planted import is_planted, planted_layer

ATOMS = ("redundancy", "unique1", "unique2", "synergy")


@pytest.mark.parametrize("measure", ["i_min", "i_broja"])
def test_intervals_hold_the_truth_at_the_nominal_rate(measure):
    held = {atom: [] for atom in ATOMS}
    for seed in range(12):
        codes, truth = planted_layer("random", 1000, np.random.default_rng(seed), pairs=4)
        layer = pn.layer_maps(codes, measure, intervals=True, null="none")["layer"]
        true = MEASURES[measure](truth)
        for atom in ATOMS:
            low, high = layer.intervals[atom].T
            held[atom].append(((low <= getattr(true, atom)) & (getattr(true, atom) <= high)).mean())
    for atom in ATOMS:
        assert 0.9 <= np.mean(held[atom]) <= 0.985, atom


def test_intervals_are_centered_and_shrink_with_the_root_of_samples():
    widths = []
    for samples in (800, 3200):
        codes, _ = planted_layer("random", samples, np.random.default_rng(0), pairs=4)
        layer = pn.layer_maps(codes, "i_min", intervals=True)["layer"]
        low, high = layer.intervals["synergy"].T
        np.testing.assert_allclose((low + high) / 2, layer.atoms.synergy)
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
