import json
import sys

import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.activations import Activations
from pidnet.codes.quantizing import Codes
from pidnet.measures.atoms import atoms_from_redundancy


def planted_codes():
    """Target of two fair bits a, b; units: a, a again, a xor b, a constant."""
    a, b = torch.tensor([0, 0, 1, 1] * 30), torch.tensor([0, 1, 0, 1] * 30)
    layer = torch.stack([a, a, a ^ b, torch.zeros_like(a)], 1).to(torch.uint8)
    return Codes({"hidden": layer}, 2, {}, b, 2, "own", {"hidden": [3]})


def test_planted_atoms_are_found():
    map = pn.layer_maps(planted_codes(), "i_min", correction="none")["hidden"]
    np.testing.assert_allclose(map.unit_information, [0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(map.matrix("synergy")[0, :3], [np.nan, 0, 1], atol=1e-12)
    assert np.isnan(map.matrix("redundancy")[3]).all()
    assert map.notes == ("constant units of hidden, skipped: 3",)


def test_matrices_show_who_knows_what():
    generator = torch.Generator().manual_seed(0)
    layer = torch.randint(3, (200, 4), generator=generator, dtype=torch.uint8)
    codes = Codes({"l": layer}, 3, {}, (layer[:, 1] > 0).long(), 2, "own", {"l": []})
    map = pn.layer_maps(codes, "i_mmi")["l"]
    unique, redundancy = map.matrix("unique1"), map.matrix("redundancy")
    np.testing.assert_array_equal(redundancy, redundancy.T)
    np.testing.assert_array_equal(unique, map.matrix("unique2").T)
    # What a unit knows is what it shares with a partner plus what it alone knows.
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose((redundancy + unique)[off], np.repeat(map.unit_information, 3))
    assert unique[1, 0] > 0.5 > unique[0, 1]


def test_summary_counts_only_units_that_vary():
    summary = pn.layer_maps(planted_codes(), "i_min", correction="none")["hidden"].summary()
    assert (summary["pairs"], summary["samples"], summary["measure"]) == (3, 120, "i_min")
    assert summary["synergy"] == pytest.approx(2 / 3)


def test_a_measure_of_ones_own():
    def nothing(tables):
        return atoms_from_redundancy(tables.p, np.zeros(len(tables)))

    map = pn.layer_maps(planted_codes(), nothing, correction="none")["hidden"]
    assert map.measure == "nothing"
    assert (map.atoms.redundancy == 0).all()


def test_saving_and_loading_changes_nothing(tmp_path):
    map = pn.layer_maps(planted_codes(), "i_min", null="labels", intervals=True)["hidden"]
    loaded = pn.LayerMap.load(map.save(tmp_path / "map"))
    for name in ("layer", "measure", "samples", "notes", "settings"):
        assert getattr(loaded, name) == getattr(map, name)
    for name, values in map.atoms.items():
        np.testing.assert_array_equal(getattr(loaded.atoms, name), values)
        np.testing.assert_array_equal(getattr(loaded.plug_in, name), getattr(map.plug_in, name))
    assert loaded.noise_floor == map.noise_floor
    for stored, made in ((loaded.p_values, map.p_values), (loaded.intervals, map.intervals)):
        assert stored.keys() == made.keys() != set()
        for name, values in made.items():
            np.testing.assert_array_equal(stored[name], values)
    assert [path.name for path in tmp_path.iterdir()] == ["map.npz"]


def test_a_map_with_objects_inside_is_not_loaded(tmp_path):
    np.savez(tmp_path / "evil.npz", json=np.array(json.dumps({})), pairs=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="'pairs' holds objects"):
        pn.LayerMap.load(tmp_path / "evil.npz")


def test_pandas_has_a_row_for_each_pair():
    table = pn.layer_maps(planted_codes(), "i_min")["hidden"].to_pandas()
    assert list(table.columns[:3]) == ["unit1", "unit2", "redundancy"]
    assert len(table) == 3


def test_xarray_has_every_pair_both_ways():
    pytest.importorskip("xarray")
    map = pn.layer_maps(planted_codes(), "i_min", null="labels", intervals=True)["hidden"]
    data = map.to_xarray()
    for name, matrix in (
        ("redundancy", "redundancy"),
        ("unique1", "unique1"),
        ("unique2", "unique2"),
        ("synergy", "synergy"),
    ):
        np.testing.assert_array_equal(data[name], map.matrix(matrix))
    first, second = map.pairs[1]
    assert data.unique1.sel(unit=second, partner=first) == map.atoms.unique2[1]
    assert data.unique1_low.sel(unit=second, partner=first) == map.intervals["unique2"][1, 0]
    assert data.unique1_high.sel(unit=first, partner=second) == map.intervals["unique1"][1, 1]
    assert data.redundancy_p.sel(unit=second, partner=first) == map.p_values["redundancy"][1]
    assert np.isnan(data.redundancy_p.sel(unit=first, partner=first))
    np.testing.assert_array_equal(data.unit_information, map.unit_information)
    assert (data.attrs["measure"], data.attrs["null"]) == ("i_min", '"labels"')


def test_a_table_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match=r"install it: pip install 'pidnet\[tables\]'"):
        pn.layer_maps(planted_codes(), "i_min")["hidden"].to_xarray()


def test_bad_input():
    codes = planted_codes()
    with pytest.raises(ValueError, match="unknown measure 'i_mni'; the known ones are"):
        pn.layer_maps(codes, "i_mni")
    with pytest.raises(TypeError, match="call quantize"):
        pn.layer_maps({"hidden": codes.layers["hidden"]})
    with pytest.raises(ValueError, match="no such atom: 'unique'"):
        pn.layer_maps(codes, "i_min")["hidden"].matrix("unique")


def test_too_few_samples_are_noted_or_refused():
    generator = torch.Generator().manual_seed(0)
    layer = torch.randint(4, (20, 3), generator=generator, dtype=torch.uint8)
    codes = Codes({"l": layer}, 4, {}, torch.arange(20) % 2, 2, "own", {"l": []})
    for correction, says in (("none", "biased upwards"), ("shuffle_sources", "may keep some bias")):
        (note,) = pn.layer_maps(codes, "i_min", correction=correction)["l"].notes
        assert "20 samples are fewer than the 32 cells" in note
        assert says in note
    fewer = Codes({"l": layer[:19]}, 4, {}, codes.target[:19], 2, "own", {"l": []})
    with pytest.raises(ValueError, match="19 samples are too few to correct"):
        pn.layer_maps(fewer, "i_min")
    assert len(pn.layer_maps(fewer, "i_min", correction="none")["l"].pairs) == 3
    with pytest.raises(ValueError, match="19 samples are too few"):
        pn.layer_maps(fewer, "i_min", correction="none", intervals=True)


def test_collapsed_and_discrete_units_are_noted():
    values = torch.zeros(40, 3)
    values[:14, 0] = torch.arange(1, 15)
    values[::2, 1], values[::5, 2] = 1.0, 1.0
    target = torch.arange(40) % 2
    map = pn.layer_maps(pn.quantize(Activations({"l": values}, target, {}), 4), "i_min")["l"]
    assert map.settings["exact_units"] == [1, 2]
    assert map.notes == ("units of l whose values tie, with fewer than 4 levels: 0",)
    map = pn.layer_maps(pn.quantize(Activations({"l": values[:, 1:]}, target, {}), 2), "i_min")["l"]
    assert "discrete already" in map.notes[0]


def test_the_map_says_how_it_was_made():
    map = pn.layer_maps(planted_codes(), "i_min", null="labels", seed=3)["hidden"]
    expected = {"quantizer": "own", "levels": 2, "correction": "shuffle_sources", "null": "labels", "seed": 3}
    assert expected.items() <= map.settings.items()
    assert map.samples == 120
    assert map.correction == map.summary()["correction"] == "shuffle_sources"
    assert map.summary()["synergy_noise_floor"] == map.noise_floor["synergy"]
    plain = pn.layer_maps(planted_codes(), "i_min", correction="none")["hidden"]
    np.testing.assert_array_equal(map.plug_in.synergy, plain.atoms.synergy)
    assert map.atoms.synergy[0] != plain.atoms.synergy[0]
    assert {"redundancy_p", "synergy_p"} <= set(map.to_pandas().columns)


def test_asking_for_more_changes_nothing_else():
    first = pn.layer_maps(planted_codes(), "i_min")["hidden"]
    second = pn.layer_maps(planted_codes(), "i_min", null="labels", intervals=True)["hidden"]
    np.testing.assert_array_equal(first.atoms.synergy, second.atoms.synergy)
    assert first.noise_floor == second.noise_floor


def test_significant_pairs():
    map = pn.layer_maps(planted_codes(), "i_min", null="labels")["hidden"]
    np.testing.assert_array_equal(map.significant("synergy"), [False, True, True])
    assert not map.significant("redundancy").any()
    with pytest.raises(ValueError, match="the null 'units' of this map tests redundancy, not 'synergy'"):
        pn.layer_maps(planted_codes(), "i_min")["hidden"].significant("synergy")
    with pytest.raises(ValueError, match="unknown null 'label'; the known ones are none, units"):
        pn.layer_maps(planted_codes(), "i_min", null="label")
    with pytest.raises(ValueError, match="unknown correction 'shuffle'; the known ones are none, miller"):
        pn.layer_maps(planted_codes(), "i_min", correction="shuffle")
