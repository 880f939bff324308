from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from pidnet.codes.resampling import leave_groups_out, permute_labels, permute_sources, split
from pidnet.tables import shannon
from pidnet.tables.discrete import iterate_pair_tables, pair_tables, unit_tables
from tests.planted import planted_layer

SEEDS = st.integers(0, 2**31)


def layer(seed, family="redundant", samples=157):
    rng = np.random.default_rng(seed)
    return planted_layer(family, samples, rng, pairs=2, levels=3, classes=4)[0], rng


@settings(max_examples=20)
@given(SEEDS)
def test_permuted_labels_keep_units_and_their_pairs(seed):
    codes, rng = layer(seed)
    permuted = permute_labels(codes, rng)
    assert torch.equal(permuted.layers["layer"].values, codes.layers["layer"].values)
    assert torch.equal(permuted.target.bincount(minlength=4), codes.target.bincount(minlength=4))
    assert not torch.equal(permuted.target, codes.target)


@settings(max_examples=20)
@given(SEEDS)
def test_permuted_sources_keep_what_each_unit_knows(seed):
    codes, rng = layer(seed)
    permuted = permute_sources(codes, rng)
    np.testing.assert_allclose(unit_tables(permuted, "layer"), unit_tables(codes, "layer"))
    assert torch.equal(permuted.target, codes.target)


def test_permuted_sources_are_independent_given_the_class():
    codes, rng = layer(0, samples=20_000)
    for shuffled, bits in ((codes, 0.3), (permute_sources(codes, rng), 0.002)):
        p_PABY = pair_tables(shuffled, "layer").p
        shared = [
            shannon.mutual_information(t / t.sum((1, 2), keepdims=True)) for t in p_PABY.transpose(3, 0, 1, 2)
        ]
        assert (np.max(shared, 0)[0] > bits) == (shuffled is codes)


@settings(max_examples=20)
@given(SEEDS, st.integers(2, 5))
def test_parts_are_disjoint_and_share_the_classes(seed, parts):
    codes, rng = layer(seed)
    counts = [part.target.bincount(minlength=4) for part in split(codes, parts, rng)]
    assert torch.equal(sum(counts), codes.target.bincount(minlength=4))
    # A class may start anywhere in the round of parts, so two parts differ by one sample at most.
    assert (torch.stack(counts).max(0).values - torch.stack(counts).min(0).values <= 1).all()


@settings(max_examples=20)
@given(SEEDS)
def test_each_sample_is_left_out_once(seed):
    codes, rng = layer(seed)
    sizes = [len(part.target) for part in leave_groups_out(codes, 20, rng)]
    assert sum(157 - size for size in sizes) == 157
    assert set(sizes) == {149, 150}


@settings(max_examples=20)
@given(SEEDS)
def test_pairs_are_in_the_order_of_the_tables(seed):
    codes, _ = layer(seed)
    codes.layers["layer"].constant.append(1)
    expected = np.concatenate([block.pairs for block in iterate_pair_tables(codes, "layer")])
    np.testing.assert_array_equal(codes.layer("layer").pairs, expected)


def test_whatever_is_by_sample_is_taken_together():
    """Fault F5: ``sample``, ``predicted`` and what is held of each layer went out of step with the codes."""
    codes, _ = layer(0)
    by_sample = torch.arange(len(codes.target))
    codes = replace(codes, sample=by_sample, predicted=by_sample % 3)
    part = codes.take(np.array([3, 5]))
    assert part.sample.tolist() == [3, 5]
    assert part.predicted.tolist() == [0, 2]
    assert part.take_layer("layer", np.array([1])).layers["layer"].values.shape == (2, 1)
    assert torch.equal(part.layers["layer"].values, codes.layers["layer"].values[[3, 5]])
    assert torch.equal(part.target, codes.target[[3, 5]])


@pytest.mark.parametrize("resample", [permute_labels, permute_sources])
def test_the_given_codes_are_not_changed(resample):
    codes, rng = layer(0)
    before = codes.layers["layer"].values.clone(), codes.target.clone()
    resample(codes, rng)
    assert torch.equal(codes.layers["layer"].values, before[0])
    assert torch.equal(codes.target, before[1])
