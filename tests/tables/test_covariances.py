"""Covariances of layers, pairs and groups with the target."""

import numpy as np
import pytest
import torch
from sklearn.covariance import ledoit_wolf, oas

from pidnet.activations import Activations
from pidnet.measures.gaussian import decompose_gaussian
from pidnet.tables import covariances as module
from pidnet.tables.covariances import (
    each_against_others,
    group_covariances,
    halves,
    pair_covariances,
)
from pidnet.tables.layer_covariance import layer_covariance


@pytest.fixture
def values():
    return np.random.default_rng(0).standard_normal((200, 5)).astype(np.float32) * [1, 2, 3, 4, 5] + 7


def activations(units, target):
    return Activations(
        {"fc": torch.tensor(units, dtype=torch.float32)}, torch.as_tensor(target), {"fc": "none"}
    )


def test_pairs_are_blocks_of_numpys_covariance(values):
    target = values[:, :2] @ [[1.0], [0.5]] + np.random.default_rng(1).standard_normal((200, 1))
    found = pair_covariances(activations(values, target), "fc")
    assert found.dims == (1, 1, 1)
    assert found.samples == 200
    assert found.pairs.tolist() == [[i, j] for i in range(5) for j in range(i + 1, 5)]
    for (i, j), cov in zip(found.pairs, found.cov, strict=True):
        assert cov == pytest.approx(
            np.cov(np.column_stack([values[:, [i, j]], target]), rowvar=False), rel=1e-5
        )


def test_blocks_join_to_the_same_pairs(values, monkeypatch):
    layer = activations(values, values[:, 0] > 7)
    layer = activations(values, layer.target.long())
    whole = pair_covariances(layer, "fc")
    monkeypatch.setattr(module, "COVARIANCE_BYTES", 300)
    pieces = pair_covariances(layer, "fc")
    assert np.array_equal(whole.pairs, pieces.pairs)
    assert np.array_equal(whole.cov, pieces.cov)


def test_constant_units_have_no_pairs_but_stay_in_groups(values):
    values[:, 2] = 0.1
    layer = activations(values, values[:, 0])
    assert 2 not in pair_covariances(layer, "fc").pairs
    cov = group_covariances(layer, "fc", [([1, 2], [3, 4])]).cov[0]
    assert (cov[1] == 0).all()
    with pytest.raises(ValueError, match="'fc' has 1 units that vary"):
        pair_covariances(activations(values[:, [0, 2]], values[:, 1]), "fc")


def test_a_constant_target_column_has_no_variance_from_rounding(values):
    """The mean of 200 times 0.3 is not 0.3 in floating point."""
    target = np.column_stack([values[:, 0], np.full(200, 0.3)])
    cov = layer_covariance(activations(values, values[:, 0]), "fc", target=target).cov
    assert (cov[-1] == 0).all()
    assert (layer_covariance(activations(values, target), "fc", shrinkage="oas").cov[-1] == 0).all()


def test_classes_become_one_hot_columns(values):
    label = np.arange(200) % 4
    found = pair_covariances(activations(values, label), "fc")
    assert found.dims == (1, 1, 3)
    onehot = label[:, None] == np.arange(3)
    expected = np.cov(np.column_stack([values[:, :2], onehot]), rowvar=False)
    assert found.cov[0] == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_another_target_can_be_given(values):
    layer = activations(values, np.zeros(200, dtype=int))
    logits = torch.tensor(values[:, :2] ** 2)
    assert pair_covariances(layer, "fc", target=logits).dims == (1, 1, 2)


@pytest.mark.parametrize(("name", "peer"), [("ledoit_wolf", ledoit_wolf), ("oas", oas)])
def test_shrinkage_is_scikit_learns_on_standardized_columns(values, name, peer):
    layer = activations(values[:40], values[:40, 0] ** 2)
    found = layer_covariance(layer, "fc", shrinkage=name).cov
    columns = np.column_stack([layer.layers["fc"].numpy(), layer.target.numpy()]).astype(float)
    scale = columns.std(0, ddof=1)
    assert found == pytest.approx(peer(columns / scale)[0] * np.outer(scale, scale), rel=1e-6)


