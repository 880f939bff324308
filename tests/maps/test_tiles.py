"""Maps tile by tile: the same atoms as at once, on any executor, and a store that is gone on with."""

import concurrent.futures as cf
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.codes import Codes
from pidnet.maps import LayerMaps, _tiles
from pidnet.maps._tiles import Tile, tile_codes, tile_units, tiles_of
from tests.maps.tiled import same, some_codes

pytestmark = pytest.mark.usefixtures("small_tiles")


@pytest.mark.parametrize("varying", [[0, 1], [0, 9], [1, 2, 3, 8], list(range(13)), [3, 4, 11, 12]])
def test_the_tiles_hold_every_pair_once(varying):
    varying, found = np.array(varying), []
    for tile in tiles_of(varying):
        first, second = tile_units(varying, tile)
        here = [(i, j) for i in first for j in second if i < j]
        assert here
        found += here
    assert sorted(found) == [(i, j) for i in varying for j in varying if i < j]


def test_the_codes_of_a_tile_have_its_pairs():
    codes = some_codes(units=12, constant=(1,))
    part = tile_codes(codes, "fc1", Tile(0, 2))
    assert part.layer("fc1").pairs.tolist() == [[a, b] for a in range(3) for b in range(3, 7)]
    chosen = part.take_layer("fc1", np.array([0, 1, 2]))
    assert chosen.layer("fc1").pairs.tolist() == [[0, 1], [0, 2], [1, 2]]


@pytest.mark.parametrize(
    ("measure", "options"),
    [
        ("i_min", {}),
        ("i_mmi", {"correction": "none", "null": "none"}),
        ("i_broja", {"intervals": True}),
    ],
)
def test_a_store_holds_the_map(tmp_path, measure, options):
    codes = some_codes()
    expected = pn.layer_maps(codes, measure, **options)
    found = pn.layer_maps(codes, measure, store=tmp_path / "store", **options)
    same(found["fc1"], expected["fc1"], atol=2e-6)
    same(LayerMaps.load(tmp_path / "store")["fc1"], expected["fc1"], atol=2e-6)
    assert repr(found) == repr(expected)


@pytest.mark.parametrize("null", ["labels", "sources"])
def test_nulls_of_pairs_are_those_of_the_layer_where_it_is_one_tile(tmp_path, null):
    codes = some_codes(units=4, constant=())
    expected = pn.layer_maps(codes, "i_ccs", null=null, intervals=True)["fc1"]
    found = pn.layer_maps(codes, "i_ccs", null=null, intervals=True, store=tmp_path)["fc1"]
    same(found, expected, atol=2e-6)
    assert set(found.p_values) == {"redundancy", "unique1", "unique2", "synergy"}
    with pytest.raises(ValueError, match=f"the null '{null}' of this map tests no units"):
        pn.maps.StoredMap.open(tmp_path, "fc1").false_discovery_rates()


def test_nulls_of_pairs_are_pooled_within_tiles(tmp_path):
    """Of three blocks of copies of the target and noise the informed pairs are found, whatever the tile."""
    draw = np.random.default_rng(0)
    target = draw.integers(2, size=400)
    layer = draw.integers(2, size=(400, 12))
    layer[:, [0, 5, 6, 11]] = (target ^ (draw.random(400) < 0.1))[:, None]
    codes = Codes.of({"fc1": layer}, target)
    found = pn.layer_maps(codes, "i_mmi", null="labels", store=tmp_path)["fc1"]
    again = pn.layer_maps(codes, "i_mmi", null="labels", executor=Backwards())["fc1"]
    np.testing.assert_array_equal(found.p_values["redundancy"], again.p_values["redundancy"])
    informed = np.isin(found.pairs, [0, 5, 6, 11])
    assert found.p_values["redundancy"][informed.all(1)].max() < 0.06
    assert 0.2 < np.median(found.p_values["redundancy"][~informed.any(1)]) < 0.8


@pytest.mark.parametrize("levels", [2, 12])
def test_a_layer_of_two_units_and_more_levels_than_bits_are_counted_for(tmp_path, levels):
    draw = np.random.default_rng(0)
    codes = Codes.of({"fc1": draw.integers(levels, size=(300, 2))}, draw.integers(2, size=300), levels)
    found = pn.layer_maps(codes, "i_mmi", store=tmp_path)["fc1"]
    assert len(found.pairs) == 1
    same(found, pn.layer_maps(codes, "i_mmi")["fc1"], atol=2e-6)


