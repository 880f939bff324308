"""What holds for every command: help, exit codes, one sentence an error, JSON and nothing else."""

import json
import warnings

import pytest
from typer.testing import CliRunner

from pidnet import __version__, cli

COMMANDS = ("demo", "map", "prune", "energy", "report", "bench")


def start(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["pidnet", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_a_reader_that_stops_is_no_fault_of_the_network(monkeypatch, capsys):
    def app(*arguments, **options):  # as click does where the pipe to `head` is closed
        try:
            raise BrokenPipeError
        except OSError:
            raise SystemExit(1)  # noqa: B904

    monkeypatch.setattr(cli, "app", app)
    assert start(monkeypatch, "map", "--help") == 1
    assert capsys.readouterr().err == ""


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


def test_a_network_that_does_not_take_the_data_is_bad_input(monkeypatch, capsys, at, tmp_path):
    words = ("--model", at("network"), "--data", "digits", "--out", tmp_path / "run")
    for command in ("map", "prune"):
        assert start(monkeypatch, command, *words) == 2
        last = capsys.readouterr().err.splitlines()[-1]
        assert "the network Net does not run on the inputs of digits, shape (2, 64), float32" in last
    assert not (tmp_path / "run").exists()


def test_what_nobody_foresaw_is_exit_code_1_and_one_sentence(monkeypatch, capsys, run_folder, tmp_path):
    def fails(*_):
        raise RuntimeError("the disk is\non fire")

    monkeypatch.setattr("pidnet.report.write_report", fails)
    assert start(monkeypatch, "report", run_folder, "--out", tmp_path / "page.html") == 1
    said = capsys.readouterr().err
    assert said == "pidnet: the disk is on fire (RuntimeError; --debug shows where)\n"


@pytest.mark.parametrize(
    ("command", "place", "message"),
    [
        ("demo", "file/run", "file is a file; name a folder with --out"),
        ("map", "file", "file is a file; name a folder with --out"),
        ("prune", "/proc/run", "cannot write to /proc/run (No such file or directory)"),
        ("energy", "folder", "it is a folder; name a file with --out"),
        ("report", "/proc/page.html", "cannot write to /proc"),
        ("bench", "folder", "it is a folder; name a file with --out"),
    ],
)
def test_a_place_that_cannot_be_written_is_said_before_the_work(
    monkeypatch, capsys, at, run_folder, tmp_path, command, place, message
):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    own = ("--model", at("network"))
    words = {"report": (run_folder,), "energy": (*own, "--shape", 6)}.get(command, ())
    words = (*own, "--data", at("samples")) if command in ("map", "prune") else words
    assert start(monkeypatch, command, *words, "--out", tmp_path / place) == 2
    said = capsys.readouterr().err
    assert message in said
    assert "Error" not in said


@pytest.mark.parametrize(
    ("option", "place"),
    [("--store", "file"), ("--run", "file"), ("--plot", "file/plane.png"), ("--plot", "")],
)
def test_a_place_that_cannot_be_written_is_named_by_its_option(
    monkeypatch, capsys, at, tmp_path, option, place
):
    (tmp_path / "file").touch()
    command = "map" if option == "--store" else "plane"
    where = tmp_path / place if place else tmp_path
    assert start(monkeypatch, command, "--model", at("network"), "--data", at("samples"), option, where) == 2
    said = capsys.readouterr().err
    assert f"with {option}\n" in said
    assert "--out" not in said


def test_the_version_is_that_of_the_package(monkeypatch, capsys):
    assert start(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"pidnet {__version__}\n"


def test_a_warning_is_a_sentence_without_a_line_of_code(monkeypatch, capsys, run_folder, tmp_path):
    def warns(*_):
        warnings.warn("few\nsamples", stacklevel=1)
        return run_folder / "settings.json"

    monkeypatch.setattr("pidnet.report.write_report", warns)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert start(monkeypatch, "report", run_folder, "--out", tmp_path / "page.html") == 0
    assert capsys.readouterr().err == "pidnet: warning: few samples\n"


def test_no_command_is_help(monkeypatch, capsys):
    assert start(monkeypatch) == 0
    assert "Exit codes: 0 done, 2 bad input" in " ".join(capsys.readouterr().out.split())


def test_an_interruption_is_exit_code_130(monkeypatch, run_folder, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pidnet.report.write_report", interrupted)
    assert start(monkeypatch, "report", run_folder, "--out", tmp_path / "page.html") == 130


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("pidnet pr", ["prune"]),
        ("pidnet prune --repair re", ["reconstruct", "refit"]),
        ("pidnet prune --criterion graph_i", ["graph_i_broja", "graph_i_ccs", "graph_i_min"]),
        ("pidnet map --measure gaussian_i_b", ["gaussian_i_broja"]),
        ("pidnet map --data fash", ["fashion_mnist"]),
    ],
)
def test_the_shell_completes_commands_and_names(monkeypatch, capsys, words, completed):
    monkeypatch.setenv("_PIDNET_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    assert start(monkeypatch) == 0
    printed = capsys.readouterr()
    assert sorted(printed.out.split()) == completed
    assert printed.err == "", "the terminal would show it"


def test_the_script_that_the_shell_reads_is_printed(monkeypatch, capsys):
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("bash", "/bin/bash"))
    assert start(monkeypatch, "--show-completion") == 0
    assert "complete_bash" in capsys.readouterr().out


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
    cli._output.print_json({"rows": [{"gap": float("inf"), "accuracy": float("nan"), "pairs": 3}]})
    assert json.loads(capsys.readouterr().out) == {"rows": [{"gap": None, "accuracy": None, "pairs": 3}]}
