import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from pidnet.codes import Codes
from pidnet.tables import discrete, shannon
from pidnet.tables.discrete import (
    PairTables,
    iterate_pair_tables,
    joint_informations,
    pair_tables,
    permuted_unit_tables,
    unit_tables,
    values_of_units,
)


def random_codes(samples=60, units=5, levels=3, classes=3, seed=0, constant=()):
    generator = torch.Generator().manual_seed(seed)
    layer = torch.randint(levels, (samples, units), generator=generator, dtype=torch.uint8)
    layer[:, list(constant)] = 1
    target = torch.randint(classes, (samples,), generator=generator)
    codes = Codes.of({"layer": layer}, target, levels)
    return replace(codes, layers={"layer": replace(codes.layer("layer"), constant=list(constant))})


def count_by_hand(codes, i, j):
    p = np.zeros((codes.levels, codes.levels, len(codes.classes)))
    for a, b, y in zip(
        *codes.layers["layer"].values[:, [i, j]].T.tolist(), codes.target.tolist(), strict=True
    ):
        p[a, b, y] += 1
    return p / len(codes.target)


@settings(max_examples=20)
@given(st.integers(1, 40), st.integers(2, 6), st.integers(2, 5), st.integers(1, 4), st.integers(0, 999))
def test_tables_are_counts(samples, units, levels, classes, seed):
    codes = random_codes(samples, units, levels, classes, seed)
    tables = pair_tables(codes, "layer")
    assert [tuple(pair) for pair in tables.pairs] == [
        (i, j) for i in range(units) for j in range(i + 1, units)
    ]
    for (i, j), p in zip(tables.pairs, tables.p, strict=True):
        np.testing.assert_array_equal(p, count_by_hand(codes, i, j))


def test_small_blocks_give_the_same_tables(monkeypatch):
    codes = random_codes(units=7)
    whole = pair_tables(codes, "layer")
    monkeypatch.setattr(discrete, "TABLE_BYTES", 4 * 8 * 27)
    assert [len(block) for block in iterate_pair_tables(codes, "layer")] == [4, 4, 4, 3, 3, 3]
    np.testing.assert_array_equal(pair_tables(codes, "layer").p, whole.p)


@pytest.mark.parametrize(
    ("levels", "samples"), [(2, 1), (4, 64), (4, 65), (10, 1000), (11, 1000), (256, 300)]
)
def test_bits_and_single_samples_count_the_same(levels, samples):
    """At the ends of words, with classes that no sample has, and on both sides of the change from one to the other; units
    that are counted eight at a time, and some more."""
    codes = random_codes(samples, 11, levels, 4)
    codes = replace(codes, classes=(0, 1, 2, 3, 4, 5))
    for (i, j), p in zip(*(lambda t: (t.pairs, t.p))(pair_tables(codes, "layer")), strict=True):
        np.testing.assert_array_equal(p, count_by_hand(codes, i, j))


@pytest.mark.parametrize(("levels", "samples"), [(2, 5), (4, 300), (12, 300)])
def test_joint_informations_are_those_of_the_tables(levels, samples):
    codes = random_codes(samples, 11, levels, 4, constant=[1])
    expected = shannon.source_informations(pair_tables(codes, "layer").p)[2]
    np.testing.assert_allclose(joint_informations(codes, "layer"), expected, atol=1e-12)


def test_constant_units_have_no_pairs():
    tables = pair_tables(random_codes(units=4, constant=[0, 2]), "layer")
    assert tables.pairs.tolist() == [[1, 3]]


def test_unit_tables_are_the_margins_of_pair_tables():
    codes = random_codes()
    tables, units = pair_tables(codes, "layer"), unit_tables(codes, "layer")
    np.testing.assert_allclose(tables.p.sum(2), units[tables.pairs[:, 0]])
    np.testing.assert_allclose(tables.p.sum(1), units[tables.pairs[:, 1]])


def test_unit_tables_of_codes_on_disk_copy_some_units_at_a_time(tmp_path):
    values = np.random.default_rng(0).integers(4, size=(2000, 2100), dtype=np.uint8)
    np.save(tmp_path / "codes.npy", values)
    labels = np.arange(2000) % 5
    in_memory = unit_tables(Codes.of({"fc": values}, labels), "fc")
    codes = Codes.of({"fc": np.load(tmp_path / "codes.npy", mmap_mode="r+")}, labels)
    unit_tables(codes, "fc")
    tracemalloc.start()
    np.testing.assert_array_equal(unit_tables(codes, "fc"), in_memory)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < in_memory.nbytes * 2 + values.nbytes / 2


def test_values_of_units_are_those_of_each_pair():
    tables = discrete.pair_tables(random_codes(), "layer")
    seen = []
    found = values_of_units(tables, lambda p_UXY: seen.append(len(p_UXY)) or p_UXY)
    for source in range(2):
        np.testing.assert_allclose(found[source], tables.p.sum(2 - source), atol=1e-15)
    assert seen == [4, 4]
    values_of_units(
        replace(tables, pairs=np.full_like(tables.pairs, -1)), lambda p_UXY: seen.append(len(p_UXY)) or p_UXY
    )
    assert seen[2:] == [len(tables)] * 2


def test_tables_of_two_batches_add_up():
    whole = random_codes(samples=50)
    parts = [whole.take(part) for part in np.split(np.arange(50), [20])]
    total = pair_tables(parts[0], "layer") + pair_tables(parts[1], "layer")
    assert total.samples == 50
    np.testing.assert_allclose(total.p, pair_tables(whole, "layer").p, atol=1e-15)


def test_bad_input():
    codes = random_codes(units=3, constant=[0, 1])
    with pytest.raises(ValueError, match="no such layer: 'fc9'; the codes hold 'layer'"):
        pair_tables(codes, "fc9")
    with pytest.raises(ValueError, match="layer 'layer' has 1 units that vary; pairs need at least 2"):
        pair_tables(codes, "layer")
    tables = pair_tables(random_codes(), "layer")
    with pytest.raises(ValueError, match="do not add up"):
        tables + pair_tables(random_codes(units=4), "layer")
    with pytest.raises(ValueError, match="have no weight"):
        PairTables(tables.pairs, tables.p) + PairTables(tables.pairs, tables.p)


@pytest.mark.parametrize(("levels", "classes"), [(2, 3), (4, 10), (12, 3), (3, 70)])
def test_tables_under_other_targets_are_those_of_codes_with_that_target(levels, classes):
    rng = np.random.default_rng(0)
    values, targets = rng.integers(levels, size=(131, 5)), rng.integers(classes, size=(3, 131))
    targets[:, :classes] = np.arange(classes)  # each occurs
    codes = [Codes.of({"l": values}, target, levels=levels) for target in targets]
    found = permuted_unit_tables(codes[0], "l", targets)
    for of_target, expected in zip(found, codes, strict=True):
        np.testing.assert_array_equal(of_target, unit_tables(expected, "l"))