def test_codes_on_disk_give_the_map_of_codes_in_memory(tmp_path):
    codes = some_codes()
    np.save(tmp_path / "codes.npy", codes.layer("fc1").values.numpy())
    on_disk = Codes.of({"fc1": np.load(tmp_path / "codes.npy", mmap_mode="r+")}, codes.target, 3)
    found = pn.layer_maps(on_disk, "i_min", store=tmp_path / "store")["fc1"]
    same(found, pn.layer_maps(codes, "i_min")["fc1"])


def test_xarray_reads_a_store(tmp_path):
    import xarray

    codes = some_codes(constant=())
    layer_map = pn.layer_maps(codes, "i_min", store=tmp_path)["fc1"]
    stored = xarray.open_zarr(tmp_path, group="fc1", consolidated=False)
    redundancy = stored["values"].sel(value=0).values
    assert stored.attrs["values"][0] == "redundancy"
    np.testing.assert_array_equal(np.fmax(redundancy, redundancy.T), layer_map.matrix("redundancy"))


class Backwards(cf.Executor):
    """Runs what it is given late and in the reverse order, and loses what it is told to."""

    _max_workers = 2

    def __init__(self, lost=(), answer=None):
        self.waiting, self.lost, self.answer = [], set(lost), answer

    def submit(self, function, task):
        future = cf.Future()
        self.waiting.append((future, function, task))
        if len(self.waiting) == 2 or task.tile == Tile(2, 2):
            for later, call, given in reversed(self.waiting):
                self.settle(later, call, given)
            self.waiting.clear()
        return future

    def settle(self, future, function, task):
        if tuple(task.tile) in self.lost:
            if self.answer == "error":
                future.set_exception(cf.BrokenExecutor("a worker was killed"))
            else:
                future.set_result(self.answer)
        else:
            future.set_result(function(task))


def test_executors_give_the_same_map(tmp_path):
    codes = some_codes(constant=())
    expected = pn.layer_maps(codes, "i_min")["fc1"]
    with cf.ThreadPoolExecutor(2) as threads:
        same(pn.layer_maps(codes, "i_min", executor=threads)["fc1"], expected)
        same(pn.layer_maps(codes, "i_min", executor=threads, store=tmp_path)["fc1"], expected)
    same(pn.layer_maps(codes, "i_min", executor=Backwards())["fc1"], expected)


@pytest.mark.parametrize("answer", ["error", None, (Tile(7, 7), np.zeros((5, 6)), "exact")])
def test_lost_tiles_are_an_error_and_the_others_are_kept(tmp_path, answer, monkeypatch):
    codes = some_codes(constant=())
    with pytest.raises(RuntimeError, match=r"1 of 6 tiles were not made .* the same call makes those"):
        pn.layer_maps(codes, "i_min", store=tmp_path, executor=Backwards([(0, 1)], answer))
    with pytest.raises(ValueError, match=r"names no maps|tile \(0, 1\) of .* is missing"):
        LayerMaps.load(tmp_path)["fc1"]
    made = counted_tiles(monkeypatch)
    same(pn.layer_maps(codes, "i_min", store=tmp_path)["fc1"], pn.layer_maps(codes, "i_min")["fc1"])
    assert made == [(0, 1)]


def counted_tiles(monkeypatch):
    """The tiles that are made from here on."""
    made, call = [], _tiles.Task.__call__

    def counting(task):
        made.append(tuple(task.tile))
        return call(task)

    monkeypatch.setattr(_tiles.Task, "__call__", counting)
    return made


def test_an_executor_that_was_shut_down_loses_all(tmp_path):
    pool = cf.ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="6 of 6 tiles were not made"):
        pn.layer_maps(some_codes(constant=()), "i_min", store=tmp_path, executor=pool)


def test_a_cluster_of_dask_makes_tiles_too():
    distributed = pytest.importorskip("distributed")
    codes = some_codes(constant=())
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": ":0"}
    with distributed.LocalCluster(**options) as cluster, cluster.get_client() as client:
        found = pn.layer_maps(codes, "i_min", executor=client.get_executor())["fc1"]
    same(found, pn.layer_maps(codes, "i_min")["fc1"])


