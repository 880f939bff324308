from dataclasses import replace

import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.activations import Activations
from pidnet.codes import Codes, LayerCodes
from pidnet.measures.atoms import atoms_from_redundancy
from pidnet.significance.plug_in import weighted_sum


def planted_codes():
    """Target of two fair bits a, b; units: a, a again, a xor b, a constant."""
    a, b = torch.tensor([0, 0, 1, 1] * 30), torch.tensor([0, 1, 0, 1] * 30)
    layer = torch.stack([a, a, a ^ b, torch.zeros_like(a)], 1).to(torch.uint8)
    return Codes.of({"hidden": layer}, b)


def test_planted_atoms_are_found():
    layer_map = pn.layer_maps(planted_codes(), "i_min", correction="none")["hidden"]
    np.testing.assert_allclose(layer_map.unit_information, [0, 0, 0, 0], atol=1e-12)
    np.testing.assert_allclose(layer_map.matrix("synergy")[0, :3], [np.nan, 0, 1], atol=1e-12)
    assert np.isnan(layer_map.matrix("redundancy")[3]).all()
    assert layer_map.notes[0] == "constant units of hidden, skipped: 3"


def test_a_measure_of_ones_own():
    def nothing(tables):
        return atoms_from_redundancy(tables.p, np.zeros(len(tables)))

    layer_map = pn.layer_maps(planted_codes(), nothing, correction="none")["hidden"]
    assert layer_map.measure == "nothing"
    assert (layer_map.atoms.redundancy == 0).all()


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
    codes = Codes.of({"l": layer}, torch.arange(20) % 2, 4)
    for correction, says in (("none", "biased upwards"), ("mixture", "may keep some bias")):
        notes = pn.layer_maps(codes, "i_min", correction=correction)["l"].notes
        (note,) = [note for note in notes if "cells" in note]
        assert "20 samples are fewer than the 32 cells" in note
        assert says in note
    fewer = codes.take(np.arange(19))
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
    layer_map = pn.layer_maps(pn.quantize(Activations({"l": values}, target, {}), 4), "i_min")["l"]
    assert layer_map.settings["exact_units"] == [1, 2]
    assert layer_map.notes == ("units of l whose values tie, with fewer than 4 levels: 0",)
    layer_map = pn.layer_maps(pn.quantize(Activations({"l": values[:, 1:]}, target, {}), 2), "i_min")["l"]
    assert "discrete already" in layer_map.notes[0]


def test_the_map_says_how_it_was_made():
    layer_map = pn.layer_maps(planted_codes(), "i_min", null="labels", seed=3)["hidden"]
    expected = {
        "quantizer": "own_values",
        "levels": 2,
        "correction": "mixture",
        "null": "labels",
        "seed": 3,
    }
    assert expected.items() <= layer_map.settings.items()
    assert layer_map.samples == 120
    assert layer_map.correction == layer_map.summary()["correction"] == "mixture"
    assert layer_map.summary()["synergy_noise_floor"] == layer_map.noise_floor["synergy"]
    plain = pn.layer_maps(planted_codes(), "i_min", correction="none")["hidden"]
    np.testing.assert_allclose(layer_map.plug_in.synergy, plain.atoms.synergy, rtol=0, atol=1e-14)
    assert layer_map.atoms.synergy[0] != plain.atoms.synergy[0]
    assert {"redundancy_p", "synergy_p"} <= set(layer_map.to_pandas().columns)


def test_asking_for_more_changes_nothing_else():
    first = pn.layer_maps(planted_codes(), "i_min")["hidden"]
    second = pn.layer_maps(planted_codes(), "i_min", null="labels", intervals=True)["hidden"]
    np.testing.assert_array_equal(first.atoms.synergy, second.atoms.synergy)
    assert first.noise_floor == second.noise_floor


def test_one_odd_layer_is_left_out_by_name():
    codes = planted_codes()
    both = replace(
        codes,
        layers=codes.layers | {"dead": LayerCodes.of(torch.zeros(120, 4, dtype=torch.uint8), 2)},
        skipped={"odd": "capture could not read it"},
    )
    maps = pn.layer_maps(both, "i_min")
    assert list(maps) == ["hidden"]
    assert maps.skipped["odd"] == "capture could not read it"
    assert "layer 'dead' has 0 units that vary" in maps.skipped["dead"]
    alone = pn.layer_maps(codes, "i_min")["hidden"]
    np.testing.assert_array_equal(maps["hidden"].atoms.synergy, alone.atoms.synergy)


def test_no_layer_at_all_is_an_error():
    dead = torch.zeros(120, 3, dtype=torch.uint8)
    codes = Codes.of({"a": dead, "b": dead}, torch.arange(120) % 2, 2)
    with pytest.raises(ValueError, match=r"no layer can be mapped \(a: layer 'a' has 0 units"):
        pn.layer_maps(codes, "i_min")


def test_corrections_and_nulls_are_names_or_functions():
    def halved(plug_in, codes, layer, measure, rng):
        return weighted_sum([(0.5, plug_in)])

    by_name = pn.layer_maps(planted_codes(), "i_min", correction="miller_madow", null="labels")["hidden"]
    functions = {"correction": pn.CORRECTIONS["miller_madow"], "null": pn.NULLS["labels"]}
    by_function = pn.layer_maps(planted_codes(), "i_min", **functions)["hidden"]
    assert by_function.settings == by_name.settings
    np.testing.assert_array_equal(by_function.p_values["synergy"], by_name.p_values["synergy"])
    own = pn.layer_maps(planted_codes(), "i_min", correction=halved)["hidden"]
    assert own.correction == "halved"
    np.testing.assert_allclose(own.atoms.synergy, own.plug_in.synergy / 2)


def test_a_mean_that_cannot_be_negative_is_noted_where_it_is():
    rng = np.random.default_rng(0)
    unit = rng.integers(8, size=(400, 1))
    codes = pn.Codes.of({"copies": unit.repeat(3, 1)}, (unit[:, 0] + rng.integers(2, size=400)) % 8, 8)
    notes = {
        name: pn.layer_maps(codes, "i_min", correction=name, null="none")["copies"].notes
        for name in ("shuffle_sources", "mixture")
    }
    assert any("mean synergy is -" in note and "takes too much" in note for note in notes["shuffle_sources"])
    assert not any("takes too much" in note for note in notes["mixture"])
