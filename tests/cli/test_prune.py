import json

import pytest
from typer.testing import CliRunner

import pidnet as pn
from pidnet.cli import app
from pidnet.cli._networks import find_model
from pidnet.pruning import plan_pruning
from pidnet.runs import done_before, read_run

STAMPS = ("pidnet", "torch", "run")


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


def test_a_run_that_was_stopped_goes_on_with_the_budget_it_lacks(network, at, tmp_path, monkeypatch):
    budgets = ("--keep", 0.75, "--keep", 0.5, "--keep", 0.25)
    arguments = (*network, "--data", at("parts"), "--criterion", "random", *budgets)
    whole = json.loads(run(*arguments, "--out", tmp_path / "whole", "--json"))["budgets"]
    planned = []

    def stop_after_one(*given, **options):
        planned.append(options["keep"])
        if len(planned) == 2:
            raise KeyboardInterrupt
        return plan_pruning(*given, **options)

    monkeypatch.setattr("pidnet.pruning.plan_pruning", stop_after_one)
    words = ["prune", *map(str, arguments), "--out", str(tmp_path / "stopped")]
    assert CliRunner().invoke(app, words).exit_code == 130
    assert [budget.name for budget in read_run(tmp_path / "stopped").budgets] == ["0.75"]
    result = CliRunner().invoke(app, [*words, "--json"])
    assert "going on after budget 0.75" in result.stderr
    assert planned == [0.75, 0.5, 0.5, 0.25]
    assert json.loads(result.stdout)["budgets"] == whole
    names = ("pruned-0.75.safetensors", "pruned-0.25.safetensors", "budgets.csv", "files.json")
    for name in names:
        assert (tmp_path / "stopped" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    CliRunner().invoke(app, words)
    assert planned[4:] == [0.75, 0.5, 0.25], "a run that came to its end is made anew"
    planned.clear()  # and stays until the new one has come to its end
    assert CliRunner().invoke(app, words).exit_code == 130
    assert [budget.name for budget in read_run(tmp_path / "stopped").budgets] == ["0.75", "0.5", "0.25"]


def test_a_run_of_other_weights_is_not_gone_on_with(network, at, tmp_path):
    budgets = ("--criterion", "l1", "--keep", 0.75, "--keep", 0.5, "--out", tmp_path)
    run(*network, "--data", at("parts"), *budgets)
    kept = read_run(tmp_path)
    settings = {key: kept.settings["prune"][key] for key in kept.settings["prune"] if key not in STAMPS}
    dense = find_model(at("network"))
    assert len(done_before(tmp_path, settings, ["0.75", "0.5"], dense)) == 2
    assert done_before(tmp_path, settings, ["0.75"], dense) == []
    assert len(done_before(tmp_path, settings, ["0.75", "0.5", "0.25"], dense)) == 2
    assert done_before(tmp_path, settings, ["0.5", "0.75", "0.25"], dense) == []
    assert done_before(tmp_path, settings | {"digest": "other"}, ["0.75", "0.5", "0.25"], dense) == []


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
        (["--criterion", "l1", "--no-search"], "--no-search has no effect with --criterion l1"),
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


def test_how_the_output_is_read_is_handed_on(network, at, tmp_path):
    arguments = (*network, "--data", at("samples"), "--no-search", "--output", "bernoulli", "--out", tmp_path)
    (plan,) = json.loads(run(*arguments, "--json"))["plans"]
    assert plan["settings"]["output"] == "bernoulli"
    result = CliRunner().invoke(app, ["prune", *map(str, arguments), "--output", "words"])
    assert "unknown output 'words'; the known ones are classes" in str(result.exception)
