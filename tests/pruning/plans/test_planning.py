import copy

import pytest
import torch
from torch import nn

import pidnet as pn
from tests.pruning.families import make


def test_the_plan_says_what_it_costs_and_who_takes_over(mlp, calibration):
    plan = pn.plan_pruning(mlp, calibration, keep=0.5)
    text = plan.explain(most=2)
    first = plan.removed["fc1"][0]
    assert "fc1: 24 units kept, 24 removed" in text
    assert "... and 22 more" in text
    assert f"{first.cost:.4g}" in text
    assert f"{first.substitutes[0][0]} ({first.substitutes[0][1]:.0%})" in text
    assert len(plan.rows()) == 24 + 16
    assert all(row["redundancy"] >= 0 and row["scale"] == "bits" for row in plan.rows())


def test_the_proposal_with_the_fewest_measured_bits_is_the_plan(mlp, calibration):
    from pidnet.pruning.plans.planning import gather
    from pidnet.pruning.plans.search import measured_plan

    plan = pn.plan_pruning(mlp, calibration, keep=0.2)
    measured = plan.settings["measured_bits"]
    statistics = gather(mlp, calibration)
    assert len(measured) > 3
    assert abs(measured_plan(statistics, plan.kept).loss - min(measured.values())) < 1e-5
    assert max(measured.values()) > min(measured.values())


def test_without_the_search_the_first_ranking_is_the_plan(mlp, calibration):
    from pidnet.pruning.plans.planning import gather

    plan = pn.plan_pruning(mlp, calibration, keep=0.5, search=False)
    assert (plan.settings["search"], plan.settings["measured_bits"]) == (False, {})
    for layer, removals in plan.removed.items():
        order = pn.CRITERIA["pid"](gather(mlp, calibration), layer).order
        assert [removal.unit for removal in removals] == order[: len(removals)].tolist()


def test_only_the_named_layers_are_cut():
    model, calibration = make("transformer", samples=60)
    plan = pn.plan_pruning(model, calibration, 0.5, "l2", layers=["blocks.1.ffn1"])
    assert list(plan.kept) == ["blocks.1.ffn1"]
    small = pn.apply_plan(model, plan, calibration)
    assert small.blocks[0].ffn1.out_features == 12
    assert small.blocks[1].ffn1.out_features == 6


def test_a_planted_xor_pair_stays():
    """Units 0 and 1 are two independent bits whose exclusive or is the label; the others are noise."""
    generator = torch.Generator().manual_seed(0)
    bits = torch.randint(0, 2, (1000, 8), generator=generator).float()
    label = (bits[:, 0] != bits[:, 1]).long()
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(8))
        model[0].bias.zero_()
        model[2].weight.zero_()
        model[2].weight[:2, :2] = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
        model[2].weight[2, 2:] = 0.01
        model[2].bias.zero_()
        model[4].weight.copy_(torch.tensor([[-4.0, -4.0, 0.0], [4.0, 4.0, 0.0]]))
        model[4].bias.copy_(torch.tensor([2.0, -2.0]))
    assert pn.training.accuracy(model, bits, label) == 1
    for criterion in ("pid", "graph_i_min"):
        plan = pn.plan_pruning(model, (bits, label), 0.5, criterion, layers=["0"])
        assert {0, 1} < set(plan.kept["0"]), criterion


def test_a_pruned_model_can_be_pruned_again(mlp, calibration):
    small = mlp
    for width in (24, 12):
        plan = pn.plan_pruning(small, calibration, 0.5, "obs")
        small = pn.apply_plan(small, plan, calibration)
        assert small.fc1.out_features == width


def test_fewer_samples_than_units_work_with_a_warning(mlp, calibration):
    few = calibration[0][:20], calibration[1][:20]
    with pytest.warns(UserWarning, match="20 calibration samples are fewer than the 48 units of layer 'fc1'"):
        plan = pn.plan_pruning(mlp, few, 0.5, "obs")
    assert pn.apply_plan(mlp, plan, few)(few[0]).isfinite().all()


def test_bad_input(mlp, calibration):
    x, y = calibration
    with pytest.raises(ValueError, match=r"does not run on inputs of shape \(2, 5\)"):
        pn.plan_pruning(mlp, (x[:, :5], y), 0.5)
    late = x.clone()
    late[300, 5] = float("nan")
    plan = pn.PruningPlan({"fc1": [0]}, {}, "own")
    for act in (lambda data: pn.plan_pruning(mlp, data, 0.5), lambda data: pn.apply_plan(mlp, plan, data)):
        with pytest.raises(ValueError, match="not finite, first among samples 256 to 399; remove those"):
            act((late, y))
        with pytest.raises(ValueError, match="the data hold 0 sample; expected at least 2"):
            act((x[:0], y[:0]))
    broken = copy.deepcopy(mlp)
    torch.nn.init.constant_(broken.fc1.weight, float("inf"))
    with pytest.raises(ValueError, match="the model's output is not finite"):
        pn.plan_pruning(broken, calibration, 0.5)
    pair = nn.Sequential(mlp, nn.Identity())
    pair[1].forward = lambda x: (1, x)
    with pytest.raises(TypeError, match="outputs a tuple; expected a tensor, an output with `logits`"):
        pn.plan_pruning(pair, calibration, 0.5)
    with pytest.raises(ValueError, match="'head' cannot be cut: its units reach the output"):
        pn.plan_pruning(mlp, calibration, 0.5, layers=["head"])
    with pytest.raises(ValueError, match="no such layer to cut: 'fc7'; what can be cut is 'fc1', 'fc2'"):
        pn.plan_pruning(mlp, calibration, 0.5, layers=["fc7"])
    with pytest.raises(ValueError, match="needs a BatchNorm after layer 'fc1', which has none"):
        pn.plan_pruning(mlp, calibration, 0.5, "bn_scale")
