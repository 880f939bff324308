import pytest
import torch

import pidnet as pn
from pidnet.pruning import RemovedUnit
from pidnet.pruning.criteria.ranking import ascending


def test_the_same_share_of_every_layer_stays(mlp, calibration):
    plan = pn.plan_pruning(mlp, calibration, keep=0.25, criterion="l2")
    assert {name: len(units) for name, units in plan.kept.items()} == {"fc1": 12, "fc2": 8}
    for name, units in plan.kept.items():
        assert units == sorted(units)
        gone = {removal.unit for removal in plan.removed[name]}
        assert gone.isdisjoint(units)
        assert len(gone) + len(units) == mlp.get_submodule(name).out_features


def test_the_largest_norms_stay(mlp, calibration):
    plan = pn.plan_pruning(mlp, calibration, keep=0.25, criterion="l2")
    assert set(plan.kept["fc1"]) == set(mlp.fc1.weight.norm(dim=1).topk(12).indices.tolist())


def test_a_budget_of_macs_is_met_closely(mlp, calibration):
    plan = pn.plan_pruning(mlp, calibration, macs=0.4, criterion="l1")
    small = pn.apply_plan(mlp, plan, calibration, repair="none")
    dense_macs, small_macs = pn.compare_energy(mlp, small, calibration[0][:1]).macs
    assert 0.36 * dense_macs < small_macs <= 0.4 * dense_macs


def test_substitutes_are_kept_units_and_a_copy_is_replaced_by_its_original(calibration):
    torch.manual_seed(0)
    model = pn.zoo.mlp(64, (12,), 10)
    with torch.no_grad():
        model.fc1.bias += 1  # no unit is dead
        model.fc1.weight[7], model.fc1.bias[7] = model.fc1.weight[2], model.fc1.bias[2]
    (removal,) = pn.plan_pruning(model, calibration, keep=11 / 12, criterion="pid").removed["fc1"]
    assert removal.unit in (2, 7)
    assert removal.scale == "bits"
    (best, share), *_ = removal.substitutes
    assert best == 9 - removal.unit
    assert share > 0.9


def test_nobody_takes_over_a_dead_unit(calibration):
    torch.manual_seed(0)
    model = pn.zoo.mlp(64, (12,), 10)
    with torch.no_grad():
        model.fc1.weight[7], model.fc1.bias[7] = 0, -1
    plan = pn.plan_pruning(model, calibration, keep=0.5)
    (dead,) = (removal for removal in plan.removed["fc1"] if removal.unit == 7)
    assert dead.cost < 1e-6
    assert dead.substitutes == ()
    assert "(0%)" not in plan.explain()


def test_a_plan_can_be_stored_and_edited(mlp, calibration, tmp_path):
    plan = pn.plan_pruning(mlp, calibration, keep=0.5, criterion="random")
    assert pn.PruningPlan.load(plan.save(tmp_path / "plan.json")) == plan
    plan.kept["fc1"] = [3, 4]
    assert pn.apply_plan(mlp, plan, calibration).fc1.out_features == 2


def test_an_edited_plan_is_told_apart_from_what_was_planned(mlp, calibration, tmp_path):
    plan = pn.plan_pruning(mlp, calibration, keep=0.5, criterion="l2")
    back, out = plan.removed["fc1"][0].unit, plan.kept["fc1"][0]
    plan.kept["fc1"] = [back, *plan.kept["fc1"][1:]]
    edited = pn.PruningPlan.load(plan.save(tmp_path / "plan.json"))
    assert edited == plan
    assert back not in {row["unit"] for row in edited.rows() if row["layer"] == "fc1"}
    assert f"fc1: 24 units kept, 24 removed\n  removed by hand: {out}" in edited.explain()
    small = pn.apply_plan(mlp, edited, calibration, "none")
    assert torch.equal(small.fc1.weight, mlp.fc1.weight[sorted(edited.kept["fc1"])])


def test_the_seed_decides_the_random_choice(mlp, calibration):
    plans = [pn.plan_pruning(mlp, calibration, 0.5, "random", seed=seed).kept for seed in (0, 0, 1)]
    assert plans[0] == plans[1] != plans[2]


