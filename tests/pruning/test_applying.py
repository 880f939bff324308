import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.networks.outputs import OutputReading


@pytest.mark.parametrize("repair", ["none", "fold", "refit", "reconstruct"])
def test_the_result_is_smaller_and_the_model_untouched(mlp, calibration, digits, repair):
    before = {name: value.clone() for name, value in mlp.state_dict().items()}
    plan = pn.plan_pruning(mlp, calibration, keep=0.5, criterion="l2")
    small = pn.apply_plan(mlp, plan, calibration, repair=repair)
    assert [m.out_features for m in small if isinstance(m, nn.Linear)] == [24, 16, 10]
    assert small(digits.x_test).shape == (599, 10)
    for name, value in mlp.state_dict().items():
        assert torch.equal(value, before[name])


def divergence(dense, small, x):
    with torch.no_grad():
        return float(OutputReading("classes").divergence(dense(x), small(x)).mean())


def test_repair_holds_the_accuracy(mlp, calibration, digits):
    plan = pn.plan_pruning(mlp, calibration, keep=0.3, criterion="random")
    scores = {
        repair: pn.training.accuracy(
            pn.apply_plan(mlp, plan, calibration, repair=repair), digits.x_test, digits.y_test
        )
        for repair in ("none", "fold", "refit", "reconstruct")
    }
    dense = pn.training.accuracy(mlp, digits.x_test, digits.y_test)
    assert scores["none"] < dense - 0.15
    assert scores["fold"] > dense - 0.07
    assert scores["refit"] > dense - 0.07
    assert scores["reconstruct"] > dense - 0.03


@pytest.mark.parametrize("repair", ["fold", "refit", "reconstruct"])
def test_planted_copies_go_and_the_output_stays(calibration, repair):
    torch.manual_seed(0)
    model = pn.zoo.mlp(64, (10, 6), 4)
    with torch.no_grad():
        model.fc1.weight[5:], model.fc1.bias[5:] = model.fc1.weight[:5], model.fc1.bias[:5]
    plan = pn.plan_pruning(model, calibration, keep=0.5, criterion="pid")
    assert sorted(unit % 5 for unit in plan.kept["fc1"]) == [0, 1, 2, 3, 4]
    plan.kept["fc2"] = list(range(6))
    small = pn.apply_plan(model, plan, calibration, repair=repair)
    torch.testing.assert_close(small(calibration[0]), model(calibration[0]), atol=1e-5, rtol=1e-4)


def test_convolutions_are_cut_and_repaired(digits):
    torch.manual_seed(0)
    images = digits.x_train.reshape(-1, 1, 8, 8)
    model = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 10)),
    )
    pn.training.train(model, images, digits.y_train, epochs=4, rate=1e-2)
    calibration = images[:300], digits.y_train[:300]
    plan = pn.plan_pruning(model, calibration, keep=0.5)
    accuracy = [
        pn.training.accuracy(
            pn.apply_plan(model, plan, calibration, repair=r),
            digits.x_test.reshape(-1, 1, 8, 8),
            digits.y_test,
        )
        for r in ("none", "refit")
    ]
    assert accuracy[1] > accuracy[0] + 0.1


def test_bad_input(mlp, calibration):
    plan = pn.plan_pruning(mlp, calibration, keep=0.5, criterion="l2")
    x, y = calibration
    with pytest.raises(ValueError, match="expected one pair"):
        pn.apply_plan(mlp, plan, x)
    with pytest.raises(ValueError, match="the data hold 0 sample; expected at least 2"):
        pn.apply_plan(mlp, plan, (x[:0], y[:0]))
    with pytest.raises(
        ValueError, match="unknown repair 'glue'; the known ones are none, fold, refit, reconstruct"
    ):
        pn.apply_plan(mlp, plan, calibration, repair="glue")
    with pytest.raises(ValueError, match="no such layer to cut: 'fc9'; what can be cut is 'fc1', 'fc2'"):
        pn.apply_plan(mlp, pn.PruningPlan({"fc9": [0]}, {}, "own"), calibration)
    with pytest.raises(ValueError, match=r"does not run on inputs of shape \(2, 5\)"):
        pn.apply_plan(mlp, plan, (calibration[0][:, :5], calibration[1]))
    for kept in ([], [48], [-1]):
        with pytest.raises(ValueError, match="of layer 'fc1'; expected some of the units 0 to 47"):
            pn.apply_plan(mlp, pn.PruningPlan({"fc1": kept}, {}, "own"), calibration)


