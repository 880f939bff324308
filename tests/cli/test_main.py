"""What holds for every command: help, exit codes, one sentence an error, JSON and nothing else."""

import json

import pytest
from typer.testing import CliRunner

from pidnet import cli

COMMANDS = ("demo", "map", "prune", "energy", "report", "bench")


def start(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["pidnet", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_each_option_does(command):
    result = CliRunner().invoke(cli.app, [command, "--help"], env={"COLUMNS": "200", "NO_COLOR": "1"})
    assert result.exit_code == 0
    options = [line for line in result.output.splitlines() if "  --" in line or line.startswith("│ --")]
    assert options
    assert all(len(line.split()) > 4 for line in options), result.output
    assert "--json" in result.output


def test_the_commands_are_listed():
    result = CliRunner().invoke(cli.app, ["--help"], env={"COLUMNS": "200"})
    assert [name for name in COMMANDS if f"│ {name}" not in result.output] == []


def test_bad_input_is_exit_code_2_and_one_sentence(monkeypatch, capsys, tmp_path):
    assert start(monkeypatch, "report", tmp_path) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"pidnet: {tmp_path} holds no run")


def test_what_the_network_raises_is_exit_code_1_and_one_sentence(monkeypatch, capsys, at, tmp_path):
    words = ("map", "--model", at("network"), "--data", "digits", "--out", tmp_path / "run")
    assert start(monkeypatch, *words) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert "cannot be multiplied" in last
    assert "RuntimeError; --debug shows where" in last
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("place", [1, 3])
def test_debug_shows_the_traceback_wherever_it_stands(monkeypatch, tmp_path, place):
    words = ["pidnet", "report", str(tmp_path)]
    words.insert(place, "--debug")
    monkeypatch.setattr("sys.argv", words)
    with pytest.raises(FileNotFoundError, match="holds no run"):
        cli.main()


def test_a_missing_option_is_named(monkeypatch, capsys):
    assert start(monkeypatch, "map") == 2
    assert "Missing option '--model'" in capsys.readouterr().err


def test_names_are_not_read_as_markup(monkeypatch, capsys):
    assert start(monkeypatch, "report", "[red]runs[/red]") == 2
    assert "pidnet: [red]runs[/red] holds no run" in capsys.readouterr().err


def test_what_is_not_finite_is_null(capsys):
    cli.output.print_json({"rows": [{"gap": float("inf"), "accuracy": float("nan"), "pairs": 3}]})
    assert json.loads(capsys.readouterr().out) == {"rows": [{"gap": None, "accuracy": None, "pairs": 3}]}
