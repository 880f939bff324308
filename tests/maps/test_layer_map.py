import json
import sys
import zipfile

import matplotlib.figure
import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.codes import Codes
from pidnet.maps import _storage
from tests.maps.test_mapping import planted_codes


def test_matrices_show_who_knows_what():
    generator = torch.Generator().manual_seed(0)
    layer = torch.randint(3, (200, 4), generator=generator, dtype=torch.uint8)
    codes = Codes.of({"l": layer}, (layer[:, 1] > 0).long())
    layer_map = pn.layer_maps(codes, "i_mmi")["l"]
    unique, redundancy = layer_map.matrix("unique1"), layer_map.matrix("redundancy")
    np.testing.assert_array_equal(redundancy, redundancy.T)
    np.testing.assert_array_equal(unique, layer_map.matrix("unique2").T)
    # The information of a unit is its redundancy with a partner and its unique part.
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose((redundancy + unique)[off], np.repeat(layer_map.unit_information, 3))
    assert unique[1, 0] > 0.5 > unique[0, 1]


def test_summary_counts_only_units_that_vary():
    summary = pn.layer_maps(planted_codes(), "i_min", correction="none")["hidden"].summary()
    assert (summary["pairs"], summary["samples"], summary["measure"]) == (3, 120, "i_min")
    assert summary["synergy"] == pytest.approx(2 / 3)


def test_saving_and_loading_changes_nothing(tmp_path):
    layer_map = pn.layer_maps(planted_codes(), "i_min", null="labels", intervals=True)["hidden"]
    loaded = pn.LayerMap.load(layer_map.save(tmp_path / "map"))
    for name in ("layer", "measure", "samples", "notes", "settings"):
        assert getattr(loaded, name) == getattr(layer_map, name)
    for name, values in layer_map.atoms.items():
        np.testing.assert_array_equal(getattr(loaded.atoms, name), values)
        np.testing.assert_array_equal(getattr(loaded.plug_in, name), getattr(layer_map.plug_in, name))
    for stored, made in ((loaded.atoms, layer_map.atoms), (loaded.plug_in, layer_map.plug_in)):
        assert stored.gap_kind == made.gap_kind == "exact"
        np.testing.assert_array_equal(stored.gap, made.gap)
    assert loaded.noise_floor == layer_map.noise_floor
    for stored, made in ((loaded.p_values, layer_map.p_values), (loaded.intervals, layer_map.intervals)):
        assert stored.keys() == made.keys() != set()
        for name, values in made.items():
            np.testing.assert_array_equal(stored[name], values)
    assert [path.name for path in tmp_path.iterdir()] == ["map.npz"]


def test_a_wide_map_is_kept_in_four_bytes_a_number(tmp_path, monkeypatch):
    made = pn.layer_maps(planted_codes(), "i_broja", correction="none")["hidden"]
    monkeypatch.setattr(_storage, "WIDE", 2)
    loaded = pn.LayerMap.load(made.save(tmp_path / "map"))
    np.testing.assert_array_equal(loaded.pairs, made.pairs)
    for name, values in made.atoms.items():
        assert getattr(loaded.atoms, name).dtype == np.float32
        np.testing.assert_allclose(getattr(loaded.atoms, name), values, atol=1e-6)
    off = np.max([np.abs(getattr(loaded.atoms, name) - values) for name, values in made.atoms.items()], 0)
    assert (loaded.atoms.gap >= made.atoms.gap + off)[made.atoms.gap > 0].all()


def test_a_map_with_objects_inside_is_not_loaded(tmp_path):
    np.savez(tmp_path / "evil.npz", json=np.array(json.dumps({})), pairs=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match=r"holds Python objects \(pairs\)"):
        pn.LayerMap.load(tmp_path / "evil.npz")


def test_pandas_has_a_row_for_each_pair():
    table = pn.layer_maps(planted_codes(), "i_min")["hidden"].to_pandas()
    assert list(table.columns[:3]) == ["unit1", "unit2", "redundancy"]
    assert len(table) == 3