def test_a_plan_for_another_width_is_refused(mlp, calibration):
    """The plan for the dense network on the pruned one, and the other way round."""
    plan = pn.plan_pruning(mlp, calibration, keep=0.5, criterion="l2")
    small = pn.apply_plan(mlp, plan, calibration)
    again = pn.plan_pruning(small, calibration, keep=0.5, criterion="l2")
    plan.kept["fc1"] = list(range(10))
    with pytest.raises(
        ValueError, match="made for 48 units of layer 'fc1', which has 24: it is already pruned"
    ):
        pn.apply_plan(small, plan, calibration)
    again = pn.PruningPlan.from_json(again.to_json())
    with pytest.raises(ValueError, match="made for 24 units of layer 'fc1', which has 48"):
        pn.apply_plan(mlp, again, calibration)


def test_mode_and_frozen_parameters_of_the_model_stay(mlp, calibration):
    model = copy.deepcopy(mlp).train()
    model.fc1.requires_grad_(False)
    plan = pn.plan_pruning(model, calibration, keep=0.5, criterion="obs")
    small = pn.apply_plan(model, plan, calibration)
    assert model.training
    assert not small.training
    assert not small.fc1.weight.requires_grad
    assert small.fc2.weight.requires_grad
    assert [p.requires_grad for p in model.parameters()] == [False, False, True, True, True, True]


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16, torch.float16])
def test_other_precisions(mlp, calibration, digits, kind):
    model, data = copy.deepcopy(mlp).to(kind), (calibration[0].to(kind), calibration[1])
    plan = pn.plan_pruning(model, data, keep=0.5, criterion="obs")
    small = pn.apply_plan(model, plan, data)
    assert {p.dtype for p in small.parameters()} == {kind}
    accuracies = [pn.training.accuracy(net, digits.x_test.to(kind), digits.y_test) for net in (model, small)]
    assert accuracies[1] > accuracies[0] - 0.05


@pytest.mark.parametrize("repair", ["none", "fold"])
def test_batchnorm_can_be_re_estimated_after_any_repair(repair):
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Linear(9, 4)),
    ).eval()
    x = torch.randn(500, 6)
    with torch.no_grad():
        hidden = model[:3](x)
        model[3].running_mean, model[3].running_var = hidden.mean(0), hidden.var(0)
        model[5].weight *= 3
    plan = pn.PruningPlan({"0": list(range(5))}, {}, "own")
    bare, mended = (pn.apply_plan(model, plan, (x, x), repair, batchnorm=b) for b in (None, True))
    assert torch.equal(bare[3].running_mean, model[3].running_mean)
    if repair == "none":
        assert divergence(model, mended, x) < 0.9 * divergence(model, bare, x)
        torch.testing.assert_close(mended[3].running_mean, mended[:3](x).mean(0), atol=1e-5, rtol=1e-4)
    else:
        # The fold has put the means right; smaller variances would only take the output further away.
        for name, value in bare.state_dict().items():
            assert torch.equal(value, mended.state_dict()[name])


def test_memory_does_not_grow_with_the_calibration_set():
    """Peak memory of the process after a refit on 1,000 and then on 50,000 samples of 64 hidden units: holding
    the rows of one layer would take 26 MB more."""
    script = """
import resource, torch, pidnet as pn
torch.set_num_threads(1)
torch.manual_seed(0)
model = pn.zoo.mlp(4, (64, 64), 3).eval()
plan = pn.PruningPlan({"fc1": list(range(32)), "fc2": list(range(32))}, {}, "own")
x = torch.randn(50_000, 4)
for samples in (1_000, 50_000):
    pn.apply_plan(model, plan, (x[:samples], x[:samples, 0]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    few, many = map(int, run.stdout.split())
    assert many - few < 8_000  # kilobytes
