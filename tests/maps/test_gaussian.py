"""layer_maps straight from activations, with the Gaussian measures."""

from functools import partial

import numpy as np
import pytest
import torch

from pidnet import zoo
from pidnet.activations import Activations, capture
from pidnet.codes import quantize
from pidnet.maps import LayerMap, layer_maps
from pidnet.measures.gaussian import decompose_gaussian, i_broja
from pidnet.significance.gaussian_bias import corrected_atoms
from pidnet.tables.covariances import pair_covariances


@pytest.fixture
def activations():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 300)
    units = rng.standard_normal((300, 5)) + label[:, None] * [1, 1, -1, 0, 0.5]
    units[:, 3] = 0.25
    layers = {"fc1": torch.tensor(units).float(), "fc2": torch.tensor(units[:, :3] ** 2).float()}
    return Activations(layers, torch.tensor(label), dict.fromkeys(layers, "none"))


@pytest.mark.parametrize(
    "measure", ["gaussian_i_mmi", "gaussian_i_broja", "gaussian_i_dep", "gaussian_i_delta"]
)
def test_maps_are_the_atoms_of_the_pairs(activations, measure):
    maps = layer_maps(activations, measure)
    assert list(maps) == ["fc1", "fc2"]
    covariances = pair_covariances(activations, "fc1")
    atoms = decompose_gaussian(covariances.cov, covariances.dims, measure)
    assert maps["fc1"].pairs.tolist() == covariances.pairs.tolist()
    assert maps["fc1"].atoms.redundancy == pytest.approx(atoms.redundancy, abs=1e-7)
    assert maps["fc1"].measure == measure
    information = maps["fc1"].unit_information[maps["fc1"].pairs[:, 0]]
    assert information == pytest.approx(atoms.information1, abs=1e-9)


def test_constant_units_and_the_label_are_in_the_notes(activations):
    found = layer_maps(activations, "gaussian_i_broja")["fc1"]
    assert 3 not in found.pairs
    assert found.unit_information[3] == 0
    assert found.notes[0] == "constant units of fc1, skipped: 3"
    assert "2 one-hot columns" in found.notes[1]
    few = Activations({"fc1": activations.layers["fc1"][:30]}, activations.target[:30], {})
    assert "30 samples are few" in layer_maps(few, "gaussian_i_broja")["fc1"].notes[2]


def test_options_reach_the_covariance(activations):
    noise = torch.tensor(np.random.default_rng(1).standard_normal((300, 3)))
    target = activations.layers["fc2"] + noise
    found = layer_maps(activations, "gaussian_i_mmi", target=target, shrinkage="oas", copula=True)["fc1"]
    assert found.settings["target_columns"] == 3
    assert found.settings["shrinkage"] == "oas"
    assert found.settings["copula"] is True
    plain = layer_maps(activations, "gaussian_i_mmi", target=target)["fc1"]
    assert not np.allclose(found.atoms.redundancy, plain.atoms.redundancy)


def test_vector_units_are_taken_whole():
    """Two heads that see two halves of the target, and one that sees nothing: known in closed form."""
    rng = np.random.default_rng(0)
    target, noise = rng.standard_normal((4000, 2)), rng.standard_normal((4000, 3, 3))
    heads = noise.copy()
    heads[:, 0, 0] += target[:, 0]
    heads[:, 1, 0] += target[:, 1]
    turned = heads @ rng.standard_normal((3, 3))  # a head is its subspace, whatever the basis
    acts = Activations(
        {"plain": torch.tensor(heads).float(), "turned": torch.tensor(turned).float()},
        torch.tensor(target).float(),
        {},
    )
    for measure, shared in (("gaussian_i_broja", 0), ("gaussian_i_mmi", 0.5)):
        maps = layer_maps(acts, measure)
        assert maps["plain"].unit_information == pytest.approx([0.5, 0.5, 0], abs=0.03)
        assert maps["plain"].matrix("redundancy")[0, 1] == pytest.approx(shared, abs=0.03)
        assert maps["plain"].atoms.total == pytest.approx([1, 0.5, 0.5], abs=0.03)
        assert maps["turned"].atoms.synergy == pytest.approx(maps["plain"].atoms.synergy, abs=1e-5)
        assert "vectors of 3 dimensions" in maps["plain"].notes[0]