def test_xarray_has_every_pair_both_ways():
    pytest.importorskip("xarray")
    layer_map = pn.layer_maps(planted_codes(), "i_min", null="labels", intervals=True)["hidden"]
    data = layer_map.to_xarray()
    for name, matrix in (
        ("redundancy", "redundancy"),
        ("unique1", "unique1"),
        ("unique2", "unique2"),
        ("synergy", "synergy"),
    ):
        np.testing.assert_array_equal(data[name], layer_map.matrix(matrix))
    first, second = layer_map.pairs[1]
    assert data.unique1.sel(unit=second, partner=first) == layer_map.atoms.unique2[1]
    assert data.unique1_low.sel(unit=second, partner=first) == layer_map.intervals["unique2"][1, 0]
    assert data.unique1_high.sel(unit=first, partner=second) == layer_map.intervals["unique1"][1, 1]
    assert data.redundancy_p.sel(unit=second, partner=first) == layer_map.p_values["redundancy"][1]
    assert np.isnan(data.redundancy_p.sel(unit=first, partner=first))
    np.testing.assert_array_equal(data.unit_information, layer_map.unit_information)
    assert (data.attrs["measure"], data.attrs["null"]) == ("i_min", '"labels"')


def same(one, other):
    """Whether two maps hold the same, bit by bit."""
    assert vars(one).keys() <= set(one.__dataclass_fields__) | {"varying"}
    for name in one.__dataclass_fields__:
        mine, theirs = getattr(one, name), getattr(other, name)
        if isinstance(mine, pn.Atoms):
            assert mine.gap_kind == theirs.gap_kind
            mine, theirs = ({**dict(atoms.items()), "gap": atoms.gap} for atoms in (mine, theirs))
        np.testing.assert_equal(theirs, mine, err_msg=name)


@pytest.mark.parametrize("through", ["memory", "zarr"])
@pytest.mark.parametrize("correction", ["mixture", "none"])
def test_a_map_comes_back_from_xarray_and_zarr(planted, tmp_path, through, correction):
    xarray = pytest.importorskip("xarray")
    made = (
        planted
        if correction == "mixture"
        else pn.layer_maps(planted_codes(), "i_broja", correction="none")["hidden"]
    )
    data = made.to_xarray()
    if through == "zarr":
        pytest.importorskip("zarr")
        data.to_zarr(tmp_path / "map.zarr", consolidated=False)
        data = xarray.open_zarr(tmp_path / "map.zarr", consolidated=False)
    same(made, pn.LayerMap.from_xarray(data))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (lambda data: data.drop_vars("gap"), "'gap' is missing"),
        (lambda data: data.isel(unit=slice(2)), "not over all pairs of 2 units"),
        (
            lambda data: data.assign(redundancy=data.redundancy + np.inf),
            "'redundancy' has values that are not finite",
        ),
        (lambda data: data.drop_attrs(), "'layer' is missing"),
        (lambda data: data.redundancy, "the data hold no map"),
        (lambda data: 3, "the data hold no map"),
    ],
)
def test_data_that_hold_no_map_are_refused(planted, broken, message):
    pytest.importorskip("xarray")
    with pytest.raises(ValueError, match=message):
        pn.LayerMap.from_xarray(broken(planted.to_xarray()))


def test_a_table_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match="install it: pip install xarray"):
        pn.layer_maps(planted_codes(), "i_min")["hidden"].to_xarray()


def test_significant_pairs():
    layer_map = pn.layer_maps(planted_codes(), "i_min", null="labels")["hidden"]
    np.testing.assert_array_equal(layer_map.significant("synergy"), [False, True, True])
    assert not layer_map.significant("redundancy").any()
    with pytest.raises(ValueError, match="alpha=5; expected a share between 0 and 1"):
        layer_map.significant("synergy", 5)
    with pytest.raises(ValueError, match="the null 'units' of this map tests redundancy, not 'synergy'"):
        pn.layer_maps(planted_codes(), "i_min")["hidden"].significant("synergy")
    with pytest.raises(ValueError, match="unknown null 'label'; the known ones are none, units"):
        pn.layer_maps(planted_codes(), "i_min", null="label")
    with pytest.raises(ValueError, match="unknown correction 'shuffle'; the known ones are none, mixture"):
        pn.layer_maps(planted_codes(), "i_min", correction="shuffle")


@pytest.fixture
def planted():
    return pn.layer_maps(planted_codes(), "i_min", null="labels", intervals=True)["hidden"]


