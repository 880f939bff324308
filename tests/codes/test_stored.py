"""Codes on disk: the same as in memory, read in parts, whole or not there, and checked where they are read."""

import numpy as np
import pytest
import torch
import zarr

from pidnet import Codes, capture, capture_codes, layer_maps, quantize, zoo
from pidnet.codes import _stored


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(_stored, "CHUNK", (16, 4))


@pytest.fixture
def net():
    torch.manual_seed(0)
    return zoo.mlp(4, (10, 6), 3)


def batches(sizes=(30, 7, 1, 40)):
    draw = torch.Generator().manual_seed(1)
    return [(torch.randn(n, 4, generator=draw), torch.randint(3, (n,), generator=draw)) for n in sizes]


def calibration(net):
    return quantize(capture(net, batches()[0]), 4)


def test_captured_to_disk_they_are_the_same(net, tmp_path):
    expected = capture_codes(net, batches(), calibration(net))
    found = capture_codes(net, batches(), calibration(net), store=tmp_path / "codes")
    for codes in (found, Codes.load(tmp_path / "codes")):
        assert repr(codes) == repr(expected)
        assert torch.equal(codes.target, expected.target)
        assert torch.equal(codes.predicted, expected.predicted)
        for name, layer in expected.layers.items():
            stored = codes.layer(name)
            assert isinstance(stored.values, _stored.StoredValues)
            np.testing.assert_array_equal(stored.values.numpy(), layer.values.numpy())
            assert torch.equal(stored.edges, layer.edges)
            assert (stored.constant, stored.collapsed, stored.exact) == (
                layer.constant,
                layer.collapsed,
                layer.exact,
            )


@pytest.mark.parametrize("kind", ["zarr", "memmap"])
@pytest.mark.parametrize(("measure", "null"), [("i_min", "units"), ("i_broja", "none")])
def test_a_map_of_them_is_that_of_codes_in_memory(tmp_path, kind, measure, null):
    draw = torch.Generator().manual_seed(0)
    values = torch.randint(3, (300, 9), generator=draw).to(torch.uint8)
    values[:, 4] = 1
    target = (values[:, 0] + values[:, 1]) % 3
    if kind == "zarr":
        array = zarr.create_array(tmp_path / "codes", data=values.numpy(), chunks=(64, 4))
    else:
        np.save(tmp_path / "codes.npy", values.numpy())
        array = np.load(tmp_path / "codes.npy", mmap_mode="r")
    on_disk = Codes.of({"fc1": array}, target, 3)
    in_memory = Codes.of({"fc1": values}, target, 3)
    expected = layer_maps(in_memory, measure, null=null, store=tmp_path / "a")["fc1"]
    found = layer_maps(on_disk, measure, null=null, store=tmp_path / "b")["fc1"]
    for (name, one), (_, other) in zip(found.atoms.items(), expected.atoms.items(), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)
    assert (found.noise_floor, found.notes) == (expected.noise_floor, expected.notes)
    for name, p in expected.p_values.items():
        np.testing.assert_array_equal(found.p_values[name], p)
    # The mark of the store is that of the codes, wherever they lie: the map of one is gone on with by the other.
    layer_maps(on_disk, measure, null=null, store=tmp_path / "a")
    whole = layer_maps(on_disk, measure, null=null)["fc1"]
    np.testing.assert_allclose(whole.atoms.redundancy, expected.atoms.redundancy, atol=1e-6)


def test_of_a_tile_only_its_columns_are_read(tmp_path, monkeypatch):
    values = np.random.default_rng(0).integers(3, size=(40, 12)).astype(np.uint8)
    codes = Codes.of(
        {"fc1": zarr.create_array(tmp_path / "codes", data=values, chunks=(16, 4))}, values[:, 0]
    )
    read, getitem = [], _stored.StoredValues.__getitem__

    def counted(self, where):
        found = getitem(self, where)
        read.append(found.numel())
        return found

    monkeypatch.setattr(_stored.StoredValues, "__getitem__", counted)
    codes.take_layer("fc1", np.array([2, 9]))
    assert read == [80]


def test_rows_and_columns_come_in_the_order_asked_for(tmp_path):
    values = np.arange(24, dtype=np.uint8).reshape(6, 4)
    np.save(tmp_path / "codes.npy", values)
    for array in (
        zarr.create_array(tmp_path / "codes", data=values, chunks=(4, 4)),
        np.load(tmp_path / "codes.npy", mmap_mode="r"),
    ):
        stored = _stored.StoredValues(array)
        rows, units = torch.tensor([4, 1]), torch.tensor([3, 0])
        assert torch.equal(stored[rows], torch.from_numpy(values[[4, 1]]))
        assert torch.equal(stored[:, units], torch.from_numpy(values[:, [3, 0]]))
        assert torch.equal(stored[:, 2], torch.from_numpy(values[:, 2]))
        assert torch.equal(torch.cat([*stored.split(4)]), torch.from_numpy(values))
        np.testing.assert_array_equal(np.asarray(stored, np.int64), values)


def test_a_store_that_was_cut_off_is_no_codes_and_is_begun_again(net, tmp_path):
    def broken():
        yield from batches()[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        capture_codes(net, broken(), calibration(net), store=tmp_path / "codes")
    with pytest.raises(ValueError, match="does not hold codes"):
        Codes.load(tmp_path / "codes")
    assert len(capture_codes(net, batches(), calibration(net), store=tmp_path / "codes")) == 78


def test_other_folders_are_left_alone(net, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("x")
    capture_codes(net, batches(), calibration(net), store=tmp_path / "codes")
    for taken in ("mine", "file", "codes"):
        with pytest.raises(FileExistsError, match="is there already; name another folder"):
            capture_codes(net, batches(), calibration(net), store=tmp_path / taken)
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_codes_that_there_are_not_are_an_error_when_they_are_read(net, tmp_path):
    capture_codes(net, batches(), calibration(net), store=tmp_path / "codes")
    zarr.open_group(tmp_path / "codes", mode="r+")["values.0"][3, 2] = 200
    codes = Codes.load(tmp_path / "codes")
    with pytest.raises(ValueError, match=r"codes 0 ... 200 .* expected 0 ... 3"):
        layer_maps(codes.take_layer("fc1"), "i_mmi", store=tmp_path / "map")


@pytest.mark.parametrize(
    ("layer", "match"),
    [
        ([[0.0, float("nan")], [1.0, 0.0]], "no whole numbers"),
        ([[0.5, 1.0], [1.0, 0.0]], "no whole numbers"),
        ([[-1, 0], [0, 1]], "expected 0 ... levels - 1"),
        ([[300, 0], [0, 1]], "expected 0 ... levels - 1"),
        ([0, 1], r"the shape \(2,\); expected \(sample, unit\)"),
        (np.empty((0, 3), np.uint8), r"the shape \(0, 3\); expected"),
    ],
)
def test_what_are_no_codes(layer, match):
    with pytest.raises(ValueError, match=match):
        Codes.of({"fc1": layer}, [0, 1][: len(layer)])
