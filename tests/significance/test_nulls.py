import numpy as np
import pytest
import torch
from scipy.stats import chi2, expon, norm

import pidnet as pn
from pidnet.activations import Activations
from pidnet.codes.resampling import permute_sources
from pidnet.measures.atoms import atoms_from_redundancy
from pidnet.significance.nulls import pooled_p_values, tail_p_values, unit_p_values
from pidnet.tables import shannon
from pidnet.tables.discrete import unit_tables
from tests.planted import is_planted, planted_layer


def relu_codes(seed, samples=400, informed=0, units=16):
    """ReLU units of mixed sparsity with a common cause; the first ``informed`` carry the label."""
    generator = torch.Generator().manual_seed(seed)
    target = torch.randint(5, (samples,), generator=generator)
    common = torch.randn(samples, 1, generator=generator)
    signal = torch.randn(5, units, generator=generator)[target] * (torch.arange(units) < informed)
    noise = torch.randn(samples, units, generator=generator)
    values = torch.relu(0.5 * common + noise + signal - torch.linspace(-1, 2, units))
    return pn.quantize(Activations({"layer": values}, target, {}), 4, "zero_level")


def maps(codes, null, measure="i_min", seed=0):
    return pn.layer_maps(codes, measure, null=null, correction="none", seed=seed)["layer"]


@pytest.mark.parametrize("null", ["units", "labels"])
def test_units_that_know_nothing_keep_at_most_the_nominal_share(null):
    layers = [maps(relu_codes(seed), null) for seed in range(12)]
    for atom in layers[0].p_values:
        below = np.mean([(layer.p_values[atom] < 0.05).mean() for layer in layers])
        assert below < 0.08, atom
        assert np.mean([layer.significant(atom).mean() for layer in layers]) <= 0.05, atom


def test_label_p_values_are_uniform_not_only_small_enough():
    p_values = np.concatenate([maps(relu_codes(seed), "labels").p_values["synergy"] for seed in range(12)])
    np.testing.assert_allclose(
        np.quantile(p_values, [0.1, 0.3, 0.5, 0.7, 0.9]), [0.1, 0.3, 0.5, 0.7, 0.9], atol=0.06
    )


def test_source_null_holds_for_units_independent_given_the_class():
    layers = []
    for seed in range(12):
        codes = permute_sources(relu_codes(seed, informed=16), np.random.default_rng(seed))
        layers.append(maps(codes, "sources"))
    below = np.mean([(layer.p_values["synergy"] < 0.05).mean() for layer in layers])
    assert 0.02 < below < 0.08
    assert np.mean([layer.significant("synergy").mean() for layer in layers]) <= 0.05


@pytest.mark.parametrize("measure", ["i_min", "i_mmi", "i_broja"])
def test_atoms_of_the_margins_are_not_tested_by_the_source_null(measure):
    layer = maps(relu_codes(0, informed=8), "sources", measure)
    for atom in ("redundancy", "unique1", "unique2"):
        assert (layer.p_values[atom] == 1).all()


def test_planted_synergy_and_redundancy_are_found():
    codes, truth = planted_layer("synergistic", 1000, np.random.default_rng(0), pairs=4)
    planted = is_planted(truth.pairs)
    for null in ("labels", "sources"):
        np.testing.assert_array_equal(maps(codes, null).significant("synergy"), planted)
    codes, truth = planted_layer("redundant", 1000, np.random.default_rng(0), pairs=4)
    for null in ("units", "labels"):
        assert maps(codes, null).significant("redundancy").all()
    assert not maps(codes, "none").p_values


def test_one_informed_unit_is_not_redundant_with_the_others():
    codes = relu_codes(0, samples=1000, informed=1)
    layer = maps(codes, "units")
    assert unit_p_values(codes, "layer", np.random.default_rng(0))[0] < 0.01
    assert not layer.significant("redundancy").any()


def test_unit_p_values_agree_with_the_chi_squared_limit():
    codes, _ = planted_layer("independent", 2000, np.random.default_rng(0), pairs=20, classes=4)
    information = shannon.mutual_information(unit_tables(codes, "layer"))
    limit = chi2.sf(2 * 2000 * np.log(2) * information, 9)
    difference = np.abs(unit_p_values(codes, "layer", np.random.default_rng(0)) - limit)
    assert difference.max() < 0.12
    assert difference.mean() < 0.04


def test_constant_units_have_no_evidence():
    codes, _ = planted_layer("redundant", 200, np.random.default_rng(0), pairs=2)
    codes.layers["layer"].values[:, 1] = 0
    codes.layers["layer"].constant.append(1)
    p_values = unit_p_values(codes, "layer", np.random.default_rng(0))
    assert p_values[1] == 1
    assert p_values[0] < 0.05


