"""Stores that are cut off, of another version, no folders, or left in the middle: nothing lost, nothing wrong read."""

import sys

import pytest

import pidnet as pn
from pidnet.codes import Codes
from pidnet.maps import LayerMaps, _store
from tests.maps.tiled import same, some_codes

pytestmark = pytest.mark.usefixtures("small_tiles")


def test_layers_that_come_one_after_the_other_stay_in_a_store(tmp_path):
    """The second call had made the first one's map impossible to load."""
    codes = some_codes()
    pn.layer_maps(codes, "i_mmi", store=tmp_path)
    other = Codes.of({"fc2": codes.layer("fc1").values}, codes.target, 3)
    assert list(pn.layer_maps(other, "i_mmi", store=tmp_path)) == ["fc2"]
    assert list(LayerMaps.load(tmp_path)) == ["fc1", "fc2"]


@pytest.mark.parametrize(
    ("file", "change", "match"),
    [
        ("zarr.json", lambda text: text[:20], "is no store that can be gone on with"),
        ("fc1/zarr.json", lambda text: text[:50], "is no store that can be gone on with"),
        (
            "fc1/zarr.json",
            lambda text: text.replace('"zarr_format": 3', '"zarr_format": 4'),
            "is no store that can be gone on with .*Got 4",
        ),
        (
            "fc1/values/zarr.json",
            lambda text: text.replace('"crc32c"', '"crc64"'),
            "holds no map of layer 'fc1' that can be read .*crc64",
        ),
        (
            "fc1/zarr.json",
            lambda text: text.replace(pn.__version__, "99.0"),
            "holds a map of layer 'fc1' with other pidnet",
        ),
    ],
)
def test_a_store_that_is_cut_off_or_of_another_version(tmp_path, file, change, match):
    pn.layer_maps(some_codes(), "i_mmi", store=tmp_path)
    before = (tmp_path / file).read_text()
    (tmp_path / file).write_text(change(before))
    assert (tmp_path / file).read_text() != before
    with pytest.raises(ValueError, match=match):
        pn.layer_maps(some_codes(), "i_mmi", store=tmp_path)


def test_a_store_that_is_a_file_or_has_no_name(tmp_path):
    (tmp_path / "file").write_text("dear")
    for store, kind, match in (
        (tmp_path / "file", FileExistsError, "is a file; name a folder"),
        (tmp_path / "file" / "below", OSError, "cannot be written: .*; name another folder"),
        ("", ValueError, "store='' names no folder"),
    ):
        with pytest.raises(kind, match=match):
            pn.layer_maps(some_codes(), "i_mmi", store=store)
    with pytest.raises(ValueError, match="is a file; expected a folder with maps"):
        LayerMaps.load(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "dear"


def test_what_was_interrupted_is_gone_on_with(tmp_path, monkeypatch):
    codes, made, write = some_codes(constant=()), [], _store.LayerStore.write

    def interrupted(self, tile, *others):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(tile)
        write(self, tile, *others)

    with monkeypatch.context() as patch:
        patch.setattr(_store.LayerStore, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pn.layer_maps(codes, "i_min", store=tmp_path)
    monkeypatch.setattr(
        _store.LayerStore, "write", lambda self, tile, *x: (made.append(tile), write(self, tile, *x))
    )
    same(pn.layer_maps(codes, "i_min", store=tmp_path)["fc1"], pn.layer_maps(codes, "i_min")["fc1"])
    assert sorted(made) == sorted({*made})


@pytest.mark.parametrize("units", [4, 10])
@pytest.mark.parametrize("written", range(7))
def test_a_disk_that_is_full_after_some_files_loses_nothing(tmp_path, monkeypatch, written, units):
    """Attributes had been written one by one, and the kind of gap after the last tile: a layer without them could not
    be gone on with."""
    from zarr.storage import LocalStore

    codes, left, write = some_codes(units), iter(range(written)), LocalStore.set

    async def full(self, *given, **options):
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        await write(self, *given, **options)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "set", full)
        with pytest.raises(OSError, match=r"cannot be written.*No space left"):
            pn.layer_maps(codes, "i_mmi", store=tmp_path)
    same(pn.layer_maps(codes, "i_mmi", store=tmp_path)["fc1"], pn.layer_maps(codes, "i_mmi")["fc1"])


def test_a_store_without_zarr_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zarr", None)
    monkeypatch.setattr(Codes, "take_layer", lambda *_: pytest.fail("the extra is asked for before the work"))
    with pytest.raises(ImportError, match=r"pip install 'pidnet\[store\]'"):
        pn.layer_maps(some_codes(), "i_min", store=tmp_path)
