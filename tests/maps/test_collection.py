import numpy as np
import pytest

import pidnet as pn
from pidnet.maps.collection import short_rows
from tests.maps.test_profiles import layer


@pytest.fixture
def maps():
    return pn.LayerMaps(
        {"A": layer(0.2, 0.1, 0.3, 0.4), "a": layer(1, 0, 0, 0, units=4)}, {"odd": "one unit"}
    )


def test_it_is_a_mapping_that_says_why_a_layer_is_missing(maps):
    assert (list(maps), len(maps), maps["a"].pairs.shape) == (["A", "a"], 2, (6, 2))
    with pytest.raises(
        KeyError, match="no map of layer 'odd'; it was skipped: one unit; there are maps of A, a"
    ):
        maps["odd"]
    with pytest.raises(KeyError, match="no map of layer 'b'; there are maps of A, a"):
        maps["b"]
    assert maps.get("b") is None


def test_it_prints_the_table_of_the_layers(maps):
    lines = repr(maps).splitlines()
    assert lines[0] == "LayerMaps: 100 samples, correction none; means over pairs, bits"
    heads = ["layer", "measure", "units", "pairs", "redundancy", "unique_mean", "synergy", "noise_floor"]
    assert lines[1].split() == heads == list(short_rows(maps.values())[0])
    assert lines[2].split()[3:7] == ["3", "0.2000", "0.2000", "0.4000"]
    assert lines[-1] == "skipped odd: one unit"
    many = pn.LayerMaps({f"fc{k}": layer(1, 0, 0, 0) for k in range(20)}, dict.fromkeys("abcdefgh", "odd"))
    assert len(repr(many).splitlines()) <= 12
    assert repr(many).splitlines()[-1] == "skipped: a, b, c, d, e, f and 2 more; the reasons are in .skipped"


def test_tables_have_all_layers(maps):
    assert [row["redundancy"] for row in maps.summary()] == pytest.approx([0.2, 1])
    table = maps.to_pandas()
    assert list(table["layer"]) == ["A"] * 3 + ["a"] * 6
    data = maps.to_xarray()
    assert data.redundancy.sizes == {"layer": 2, "unit": 4, "partner": 4}
    np.testing.assert_array_equal(data.synergy.sel(layer="A")[:3, :3], maps["A"].matrix("synergy"))
    assert np.isnan(data.synergy.sel(layer="A", unit=3)).all()


def test_saving_and_loading_keeps_layers_apart_that_some_disks_do_not(maps, tmp_path):
    found = pn.LayerMaps.load(maps.save(tmp_path / "maps"))
    assert (list(found), found.skipped) == (list(maps), maps.skipped)
    for name in maps:
        np.testing.assert_array_equal(found[name].atoms.synergy, maps[name].atoms.synergy)
    names = [path.name.lower() for path in (tmp_path / "maps").glob("*.npz")]
    assert len(set(names)) == 2


@pytest.mark.parametrize("text", ["{", "[]", '{"files": {}}', '{"files": 3, "skipped": {}}'])
def test_a_broken_index_is_refused(maps, tmp_path, text):
    (maps.save(tmp_path) / "maps.json").write_text(text)
    with pytest.raises(ValueError, match="names no maps"):
        pn.LayerMaps.load(tmp_path)


def test_it_draws_a_panel_for_each_layer(maps):
    titles = [axes.get_title() for axes in maps.plot("synergy").axes if axes.get_title()]
    assert titles == ["synergy of l (i_min)"] * 2