def test_pooled_p_values_are_ranks_among_all_null_scores():
    rng = np.random.default_rng(0)
    null = rng.normal(3, 2, (20, 50))
    observed = np.full(50, 3.0)
    observed[:2] = 30, -1000
    p_values = pooled_p_values(observed, null)
    assert 0 < p_values[0] < 1 / 1001
    assert p_values[1] == 1
    assert abs(np.median(p_values[2:]) - 0.5) < 0.1
    scaled = pooled_p_values(observed * 7 + 1, null * 7 + 1)
    np.testing.assert_allclose(scaled, p_values)


def test_the_tail_goes_on_where_the_ranks_end():
    rng = np.random.default_rng(0)
    for draw, tail in ((rng.exponential, expon), (rng.normal, norm)):
        null, observed = np.sort(draw(size=5000)), tail.isf([1e-2, 1e-3, 1e-4, 1e-5])
        ratio = tail_p_values(observed, null) / np.array([1e-2, 1e-3, 1e-4, 1e-5])
        assert ((ratio > 0.3) & (ratio < 12)).all(), ratio
    assert (tail_p_values(np.array([9.0]), null[:400]) == 1).all()
    assert (tail_p_values(np.array([9.0]), np.ones(5000)) == 1).all()


def test_a_wide_layer_takes_few_permutations():
    seen = []

    def measure(tables):
        seen.append(len(tables))
        return atoms_from_redundancy(tables.p, np.zeros(len(tables)))

    for pairs, draws in ((20, 4), (4, 20)):
        codes, _ = planted_layer("random", 100, np.random.default_rng(0), pairs=pairs, levels=2, classes=2)
        seen.clear()
        pn.layer_maps(codes, measure, correction="none", null="labels")
        assert len(seen) == 1 + draws + 1  # the map, the permutations, the floor


def test_each_pair_is_measured_by_its_own_spread():
    rng = np.random.default_rng(0)
    scale = np.repeat([1.0, 4.0], 30)
    p_values = pooled_p_values(np.full(60, 6.0), rng.normal(0, 1, (40, 60)) * scale)
    assert p_values[:30].max() < 0.005 < 0.01 < p_values[30:].min()


def test_what_the_null_cannot_change_has_no_evidence():
    null = np.ones((20, 3))
    assert (pooled_p_values(np.array([1.0, 1 + 1e-12, 1 - 1e-12]), null) == 1).all()
    assert pooled_p_values(np.array([2.0, 1.0, 1.0]), null)[0] == 1 / 61


def test_the_floor_is_what_empty_pairs_reach():
    codes = relu_codes(0, informed=16)
    for correction, low, high in (
        ("none", 0.02, 0.12),
        ("shuffle_sources", 0.002, 0.04),
        ("mixture", 0.002, 0.04),
    ):
        layer = pn.layer_maps(codes, "i_min", correction=correction)["layer"]
        assert set(layer.noise_floor) == {"redundancy", "unique1", "unique2", "synergy"}
        assert low < layer.noise_floor["synergy"] < high
    below = []
    for seed in range(6):
        empty = pn.layer_maps(relu_codes(seed + 50), "i_min", null="none")["layer"]
        below.append((empty.atoms.synergy <= layer.noise_floor["synergy"]).mean())
    assert 0.85 < np.mean(below) <= 1


def test_a_floor_is_never_below_0():
    """Shuffling takes more from copies than they have."""
    codes = relu_codes(0)
    codes.layers["layer"].values[:] = codes.layers["layer"].values[:, :1]
    assert min(pn.layer_maps(codes, "i_min")["layer"].noise_floor.values()) == 0


def test_the_floor_of_an_informed_layer_is_low():
    codes, _ = planted_layer("redundant", 1000, np.random.default_rng(0), pairs=3)
    layer = pn.layer_maps(codes, "i_min")["layer"]
    assert layer.noise_floor["redundancy"] < 0.02 < 0.1 < layer.atoms.redundancy.mean()


def test_a_floor_of_a_wide_layer_looks_at_some_units_only():
    seen = []

    def measure(tables):
        seen.append(len(tables))
        return atoms_from_redundancy(tables.p, np.zeros(len(tables)))

    codes, _ = planted_layer("random", 100, np.random.default_rng(0), pairs=20, levels=2, classes=2)
    pn.layer_maps(codes, measure, correction="none", null="none")
    assert seen == [780, 276]
