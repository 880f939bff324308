import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import pidnet as pn
from pidnet.cli import app
from pidnet.cli._networks import find_model
from pidnet.cli._samples import find_data
from pidnet.maps import LayerMap, LayerMaps
from pidnet.runs import read_run

HEADS = ["layer", "measure", "units", "pairs", "redundancy", "unique_mean", "synergy", "noise_floor"]


def run(*arguments):
    result = CliRunner().invoke(app, ["map", *map(str, arguments)], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return result


def test_the_maps_are_those_of_the_library(at, mine, tmp_path):
    network = ("--model", at("network"), "--weights", mine / "weights.pt", "--data", at("parts"))
    options = (
        "--measure",
        "i_min",
        "--levels",
        3,
        "--quantizer",
        "equal_mass",
        "--seed",
        5,
        "--samples",
        120,
    )
    result = run(*network, *options, "--layers", "first,second", "--out", tmp_path, "--json")
    x, y = find_data(at("parts"), 120).calibration
    acts = pn.capture(find_model(at("network"), mine / "weights.pt"), (x, y), ["first", "second"])
    expected = pn.layer_maps(pn.quantize(acts, 3), "i_min", seed=5)
    for layer, layer_map in expected.items():
        found = LayerMap.load(tmp_path / f"{layer}-i_min.npz")
        np.testing.assert_array_equal(found.atoms.redundancy, layer_map.atoms.redundancy)
    assert json.loads(result.stdout)["layers"] == [layer_map.summary() for layer_map in expected.values()]
    settings = json.loads((tmp_path / "settings.json").read_text())["map"]
    assert (settings["seed"], settings["samples"], settings["levels"]) == (5, 120, 3)


def test_the_table_fits_a_terminal_and_says_what_comes_next(at, tmp_path):
    text = run(
        "--model", at("network"), "--data", at("loader"), "--measure", "i_mmi", "--out", tmp_path
    ).stdout
    assert HEADS in [line.split() for line in text.splitlines()]
    assert "…" not in text
    assert f"No --weights: the network is as {at('network')} makes it." in text
    assert f"Next: pidnet report {tmp_path}" in text


def test_a_gaussian_measure_takes_the_activations(at, tmp_path):
    words = (
        "--model",
        at("network"),
        "--data",
        at("samples"),
        "--measure",
        "gaussian_i_mmi",
        "--out",
        tmp_path,
    )
    assert json.loads(run(*words, "--json").stdout)["layers"][0]["measure"] == "gaussian_i_mmi"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--quantizer", "halves", "unknown quantizer 'halves'; the known ones are zero_level"),
        ("--measure", "i_best", "unknown measure 'i_best'"),
        ("--layers", "third", "no such layer: 'third'; the model has 'first'"),
    ],
)
def test_unknown_names_are_said(at, tmp_path, option, value, message):
    words = ["map", "--model", at("network"), "--data", at("samples"), "--out", str(tmp_path), option, value]
    result = CliRunner().invoke(app, words)
    assert message in str(result.exception)
    assert not any(tmp_path.iterdir())


def test_values_for_labels_get_a_remedy(at, tmp_path):
    values = "import mine\ndef values():\n    x, y = mine.samples()\n    return x, x[:, :1]\n"
    folder = Path(at("values").partition(":")[0]).parent
    (folder / "values.py").write_text(values)
    words = [
        "map",
        "--model",
        at("network"),
        "--data",
        f"{folder / 'values.py'}:values",
        "--out",
        str(tmp_path),
    ]
    result = CliRunner().invoke(app, words)
    assert "make classes of the values, or take a Gaussian measure such as gaussian_i_mmi" in str(
        result.exception
    )
    assert CliRunner().invoke(app, [*words, "--measure", "gaussian_i_mmi"]).exit_code == 0


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--intervals"], "--intervals has no effect with gaussian_i_mmi"),
        (["--null", "units"], "--null has no effect with gaussian_i_mmi"),
        (["--levels", "4"], "--levels has no effect"),
        (["--quantizer", "lloyd"], "--quantizer has no effect"),
        (["--correction", "shuffle_sources"], "unknown correction of gaussian_i_mmi 'shuffle_sources'"),
    ],
)
def test_a_gaussian_measure_refuses_what_it_would_not_use(at, tmp_path, option, message):
    """Fault F1: the command dropped them without a word."""
    words = ["map", "--model", at("network"), "--data", at("samples"), "--out", str(tmp_path)]
    result = CliRunner().invoke(app, [*words, "--measure", "gaussian_i_mmi", *option])
    assert message in str(result.exception)
    assert not any(tmp_path.iterdir())


def test_a_gaussian_map_is_corrected_where_that_is_asked_for(at, tmp_path):
    words = ("--model", at("network"), "--data", at("samples"), "--measure", "gaussian_i_broja", "--seed", 3)
    plain = json.loads(run(*words, "--out", tmp_path / "plain", "--json").stdout)["layers"]
    words = (*words, "--correction", "wishart", "--out", tmp_path / "corrected")
    corrected = json.loads(run(*words, "--json").stdout)["layers"]
    assert all(c["synergy"] < p["synergy"] for c, p in zip(corrected, plain, strict=True))
    settings = json.loads((tmp_path / "corrected" / "settings.json").read_text())["map"]
    assert (settings["correction"], settings["seed"], "levels" in settings) == ("wishart", 3, False)


def test_a_store_takes_the_maps_and_the_run_folder_has_them_too(at, tmp_path):
    words = (
        "--model",
        at("network"),
        "--data",
        at("samples"),
        "--measure",
        "i_min",
        "--out",
        tmp_path / "run",
    )
    made = json.loads(run(*words, "--store", tmp_path / "store", "--json").stdout)["layers"]
    again = json.loads(run(*words, "--store", tmp_path / "store", "--json").stdout)["layers"]
    plain = json.loads(run(*words, "--json").stdout)["layers"]
    assert again == made
    for stored, whole in zip(made, plain, strict=True):
        assert stored["redundancy"] == pytest.approx(whole["redundancy"], rel=1e-6)
    kept = LayerMaps.load(tmp_path / "store")["first"]
    np.testing.assert_array_equal(
        kept.atoms.synergy, read_run(tmp_path / "run").maps[0].atoms.synergy.astype("f4")
    )
    words = ["map", *map(str, words), "--store", str(tmp_path / "store"), "--seed", "4"]
    assert "holds a map" in str(CliRunner().invoke(app, words).exception)
