"""The main job, end to end, through the command line."""

import csv
import json
import re
import shutil
from importlib.util import find_spec
from inspect import signature

import networkx
import pytest
from typer.testing import CliRunner

import pidnet as pn
from pidnet import cli
from pidnet.cli import _demo_run as demo


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The whole demo; then, in a copy of its folder, one measure and one budget of it once more."""
    folder = tmp_path_factory.mktemp("runs") / "demo"
    first = run_into(folder)
    again = folder.with_name("again")
    shutil.copytree(folder, again)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "MEASURES", demo.MEASURES[:1])
        patch.setattr(demo, "BUDGETS", demo.BUDGETS[:1])
        second = run_into(again)
    return folder, first, again, second


def run_into(folder):
    result = CliRunner().invoke(cli.app, ["demo", "--out", str(folder)])
    assert result.exit_code == 0, result.output
    return result.output


def test_a_second_run_loads_the_network_and_is_the_same_to_the_digit(runs):
    folder, first, again, second = runs
    assert "training an MLP 64-256" in first
    assert "loading" in second
    table = second[second.index("All pairs") : second.index("Open")].splitlines()
    assert set(table) - set(first.splitlines()) == {line for line in table if line.startswith("With 50%")}
    names = {path.name for path in again.iterdir() if re.match(r"fc.*(png|graphml)|pruned", path.name)}
    assert len(names) >= 9
    for name in names:
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_both_tables_are_printed_with_the_dense_network_first(runs):
    _, first, *_ = runs
    assert "fc2    i_broja" in first
    dense = next(line for line in first.splitlines() if "84,480" in line)
    assert "1.0000" in dense
    assert first.index(dense) < first.index("25,856")


def test_the_folder_holds_everything(runs):
    folder, *_ = runs
    layers = json.loads((folder / "layers.json").read_text())
    assert [(row["layer"], row["measure"]) for row in layers] == [
        (layer, measure) for measure in demo.MEASURES for layer in ("fc1", "fc2")
    ]
    with (folder / "budgets.csv").open() as file:
        budgets = list(csv.DictReader(file))
    assert [float(row["units kept"]) for row in budgets] == pytest.approx([1, *demo.BUDGETS], abs=0.002)
    assert int(budgets[0]["MACs"]) == 84_480
    graph = networkx.read_graphml(folder / "fc1-i_broja.graphml", node_type=int)
    assert len(graph) == 256
    page = (folder / "report.html").read_text()
    assert ('id="plotly"' if find_spec("plotly") else "data:image/png") in page


def test_it_shows_the_defaults(runs):
    """Fault F11: the demo showed a weak criterion and a weak repair."""
    folder, *_ = runs
    plans = [pn.PruningPlan.load(path) for path in folder.glob("pruned-*.plan.json")]
    assert len(plans) == len(demo.BUDGETS)
    assert {plan.criterion for plan in plans} == {signature(pn.plan_pruning).parameters["criterion"].default}
    assert signature(pn.apply_plan).parameters["repair"].default == demo.REPAIR


def test_it_ends_with_a_conclusion_and_holds_the_plane_and_the_codes(runs):
    folder, first, *_ = runs
    run = pn.runs.read_run(folder)
    assert [row.layer for row in run.sections.plane.rows if row.split == "train"] == ["fc1", "fc2", "head"]
    assert run.sections.codes.layers["fc1"].values.shape == (demo.CALIBRATION, 256)
    assert first[first.index("A narrow network") :].count(" train ") == 3
    for sentence in pn.report.conclusion(run):
        assert sentence in first


def test_the_pruned_network_is_small_and_still_right(runs, digits):
    folder, *_ = runs
    small = pn.load_pruned(pn.zoo.mlp(64, demo.WIDTHS, 10), folder / "pruned-0.25.safetensors")
    assert small.fc1.out_features == 64
    assert pn.training.accuracy(small, digits.x_test, digits.y_test) > 0.95


def test_bad_input_is_one_sentence(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("sys.argv", ["pidnet", "demo", "--criterion", "nothing", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as error:
        cli.main()
    assert error.value.code == 2
    message = capsys.readouterr().err
    assert "pidnet: unknown criterion 'nothing'; the known ones are" in message
    assert "training" not in message
    assert "Traceback" not in message
