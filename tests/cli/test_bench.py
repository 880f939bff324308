import json

import pytest
from typer.testing import CliRunner

from pidnet.cli import app


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
    listed = json.loads(run("--checkout", checkout, "--json").stdout)
    assert listed == [{"benchmark": "speed", "what it measures": "How fast it is."}]
    assert "How fast it is." in run("--checkout", checkout).stdout


def test_the_exit_code_is_that_of_the_benchmark(checkout):
    assert run("--checkout", checkout, "speed", "a", "b").exit_code == 7


def test_an_unknown_one_and_a_folder_without_any(checkout, tmp_path_factory):
    assert "no benchmark 'slow'" in str(run("--checkout", checkout, "slow").exception)
    empty = tmp_path_factory.mktemp("empty")
    assert "holds no benchmarks" in str(run("--checkout", empty).exception)
