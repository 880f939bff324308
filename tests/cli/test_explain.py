"""`pidnet explain`: the words of ``explain_unit``, as text and as JSON."""

import json

import pytest
from typer.testing import CliRunner

from pidnet.cli import app, main
from pidnet.report import explain_unit
from pidnet.runs import read_run


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_it_prints_what_the_run_holds(run_folder, options):
    result = CliRunner().invoke(app, ["explain", str(run_folder), "--unit", "fc2:3", *options])
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)["sentences"] if options else result.output.splitlines()
    assert found == explain_unit(read_run(run_folder), "fc2", 3)


@pytest.mark.parametrize("unit", ["fc2", "fc2:", ":3", "fc2:x", "fc2:-1", "fc9:0", "fc2:99"])
def test_bad_units_get_a_sentence(run_folder, unit, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["pidnet", "explain", str(run_folder), "--unit", unit])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