def test_shrinkage_makes_few_samples_usable():
    rng = np.random.default_rng(4)
    units = rng.standard_normal((20, 30)) + rng.standard_normal((20, 1))
    layer = activations(units, units.mean(1) + rng.standard_normal(20))
    groups = [halves(30)[0]]
    plain = group_covariances(layer, "fc", groups)
    with pytest.raises(ValueError, match=r"infinite; take another target, more samples or shrinkage"):
        decompose_gaussian(plain.cov, plain.dims)
    shrunk = group_covariances(layer, "fc", groups, shrinkage="oas")
    assert 0 < decompose_gaussian(shrunk.cov, shrunk.dims).total[0] < 3


def test_the_copula_sees_through_monotone_distortions(values):
    target = values[:, 0] + values[:, 1]
    plain = layer_covariance(activations(values, target), "fc", copula=True).cov
    bent = np.column_stack([np.exp(values[:, 0]), values[:, 1:] ** 3])
    assert layer_covariance(activations(bent, target), "fc", copula=True).cov == pytest.approx(
        plain, abs=1e-4
    )
    assert np.diag(plain) == pytest.approx(np.ones(6), abs=0.05)


def test_groups_of_a_layer(values):
    layer = activations(values, values[:, 0] * values[:, 1])
    assert each_against_others(3) == [([0], [1, 2]), ([1], [0, 2]), ([2], [0, 1])]
    found = group_covariances(layer, "fc", each_against_others(5))
    assert found.dims == (1, 4, 1)
    whole = layer_covariance(layer, "fc").cov
    assert np.array_equal(found.cov[3], whole[np.ix_([3, 0, 1, 2, 4, 5], [3, 0, 1, 2, 4, 5])])
    for first, second in halves(5, splits=4, seed=1):
        assert len(first) == len(second) == 2
        assert not set(first) & set(second)
    assert halves(9, splits=3, seed=1) == halves(9, splits=3, seed=1) != halves(9, splits=3, seed=2)


def test_the_others_know_what_a_duplicated_unit_knows(values):
    values[:, 4] = values[:, 0]
    target = values[:, 0] + 0.1 * values[:, 1] + np.random.default_rng(6).standard_normal(200)
    found = group_covariances(activations(values, target), "fc", each_against_others(5))
    atoms = decompose_gaussian(found.cov, found.dims, "i_broja")
    assert atoms.unique1[[0, 4]] == pytest.approx([0, 0], abs=1e-9)
    assert atoms.synergy[[0, 4]] == pytest.approx([0, 0], abs=1e-9)
    assert atoms.redundancy[0] > 0.1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shrinkage": "lasso"}, "unknown shrinkage 'lasso'.*ledoit_wolf, oas"),
        ({"target": np.zeros(3)}, "the target has 3 samples and the layer 200"),
        ({"target": np.zeros((200, 2, 2))}, r"shape \(200, 2, 2\)"),
        ({"target": np.zeros((200, 2), dtype=int)}, "type int64"),
        ({"target": np.full(200, np.inf)}, "not finite"),
    ],
)
def test_bad_options_are_refused(values, options, message):
    with pytest.raises(ValueError, match=message):
        layer_covariance(activations(values, values[:, 0]), "fc", **options)


@pytest.mark.parametrize("groups", [[([0], [0])], [([0], [5])], [([0], [-1])]])
def test_groups_must_be_apart_and_inside_the_layer(values, groups):
    with pytest.raises(ValueError, match=r"repeat a unit or name one that is not in 0\.\.4"):
        group_covariances(activations(values, values[:, 0]), "fc", groups)


@pytest.mark.parametrize("groups", [[([0], [1]), ([0], [1, 2])], [([], [1])], []])
def test_groups_must_have_one_pair_of_sizes(values, groups):
    with pytest.raises(ValueError, match="groups have the sizes"):
        group_covariances(activations(values, values[:, 0]), "fc", groups)


def test_an_unknown_layer_is_named(values):
    with pytest.raises(ValueError, match="no such layer: 'fc9'; the activations hold 'fc'"):
        layer_covariance(activations(values, values[:, 0]), "fc9")
