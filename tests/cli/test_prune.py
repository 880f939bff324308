import json

import pytest
from typer.testing import CliRunner

import pidnet as pn
from pidnet.cli import app
from pidnet.cli._networks import find_model


def run(*arguments):
    result = CliRunner().invoke(app, ["prune", *map(str, arguments)], env={"COLUMNS": "200"})
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def network(at, mine):
    return "--model", at("network"), "--weights", mine / "weights.safetensors"


def test_two_budgets_become_two_networks(network, at, tmp_path):
    arguments = (*network, "--data", at("parts"), "--criterion", "l1", "--keep", 0.5, "--keep", 0.25)
    rows = json.loads(run(*arguments, "--out", tmp_path, "--json"))["budgets"]
    assert [row["parameters"] for row in rows] == [119, 47, 23]
    assert rows[0]["accuracy"] > 0.8
    small = pn.load_pruned(find_model(at("network")), tmp_path / "pruned-0.25.safetensors")
    assert small.first.out_features == 2


def test_a_budget_of_macs(network, at, tmp_path):
    arguments = (
        *network,
        "--data",
        at("samples"),
        "--criterion",
        "l2",
        "--macs",
        0.4,
        "--out",
        tmp_path,
        "--json",
    )
    dense, small = json.loads(run(*arguments))["budgets"]
    assert dense["MACs"] == 48 + 40 + 15
    assert 0.2 < small["MACs"] / dense["MACs"] <= 0.4
    assert (tmp_path / "pruned-macs-0.4.plan.json").is_file()


def test_a_budget_of_energy(network, at, tmp_path):
    arguments = (*network, "--data", at("samples"), "--criterion", "l2", "--energy", 0.5, "--out", tmp_path)
    dense, small = json.loads(run(*arguments, "--json"))["budgets"]
    assert 0.2 < small["modelled nJ (SRAM)"] / dense["modelled nJ (SRAM)"] <= 0.5


def test_the_plan_in_words_names_every_unit_that_goes(network, at, tmp_path):
    text = run(*network, "--data", at("parts"), "--criterion", "pid", "--explain", "--out", tmp_path)
    plan = pn.PruningPlan.load(tmp_path / "pruned-0.5.plan.json")
    assert plan.explain(most=None) in text
    assert "first: 4 units kept, 4 removed" in text


def test_the_search_can_be_left_out(network, at, tmp_path):
    for option, searched in (("--search", True), ("--no-search", False)):
        run(*network, "--data", at("parts"), option, "--out", tmp_path / option)
        plan = pn.PruningPlan.load(tmp_path / option / "pruned-0.5.plan.json")
        assert plan.settings["search"] == searched
        settings = json.loads((tmp_path / option / "settings.json").read_text())
        assert settings["prune"]["search"] == searched


def test_an_accuracy_that_was_not_measured_is_said(network, at, tmp_path):
    text = run(*network, "--data", at("loader"), "--criterion", "l1", "--out", tmp_path)
    assert "Accuracy not measured: the data have no test part" in text


def test_two_kinds_of_budget_are_refused(network, at, tmp_path):
    arguments = ["prune", *map(str, network), "--data", at("parts"), "--keep", "0.5", "--macs", "0.5"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path)])
    assert "--keep and --macs are different kinds of budget" in str(result.exception)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--criterion", "l1", "--no-search"], "--search has no effect with --criterion l1"),
        (["--json", "--explain"], "--explain has no effect with --json"),
        (["--criterion", "l3"], "unknown criterion 'l3'; the known ones are pid"),
        (["--repair", "magic"], "unknown repair 'magic'; the known ones are none, fold"),
    ],
)
def test_what_would_have_no_effect_is_refused_before_the_work(network, at, tmp_path, options, message):
    arguments = ["prune", *map(str, network), "--data", at("parts"), "--out", str(tmp_path), *options]
    result = CliRunner().invoke(app, arguments)
    assert message in str(result.exception)
    assert not any(tmp_path.iterdir())


def test_a_global_allocation_does_not_search(network, at, tmp_path):
    arguments = (*network, "--data", at("samples"), "--allocation", "global", "--out", tmp_path)
    (plan,) = json.loads(run(*arguments, "--json"))["plans"]
    assert plan["settings"]["allocation"] == "global"
    assert plan["settings"]["search"] is False
    result = CliRunner().invoke(app, ["prune", *map(str, arguments), "--search"])
    assert "with --allocation global" in str(result.exception)