def test_heads_of_a_transformer_are_mapped_without_codes():
    torch.manual_seed(0)
    x, y = torch.randn(300, 5, 4), torch.arange(300) % 3
    acts = capture(zoo.transformer(4), (x, y), ["blocks.0.attention", "blocks.0.attention.q"])
    maps = layer_maps(acts, "gaussian_i_broja", correction="wishart")
    assert len(maps["blocks.0.attention"].pairs) == 6
    raw = layer_maps(acts, "gaussian_i_broja")
    assert raw["blocks.0.attention"].atoms.total.min() > 0.03  # x carries nothing of y: all of it is bias
    assert maps["blocks.0.attention"].atoms.total == pytest.approx(np.zeros(6), abs=0.03)
    assert maps["blocks.0.attention"].correction == "wishart"


def test_the_correction_is_that_of_the_measure_and_is_refused_where_it_does_not_hold(activations):
    found = layer_maps(activations, "gaussian_i_broja", correction="wishart", seed=3)["fc1"]
    expected = corrected_atoms(pair_covariances(activations, "fc1"), i_broja, draws=8, seed=3)
    assert found.atoms.redundancy == pytest.approx(expected.redundancy, abs=1e-12)
    assert found.unit_information[found.pairs[:, 0]] == pytest.approx(expected.information1, abs=1e-9)
    with pytest.raises(ValueError, match="unknown correction 'shuffle_sources'; with activations: none"):
        layer_maps(activations, "gaussian_i_broja", correction="shuffle_sources")
    with pytest.raises(ValueError, match="not for shrunk covariances"):
        layer_maps(activations, "gaussian_i_broja", correction="wishart", shrinkage="oas")


def test_a_map_from_activations_survives_saving(activations, tmp_path):
    found = layer_maps(activations, "gaussian_i_broja")["fc1"]
    loaded = LayerMap.load(found.save(tmp_path / "map"))
    assert loaded.settings == found.settings
    assert np.array_equal(loaded.atoms.synergy, found.atoms.synergy)


def test_a_function_serves_as_measure(activations):
    corrected = layer_maps(activations, partial(corrected_atoms, measure=i_broja, draws=4))["fc1"]
    plain = layer_maps(activations, i_broja)["fc1"]
    assert plain.measure == "gaussian_i_broja"
    assert (corrected.atoms.total < plain.atoms.total).all()


def test_a_layer_that_holds_the_target_is_left_out_by_name(activations):
    maps = layer_maps(activations, "gaussian_i_mmi", target=activations.layers["fc1"][:, :1])
    assert list(maps) == ["fc2"]
    assert "units 0 and 1 determine a combination of the target" in maps.skipped["fc1"]


def test_measure_and_input_must_fit(activations):
    with pytest.raises(TypeError, match=r"i_broja takes Codes.*call quantize"):
        layer_maps(activations)
    with pytest.raises(ValueError, match="unknown Gaussian measure 'gaussian_i_min'"):
        layer_maps(activations, "gaussian_i_min")
    with pytest.raises(TypeError, match="Codes or Activations, not dict"):
        layer_maps(activations.layers, "gaussian_i_mmi")
    codes = quantize(activations, levels=2)
    with pytest.raises(TypeError, match="gaussian_i_mmi takes Activations, not Codes"):
        layer_maps(codes, "gaussian_i_mmi")


def test_options_that_do_not_apply_are_refused_by_name(activations):
    """Fault F8: a wrong word was blamed on an inner function."""
    codes = quantize(activations, levels=2)
    with pytest.raises(ValueError, match="shrinkage=, copula= does not apply to tables of codes"):
        layer_maps(codes, "i_mmi", shrinkage="oas", copula=True)
    with pytest.raises(ValueError, match="null=, intervals= does not apply to covariances of activations"):
        layer_maps(activations, "gaussian_i_mmi", null="labels", intervals=True)
    with pytest.raises(TypeError, match=r"layer_maps\(\) got an unexpected keyword argument 'corection'"):
        layer_maps(codes, corection="none")
