import json
import sys

import pytest
from typer.testing import CliRunner

from pidnet.cli import app
from pidnet.measures import MEASURES


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "speed.py").write_text(
        '"""How fast it is."""\nimport sys\nif __name__ == "__main__":\n    sys.exit(len(sys.argv[1:]) + 5)\n'
    )
    (folder / "parts.py").write_text('"""Cannot be started."""\n')
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["bench", *map(str, arguments)])


def test_what_can_be_started_is_listed(checkout):
    listed = json.loads(run("--list", "--checkout", checkout, "--json").stdout)
    assert listed == [{"benchmark": "speed", "what it measures": "How fast it is."}]
    assert "How fast it is." in run("--list", "--checkout", checkout).stdout


def test_the_exit_code_is_that_of_the_benchmark(checkout):
    assert run("--checkout", checkout, "speed", "a", "b").exit_code == 7


def test_an_unknown_one_and_a_folder_without_any(checkout, tmp_path_factory):
    assert "no benchmark 'slow'" in str(run("--checkout", checkout, "slow").exception)
    empty = tmp_path_factory.mktemp("empty")
    assert "holds no benchmarks" in str(run("--list", "--checkout", empty).exception)


def test_this_machine_is_measured(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules["pidnet.cli.bench"], "PAIRS", {"": 30})
    monkeypatch.setattr(sys.modules["pidnet.cli.bench"], "WIDTH", 6)
    found = json.loads(run("--seed", 3, "--json", "--out", tmp_path / "bench.json").stdout)
    assert found == json.loads((tmp_path / "bench.json").read_text())
    assert [row["measure"] for row in found["measures"]] == list(MEASURES)
    assert all(row["pairs per second"] > 1 and row["largest gap, bits"] < 1e-3 for row in found["measures"])
    assert [row["seconds"] > 0 for row in found["jobs"]] == [True] * 4
    assert found["seed"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--list", "--seed", 1], "--seed has no effect with --list"),
        (["speed", "--json"], "--json has no effect on speed"),
        ([], "--checkout has no effect without a NAME or --list"),
    ],
)
def test_what_would_have_no_effect_is_refused(checkout, options, message):
    assert message in str(run("--checkout", checkout, *options).exception)
