"""`pidnet energy`: what it prints for one network and for a pruned one of it."""

import json

import pytest
import torch
from typer.testing import CliRunner

import pidnet as pn
from pidnet.cli import app, main

SOURCE = """
import torch
from pidnet import zoo

def net():
    torch.manual_seed(0)
    return zoo.mlp(64, (256, 256), 10)

odd = torch.nn.Bilinear(4, 4, 2)
odd.forward = lambda x: torch.nn.functional.bilinear(x, x, odd.weight)
"""


@pytest.fixture
def source(tmp_path):
    (tmp_path / "mine.py").write_text(SOURCE)
    return f"{tmp_path / 'mine.py'}:net"


def run(*arguments):
    words = ["energy", "--model", *map(str, arguments)]
    result = CliRunner().invoke(app, words, env={"COLUMNS": "160"})
    assert result.exit_code == 0, result.output
    return result.output


def test_one_network_is_listed_layer_by_layer_with_its_total(source):
    text = run(source, "--shape", "64")
    assert "84,480" in text
    assert "modelled" in text
    assert [word for word in ("fc1", "fc2", "head", "total") if word not in text] == []


def test_what_is_not_counted_is_said(source):
    assert "Not counted in full: (model): Bilinear calls" in run(
        source.replace(":net", ":odd"), "--shape", "4"
    )


def test_a_pruned_network_is_compared(source, tmp_path):
    torch.manual_seed(0)
    dense = pn.zoo.mlp(64, (256, 256), 10)
    x, y = torch.randn(300, 64), torch.arange(300) % 10
    plan = pn.plan_pruning(dense, (x, y), 0.5, "l1")
    path = pn.save_pruned(pn.apply_plan(dense, plan, (x, y), repair="none"), plan, x, tmp_path / "small")
    text = run(source, "--shape", "64", "--small", path, "--dtype", "int8", "--grid", "400")
    assert "25,856" in text
    assert "CO2, estimated from dram" in text
    assert "CO2" not in run(source, "--shape", "64", "--small", path)


def test_accuracies_come_from_the_test_part_of_the_data(source, tmp_path):
    torch.manual_seed(0)
    dense, digits = pn.zoo.mlp(64, (256, 256), 10), pn.datasets.load("digits")
    plan = pn.plan_pruning(dense, (digits.x_train, digits.y_train), 0.5, "l1")
    small = pn.apply_plan(dense, plan, (digits.x_train, digits.y_train), repair="none")
    path = pn.save_pruned(small, plan, digits.x_train, tmp_path / "small")
    result = json.loads(run(source, "--data", "digits", "--small", path, "--json"))
    test = digits.x_test, digits.y_test
    assert result["accuracy"] == [pn.training.accuracy(dense, *test), pn.training.accuracy(small, *test)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere:net", "--shape", "64"], "no network at 'nowhere:net'"),
        (["SOURCE", "--shape", "1;2"], "--shape '1;2'; expected numbers above 0 with commas"),
        (["SOURCE", "--shape", "63"], "does not run on the inputs of --shape 63"),
        (["SOURCE"], "give --shape, such as 1,28,28, or --data"),
        (["SOURCE", "--shape", "64", "--data", "digits"], "--shape and --data both say what the input is"),
        (["SOURCE", "--shape", "64", "--grid", "40"], "--grid compares two networks"),
        (["SOURCE", "--shape", "-4"], "expected numbers above 0"),
        (["SOURCE", "--shape", "64", "--small", "mine.py"], "mine.py is no pruned network"),
        (["SOURCE", "--shape", "64", "--dtype", "fp8"], "unknown dtype 'fp8'"),
    ],
)
def test_bad_input_is_one_sentence(source, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    arguments = [source if word == "SOURCE" else word for word in arguments]
    monkeypatch.setattr("sys.argv", ["pidnet", "energy", "--model", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_the_result_as_json_is_the_same_on_the_screen_and_in_the_file(source, tmp_path):
    text = run(source, "--shape", "64", "--json", "--out", tmp_path / "energy.json")
    result = json.loads(text)
    assert result == json.loads((tmp_path / "energy.json").read_text())
    assert [row["MACs"] for row in result["layers"]] == [16_384, 65_536, 2_560, 84_480]