def test_it_prints_in_a_few_lines(planted):
    lines = repr(planted).splitlines()
    assert lines[0] == "LayerMap hidden by i_min: 4 units (1 constant), 3 pairs, 120 samples"
    assert lines[1].split() == ["bits", "redundancy", "unique_mean", "synergy"]
    assert lines[2].split()[:3] == ["mean", "over", "pairs"]
    assert lines[2].split()[-1].startswith("0.6")
    assert lines[3].split()[:2] == ["noise", "floor"]
    assert lines[4].strip().startswith("widest gap ")
    assert lines[5].strip() == "quantizer own_values, levels 2, correction mixture, null labels"
    assert lines[6].strip() == "Note: constant units of hidden, skipped: 3"
    # Every level is balanced by design, so that the samples have no noise and the correction takes too much.
    assert "below 0 by more than its noise" in " ".join(lines)
    assert len(lines) == 12
    assert "<pre>LayerMap hidden" in planted._repr_html_()


def test_it_draws_itself_into_given_axes(planted):
    axes = matplotlib.figure.Figure().subplots()
    assert planted.plot("synergy", ax=axes) is axes.figure
    assert axes.get_title() == "synergy of hidden (i_min, 120 samples)"


def broken(path, layer_map, **arrays):
    """The file of a map with some arrays replaced; None takes one away."""
    with np.load(layer_map.save(path)) as stored:
        changed = {name: value for name, value in (dict(stored) | arrays).items() if value is not None}
    np.savez(path, **changed)
    return path


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"redundancy": np.zeros(2)}, r"'redundancy' has the shape \(2,\)"),
        ({"redundancy": None}, "redundancy"),
        ({"other": np.zeros(3)}, "other"),
        ({"redundancy": np.array([0, np.nan, 0])}, "'redundancy' has values that are not finite"),
        ({"unit_information": np.full(4, np.inf)}, "unit_information has values that are not finite"),
        ({"pairs": np.array([[0, 1], [0, 2], [1, 9]])}, "not different pairs i < j of the units 0 ... 3"),
        ({"pairs": np.array([[0, 1], [0, 1], [1, 2]])}, "not different pairs"),
        ({"pairs": np.array([[0, 1], [2, 0], [1, 2]])}, "not different pairs"),
        ({"units": np.array([0, 1, 2, 7])}, "units are not 0 ... 3"),
        ({"units": np.arange(2)}, "3 pairs of 2 units"),
        ({"p_values.synergy": np.array([0, 2, 0.5])}, "p-values of synergy are outside"),
        ({"intervals.synergy": np.zeros(3)}, r"expected the shape \(3, 2\)"),
        ({"json": np.array("{}")}, "'layer' is missing"),
    ],
)
def test_a_broken_map_is_refused_with_the_reason(planted, tmp_path, arrays, reason):
    path = broken(tmp_path / "map.npz", planted, **arrays)
    with pytest.raises(ValueError, match=rf"map.npz holds no map that can be read: .*{reason}"):
        pn.LayerMap.load(path)


def test_atoms_without_an_answer_may_be_nan(planted, tmp_path):
    without = {"redundancy": np.array([0, np.nan, 0]), "gap": np.array([0, np.inf, 0])}
    without |= {f"intervals.{name}": None for name in planted.intervals}
    path = broken(tmp_path / "map.npz", planted, **without)
    assert np.isnan(pn.LayerMap.load(path).atoms.redundancy[1])


def test_a_header_that_promises_more_than_the_file_holds_takes_no_memory(planted, tmp_path):
    path, huge = planted.save(tmp_path / "map.npz"), tmp_path / "huge.npz"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(huge, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "redundancy.npy":
                content = content.replace(b"(3,), }        ", b"(3000000000,), }")[: len(content)]
            new.writestr(name, content)
    with pytest.raises(ValueError, match="'redundancy' is not as large as its shape"):
        pn.LayerMap.load(huge)


@pytest.mark.parametrize("content", [b"", b"no map"])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    (tmp_path / "map.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"map.npz holds no map that can be read"):
        pn.LayerMap.load(tmp_path / "map.npz")
    with pytest.raises(FileNotFoundError):
        pn.LayerMap.load(tmp_path / "none.npz")
