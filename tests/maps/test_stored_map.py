"""A map read tile by tile: the same numbers as the whole map, from the tiles that are asked for."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

import pidnet as pn
from pidnet.maps import LayerMaps, StoredMap, _store
from tests.maps.tiled import some_codes

pytestmark = pytest.mark.usefixtures("small_tiles")


@pytest.fixture(name="both")
def whole_and_stored(tmp_path):
    """Eleven units in three blocks, of which two are constant."""
    pn.layer_maps(some_codes(units=11, constant=(2, 9)), "i_min", store=tmp_path)
    return LayerMaps.load(tmp_path)["fc1"], StoredMap.open(tmp_path, "fc1")


def test_the_summary_is_that_of_the_whole_map(both):
    whole, stored = both
    for name, value in whole.summary().items():
        assert stored.summary()[name] == (
            pytest.approx(value, abs=1e-6) if isinstance(value, float) else value
        )
    np.testing.assert_allclose(stored.unit_information, whole.unit_information, atol=1e-6)
    assert stored.pairs == len(whole.pairs)
    assert repr(stored).startswith("StoredMap fc1 by i_min: 11 units (2 constant), 36 pairs")


def test_the_blocks_hold_every_pair_once(both):
    whole, stored = both
    pairs = np.concatenate([pairs for pairs, _ in stored.blocks()])
    assert sorted(map(tuple, pairs.tolist())) == list(map(tuple, whole.pairs.tolist()))
    values = np.concatenate([atoms.synergy for _, atoms in stored.blocks()])
    np.testing.assert_array_equal(values, whole.matrix("synergy")[tuple(pairs.T)].astype(np.float32))


@pytest.mark.parametrize("name", ["redundancy", "unique1", "unique2", "total", "gap"])
@pytest.mark.parametrize(("units", "partners"), [([0, 5, 10], None), ([7, 3, 3], [1, 2, 10]), ([4], [4])])
def test_a_part_of_the_matrix(both, name, units, partners):
    whole, stored = both
    expected = whole.matrix(name)[units][:, range(11) if partners is None else partners]
    np.testing.assert_array_equal(stored.matrix(name, units, partners), expected)


def test_only_the_tiles_asked_for_are_read(both, monkeypatch):
    read, stored = [], both[1]
    known = _store.LayerStore.read
    monkeypatch.setattr(
        _store.LayerStore,
        "read",
        lambda self, tile, varying: read.append(tuple(tile)) or known(self, tile, varying),
    )
    stored.matrix("synergy", [9, 10], [0, 3])
    assert read == [(0, 2)]


def test_quantiles(both):
    whole, stored = both
    values = whole.atoms.synergy.astype(np.float32)
    assert stored.quantile("synergy", 0.3) == pytest.approx(np.quantile(values, 0.3))
    np.testing.assert_allclose(stored.quantile("synergy", [0, 0.5, 1]), np.quantile(values, [0, 0.5, 1]))


def test_rates_of_false_discovery_from_the_units_alone(both):
    whole, stored = both
    expected = false_discovery_control(whole.p_values["redundancy"])
    np.testing.assert_allclose(stored.false_discovery_rates()[whole.pairs].max(1), expected)


def test_rates_where_units_have_the_same_p_value(both):
    stored = both[1]
    p = np.array([0.5, 0.01, 0.01, 0.2, 0.2, 0.2, 0.9, 0.01, 1.0, 0.3, 0.2])
    object.__setattr__(stored, "unit_p", p)
    pairs = np.concatenate([pairs for pairs, _ in stored.blocks()])
    expected = false_discovery_control(p[pairs].max(1))
    np.testing.assert_allclose(stored.false_discovery_rates()[pairs].max(1), expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda stored: stored.matrix("shared", [0]), "no such atom: 'shared'"),
        (
            lambda stored: stored.matrix("synergy", [11]),
            "expected numbers of units of layer 'fc1', which has 11",
        ),
        (lambda stored: stored.matrix("synergy", [0.5]), "expected numbers of units"),
        (lambda stored: stored.quantile("synergy", 1.5), "expected numbers between 0 and 1"),
        (lambda stored: stored.quantile("shared", 0.5), "no such atom"),
    ],
)
def test_bad_questions(both, call, message):
    with pytest.raises(ValueError, match=message):
        call(both[1])


def test_a_store_without_the_layer(both):
    with pytest.raises(ValueError, match="holds no map of layer 'fc7'"):
        StoredMap.open(both[1].store.path, "fc7")


def test_the_maps_of_a_store_print_without_being_put_together(both, monkeypatch):
    path = both[1].store.path
    monkeypatch.setattr(LayerMaps, "values", None)
    assert "fc1    i_min       11     36" in repr(LayerMaps.load(path))
