from functools import partial

import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.maps.profiles import ATOMS
from pidnet.measures.atoms import Atoms

I_MIN = partial(pn.layer_maps, measure="i_min", correction="none", null="none")


def layer(redundancy, unique1, unique2, synergy, units=3, measure="i_min"):
    pairs = np.array([(i, j) for i in range(units) for j in range(i + 1, units)])
    given = (redundancy, unique1, unique2, synergy, 0)
    atoms = Atoms(*(np.broadcast_to(np.asarray(part, float), len(pairs)).copy() for part in given))
    return pn.LayerMap("l", np.arange(units), pairs, atoms, measure, 100, np.ones(units))


def test_shares_are_sums_by_sums():
    found = pn.profile({"a": layer([1, 0, 0], 0, 0, [0, 1, 2]), "b": layer(0.2, 0.1, 0.3, 0.4)})
    assert found.layers == ("a", "b")
    assert found.shares["redundancy"] == pytest.approx([0.25, 0.2])
    assert found.shares["unique_sum"] == pytest.approx([0, 0.4])
    assert found.shares["synergy"] == pytest.approx([0.75, 0.4])
    assert found.pair_information == pytest.approx([4 / 3, 1])
    assert "0.25" in str(found)
    assert "95 % intervals over units" in str(found)
    assert list(found.to_pandas().synergy) == list(found.shares["synergy"])
    data = found.to_xarray()
    np.testing.assert_array_equal(data.high.sel(atom="unique_sum"), found.high["unique_sum"])
    assert data.share.sel(atom="synergy").dims == ("layer",)


def test_intervals_over_units_vanish_for_equal_pairs_and_hold_the_share():
    equal = pn.profile({"b": layer(0.2, 0.1, 0.3, 0.4, units=8)})
    rng = np.random.default_rng(0)
    mixed = pn.profile({"b": layer(rng.random(28), 0.1, 0.3, rng.random(28), units=8)})
    for atom in ATOMS:
        assert equal.high[atom] - equal.low[atom] == pytest.approx([0], abs=1e-12)
        assert mixed.low[atom][0] < mixed.shares[atom][0] < mixed.high[atom][0]


@pytest.mark.parametrize("units", [6, 10, 60])
def test_units_of_the_same_kind_cover_the_share_of_all_units(units):
    """Pairs worth a_i + a_j in redundancy: 95 % intervals from few or many units hold the true share."""
    rng, hits = np.random.default_rng(0), 0
    for _ in range(400):
        worth = rng.exponential(size=units)
        i, j = np.triu_indices(units, 1)
        found = pn.profile({"a": layer(worth[i] + worth[j], 0, 0, 2.0, units=units)})
        hits += found.low["redundancy"][0] <= 0.5 <= found.high["redundancy"][0]
    assert 0.9 <= hits / 400 <= 0.98


def noisy_copies(flips, samples, rng):
    """Codes of units that hold a fair bit, each flipped at its own rate."""
    y = rng.integers(0, 2, samples)
    units = y[:, None] ^ (rng.random((samples, len(flips))) < flips)
    acts = pn.Activations({"l": torch.tensor(units).float()}, torch.tensor(y), {})
    return pn.quantize(acts, 2)


def true_shares(rates):
    """Shares of I_min over all pairs of a population in which each rate is equally frequent."""
    right = np.stack([1 - rates, rates], 1)
    channel = np.stack([right, right[:, ::-1]], 2)  # (unit, x, y)
    tables = 0.5 * np.einsum("aiy,bjy->abijy", channel, channel).reshape(-1, 2, 2, 2)
    atoms = pn.decompose(tables, "i_min")
    parts = (atoms.redundancy, atoms.unique1 + atoms.unique2, atoms.synergy)
    return {atom: part.sum() / atoms.total.sum() for atom, part in zip(ATOMS, parts, strict=True)}


def test_units_and_samples_cover_the_truth():
    """Ten units that err at rates of their own, on 300 samples."""
    rates = np.linspace(0.05, 0.45, 60)
    rng, truth = np.random.default_rng(1), true_shares(rates)
    hits = {"units": 0, "units and samples": 0}
    for seed in range(100):
        codes = noisy_copies(rng.choice(rates, 10), 300, rng)
        maps = I_MIN(codes)
        for found in (pn.profile(maps), pn.profile(maps, codes=codes, seed=seed)):
            hits[found.interval] += np.mean([found.low[a][0] <= truth[a] <= found.high[a][0] for a in ATOMS])
    assert hits["units"] < hits["units and samples"]
    assert 92 <= hits["units and samples"] <= 99


def test_codes_that_do_not_go_with_the_maps_are_refused():
    codes = noisy_copies(np.full(4, 0.2), 100, np.random.default_rng(0))
    with pytest.raises(ValueError, match="codes go with the maps of one network; these are maps of 2"):
        pn.profile([I_MIN(codes)] * 2, codes=codes)
    with pytest.raises(ValueError, match="'own' has no name in MEASURES"):
        pn.profile({"l": layer(1, 0, 0, 0, measure="own")}, codes=codes)
    assert np.isnan(pn.profile({"l": layer(1, 0, 0, 0, units=2)}).low["unique_sum"]).all()


def test_intervals_over_networks_are_students():
    runs = [{"a": layer(r, 0, 0, 1 - r)} for r in (0.2, 0.3, 0.7)]
    found = pn.profile(runs)
    half = 4.302653 * np.std([0.2, 0.3, 0.7], ddof=1) / 3**0.5
    assert found.shares["redundancy"] == pytest.approx([0.4])
    assert found.high["redundancy"] == pytest.approx([0.4 + half], rel=1e-6)
    assert found.interval == "3 networks"


def test_maps_that_do_not_compare_are_refused():
    with pytest.raises(ValueError, match="maps of 2 kinds"):
        pn.profile([{"a": layer(1, 0, 0, 0)}, {"b": layer(1, 0, 0, 0)}])
    with pytest.raises(ValueError, match="there are no maps; expected those of at least one layer"):
        pn.profile({})
    nothing = pn.profile({"a": layer(0, 0, 0, 0)})
    assert np.isnan(nothing.shares["synergy"]).all()


def test_a_profile_survives_saving(tmp_path):
    found = pn.profile({"a": layer([1, 0, 0], 0, 0, [0, 1, 2]), "b": layer(0, 0, 0, 0)})
    read = pn.Profile.load(found.save(tmp_path / "profile"))
    assert (read.layers, read.measure, read.interval) == (found.layers, found.measure, found.interval)
    np.testing.assert_array_equal(read.pair_information, found.pair_information)
    for atom in ATOMS:
        np.testing.assert_array_equal(read.shares[atom], found.shares[atom])
        np.testing.assert_array_equal(read.noise_floor[atom], found.noise_floor[atom])


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"a"', '"a", "b"', "shares do not fit the 2 layers"),
        ('"Profile"', '"Sensitivity"', "'Profile' is missing"),
        ('"low"', '"lows"', "'low' is missing"),
        ("{", "", "Extra data"),
    ],
)
def test_a_broken_profile_is_refused_with_the_reason(tmp_path, old, new, reason):
    path = pn.profile({"a": layer(0.2, 0.1, 0.3, 0.4)}).save(tmp_path / "profile")
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match=f"profile.json holds no Profile that can be read: .*{reason}"):
        pn.Profile.load(path)
