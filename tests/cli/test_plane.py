"""`pidnet plane`: brackets of each layer, on the screen, as JSON and as a picture."""

import json

import pytest
from typer.testing import CliRunner

from pidnet.cli import app, main
from pidnet.runs import read_run

SOURCE = """
import torch
from pidnet import zoo

def net():
    torch.manual_seed(0)
    return zoo.mlp(64, (12, 8), 10, variant="stochastic")
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "mine.py").write_text(SOURCE)
    return f"{tmp_path / 'mine.py'}:net"


def run(*arguments, shown="output"):
    words = ["plane", "--data", "digits", "--samples", "200", *map(str, arguments)]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return getattr(result, shown)


def test_each_layer_has_its_brackets(source, tmp_path):
    text = run("--model", source, "--plot", tmp_path / "plane.svg")
    assert [word for word in ("fc1", "channel", "upstream", "held out", "I(X;T|Y)") if word not in text] == []
    assert "nested draws" in text
    assert "No --weights" in text
    assert (tmp_path / "plane.svg").read_text().startswith("<?xml")


def test_the_result_as_json_is_the_same_on_the_screen_and_in_the_file(source, tmp_path):
    result = json.loads(
        run("--model", source, "--layers", "fc1", "--json", "--out", tmp_path / "plane.json", shown="stdout")
    )
    assert result == json.loads((tmp_path / "plane.json").read_text())
    assert [row["quantity"] for row in result["rows"][:3]] == ["I(X;T)", "I(X;T|Y)", "I(T;Y)"]
    assert all(row["low"] <= row["high"] for row in result["rows"])


def test_the_report_of_a_run_folder_shows_the_plane(source, tmp_path):
    folder = tmp_path / "run"
    text = run("--model", source, "--layers", "fc1", "--run", folder)
    assert f"pidnet report {folder}" in " ".join(text.split())
    assert read_run(folder).sections.plane.layers == ("fc1",)
    made = CliRunner().invoke(app, ["report", str(folder)], env={"COLUMNS": "160"})
    assert made.exit_code == 0, made.output
    page = (folder / "report.html").read_text()
    assert [word for word in ("Information plane", "fc1", "held out") if word not in page] == []


def test_data_without_a_test_part_hold_nothing_out(source, tmp_path):
    whole = "import torch\ndef whole():\n    return torch.zeros(60, 64), torch.arange(60) % 10\n"
    (tmp_path / "whole.py").write_text(whole)
    text = run("--model", source, "--layers", "fc1", "--data", f"{tmp_path / 'whole.py'}:whole")
    assert "Nothing is held out: the data have no test part; return (x_train, y_train" in text


def test_a_picture_that_nothing_draws_is_said_before_the_work(source, tmp_path):
    words = ["plane", "--model", source, "--data", "digits", "--plot", str(tmp_path / "plane.xyz")]
    result = CliRunner().invoke(app, words)
    assert "plane.xyz is no picture that can be drawn; name one with" in str(result.exception)
    assert "starting" not in result.output


def test_bad_input_is_one_sentence(source, monkeypatch, capsys):
    monkeypatch.setattr(
        "sys.argv", ["pidnet", "plane", "--model", source, "--data", "digits", "--layers", "fc9"]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "no such layer: 'fc9'" in " ".join(capsys.readouterr().err.split())