def test_only_missing_and_broken_tiles_are_made_again(tmp_path, monkeypatch):
    codes = some_codes(constant=())
    whole = pn.layer_maps(codes, "i_min", store=tmp_path)["fc1"]
    chunk = tmp_path / "fc1" / "values" / "c" / "0"
    (chunk / "1" / "2").unlink()
    broken = chunk / "0" / "1"
    broken.write_bytes(broken.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"tile \(0, 1\) of .* is broken .*; the same call of layer_maps"):
        LayerMaps.load(tmp_path)["fc1"]
    made = counted_tiles(monkeypatch)
    same(pn.layer_maps(codes, "i_min", store=tmp_path)["fc1"], whole, atol=0)
    assert made == [(0, 1), (1, 2)]


def written(folder):
    """Every file but the lock, which some versions of filelock leave behind, and when it was written."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return sorted((path, path.stat().st_mtime_ns) for path in files)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"codes": some_codes(seed=1)}, "codes, target"),
        ({"codes": replace(some_codes(), classes=(0, 1, 5))}, "classes"),
        ({"measure": "i_mmi"}, "measure"),
        ({"seed": 1}, "seed"),
        ({"correction": "none"}, "correction"),
    ],
)
def test_a_store_of_another_map_is_refused(tmp_path, change, named):
    given = {"codes": some_codes(), "measure": "i_min"}
    pn.layer_maps(**given, store=tmp_path)
    before = written(tmp_path)
    with pytest.raises(ValueError, match=f"holds a map of layer 'fc1' with other {named}; name another"):
        pn.layer_maps(**given | change, store=tmp_path)
    assert written(tmp_path) == before


def test_a_store_of_another_version_is_refused(tmp_path):
    pn.layer_maps(some_codes(), "i_min", store=tmp_path)
    described = tmp_path / "fc1" / "zarr.json"
    text = json.loads(described.read_text())
    text["attributes"]["fingerprint"]["pidnet"] = '"0.0.1"'
    described.write_text(json.dumps(text))
    with pytest.raises(ValueError, match="with other pidnet"):
        pn.layer_maps(some_codes(), "i_min", store=tmp_path)


def test_a_layer_that_was_not_laid_out_to_the_end_is_laid_out_again(tmp_path):
    pn.layer_maps(some_codes(), "i_min", store=tmp_path)
    described = tmp_path / "fc1" / "zarr.json"
    text = json.loads(described.read_text())
    text["attributes"] = {}
    described.write_text(json.dumps(text))
    same(
        pn.layer_maps(some_codes(), "i_min", store=tmp_path)["fc1"],
        pn.layer_maps(some_codes(), "i_min")["fc1"],
    )


def test_a_store_that_cannot_be_written_says_so(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        pn.layer_maps(some_codes(), "i_min", store=tmp_path / "file" / "store")

    def full(self, *given):
        raise OSError(28, "No space left on device")

    import zarr

    monkeypatch.setattr(zarr.Array, "__setitem__", full)
    with pytest.raises(
        OSError, match=r"tile \(0, 0\) cannot be written to .*No space left.*what is done is kept"
    ):
        pn.layer_maps(some_codes(), "i_min", store=tmp_path / "store")


def test_layers_that_cannot_be_mapped_and_nulls_over_all_pairs(tmp_path):
    codes = some_codes(units=2, constant=(0,))
    with pytest.raises(ValueError, match="has 1 units that vary; pairs need at least 2"):
        pn.layer_maps(codes, "i_min", store=tmp_path / "one")
    both = Codes.of(
        {"one": codes.layers["fc1"].values, "two": some_codes(2).layers["fc1"].values}, codes.target, 3
    )
    found = pn.layer_maps(both, "i_min", store=tmp_path / "both")
    assert list(found) == list(LayerMaps.load(tmp_path / "both")) == ["two"]
    assert len(found["two"].pairs) == 1
    assert list(LayerMaps.load(tmp_path / "both").skipped) == ["one"]

    def mine(plug_in, codes, layer, measure, rng):
        return {}

    with pytest.raises(
        ValueError, match=r"null=mine is a function of one's own, .*; take one of none, units"
    ):
        pn.layer_maps(some_codes(), "i_min", null=mine, store=tmp_path / "three")
    acts = pn.Activations({"a": torch.randn(30, 2)}, torch.zeros(30).long(), {"a": "none"})
    with pytest.raises(ValueError, match="store= does not apply to covariances"):
        pn.layer_maps(acts, "gaussian_i_mmi", store=tmp_path)


def test_an_error_of_the_measure_is_raised_as_it_is(tmp_path):
    def wrong(tables):
        raise ValueError("not today")

    with pytest.raises(ValueError, match="not today"), cf.ThreadPoolExecutor(2) as pool:
        pn.layer_maps(some_codes(), wrong, correction="none", store=tmp_path, executor=pool)