def test_a_criterion_of_ones_own(mlp, calibration):
    def last_first(statistics, layer):
        return ascending(-torch.arange(statistics.width(layer)).numpy())

    plan = pn.plan_pruning(mlp, calibration, 0.25, last_first)
    assert plan.kept["fc2"] == list(range(8))
    assert plan.criterion == "last_first"


def test_bad_input(mlp, calibration):
    x, y = calibration
    for budget, message in (
        ({"keep": 1.5}, "the budget keep=1.5 is not a share"),
        ({"macs": 0.0}, "the budget macs=0.0 is not a share"),
        ({"macs": 1e-4}, "less than one unit per layer"),
        ({}, "the budget is none; give exactly one: keep=, macs=, energy= or latency=, e.g. keep=0.5"),
        ({"keep": 0.5, "macs": 0.5}, "the budget is keep=0.5, macs=0.5; give exactly one"),
    ):
        with pytest.raises(ValueError, match=message):
            pn.plan_pruning(mlp, calibration, **budget)
    with pytest.raises(ValueError, match="unknown criterion 'pids'; the known ones are"):
        pn.plan_pruning(mlp, calibration, 0.5, "pids")
    with pytest.raises(ValueError, match=r"y has shape \(399,\); expected one target a sample"):
        pn.plan_pruning(mlp, (x, y[:-1]), 0.5)
    with pytest.raises(ValueError, match="1 sample; expected at least 2"):
        pn.plan_pruning(mlp, (x[:1], y[:1]), 0.5)
    with pytest.raises(ValueError, match=r"the data are a tensor of shape \(400, 64\); expected one pair"):
        pn.plan_pruning(mlp, x, 0.5)
    with pytest.raises(ValueError, match="this JSON is not a pruning plan"):
        pn.PruningPlan.from_json("{}")
    with pytest.raises(ValueError, match="this JSON is not a pruning plan: Expecting value"):
        pn.PruningPlan.from_json("fc1: all")


def test_a_plan_as_a_table(mlp, calibration):
    pytest.importorskip("pandas")
    plan = pn.plan_pruning(mlp, calibration, keep=0.5, criterion="l2")
    table = plan.to_pandas()
    assert table.to_dict("records") == plan.rows()
    assert (table.layer == "fc1").sum() == 24


def test_a_list_of_batches_gives_the_plan_of_the_pair(mlp, calibration):
    x, y = calibration
    of_batches = pn.plan_pruning(mlp, [(x[:100], y[:100]), (x[100:], y[100:])], keep=0.5, criterion="taylor")
    assert of_batches.kept == pn.plan_pruning(mlp, calibration, keep=0.5, criterion="taylor").kept


def test_the_share_kept_is_that_of_the_edited_plan():
    """Fault F2: tables and report said the share of the plan as it was made."""
    planned = [RemovedUnit(unit, 0.0, "score", ()) for unit in (1, 3, 5)]
    plan = pn.PruningPlan(kept={"fc1": [0, 2, 4]}, removed={"fc1": planned}, criterion="l1")
    assert plan.share_kept == 0.5
    plan.kept["fc1"] = [0, 5]
    assert round(plan.share_kept, 3) == 0.333
    assert plan.widths == {"fc1": 2}
    assert [removed.unit for removed in plan.still_removed("fc1")] == [1, 3]


def test_a_plan_prints_the_widths_of_its_layers_and_why_others_are_left_out(mlp, calibration):
    plan = pn.plan_pruning(mlp, calibration, keep=0.5, criterion="l2")
    first, *layers = repr(plan).splitlines()
    assert first == "PruningPlan by l2, keep=0.5; print(plan.explain()) lists the units"
    assert layers[:2] == ["  layer fc1: 24 of 48 kept", "  layer fc2: 16 of 32 kept"]
    assert layers[2] == f"  left out: layer head ({plan.left_out['head']})"


def test_a_plan_of_many_layers_prints_some(mlp):
    kept = {str(layer): [0] for layer in range(9)}
    plan = pn.PruningPlan(kept, {}, "l2", left_out=dict.fromkeys("abc", "shared"))
    assert repr(plan).splitlines()[7:] == [
        "  layer 6: 1 of ? kept",
        "  ... and 2 more layers",
        "  left out: layers a, b, c; the reasons are in .left_out",
    ]
