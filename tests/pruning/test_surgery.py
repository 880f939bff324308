import pytest
import torch
from torch import nn

import pidnet as pn


@pytest.mark.parametrize("repair", ["none", "fold", "refit"])
def test_the_result_is_smaller_and_the_model_untouched(mlp, calibration, digits, repair):
    before = {name: value.clone() for name, value in mlp.state_dict().items()}
    plan = pn.plan_pruning(mlp, calibration, keep=0.5, criterion="l2")
    small = pn.apply_plan(mlp, plan, calibration, repair=repair)
    assert [m.out_features for m in small if isinstance(m, nn.Linear)] == [24, 16, 10]
    assert small(digits.x_test).shape == (599, 10)
    for name, value in mlp.state_dict().items():
        assert torch.equal(value, before[name])


def test_repair_holds_the_accuracy(mlp, calibration, digits):
    plan = pn.plan_pruning(mlp, calibration, keep=0.3, criterion="random")
    scores = {
        repair: pn.zoo.accuracy(
            pn.apply_plan(mlp, plan, calibration, repair=repair), digits.x_test, digits.y_test
        )
        for repair in ("none", "fold", "refit")
    }
    dense = pn.zoo.accuracy(mlp, digits.x_test, digits.y_test)
    assert scores["none"] < dense - 0.15
    assert scores["fold"] > dense - 0.07
    assert scores["refit"] > dense - 0.07


@pytest.mark.parametrize("repair", ["fold", "refit"])
def test_planted_copies_go_and_the_output_stays(calibration, repair):
    torch.manual_seed(0)
    model = pn.zoo.mlp(64, (10, 6), 4)
    with torch.no_grad():
        model.fc1.weight[5:], model.fc1.bias[5:] = model.fc1.weight[:5], model.fc1.bias[:5]
    plan = pn.plan_pruning(model, calibration, keep=0.5, criterion="pid")
    assert sorted(unit % 5 for unit in plan.keep["fc1"]) == [0, 1, 2, 3, 4]
    plan.keep["fc2"] = list(range(6))
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
    pn.zoo.train(model, images, digits.y_train, epochs=4, rate=1e-2)
    calibration = images[:300], digits.y_train[:300]
    plan = pn.plan_pruning(model, calibration, keep=0.5)
    accuracy = [
        pn.zoo.accuracy(
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
    with pytest.raises(ValueError, match="not a pair"):
        pn.apply_plan(mlp, plan, x)
    with pytest.raises(ValueError, match="at least 2 samples"):
        pn.apply_plan(mlp, plan, (x[:0], y[:0]))
    with pytest.raises(ValueError, match="unknown repair 'glue'; the known ones are none, fold, refit"):
        pn.apply_plan(mlp, plan, calibration, repair="glue")
    with pytest.raises(ValueError, match="no such layer to cut: 'fc9'; what can be cut is 'fc1', 'fc2'"):
        pn.apply_plan(mlp, pn.PruningPlan({"fc9": [0]}, {}, "own"), calibration)
    with pytest.raises(ValueError, match=r"does not run on calibration inputs of shape \(400, 5\)"):
        pn.apply_plan(mlp, plan, (calibration[0][:, :5], calibration[1]))
    for kept in ([], [48], [-1]):
        with pytest.raises(ValueError, match="of layer 'fc1'; expected some of the units 0 to 47"):
            pn.apply_plan(mlp, pn.PruningPlan({"fc1": kept}, {}, "own"), calibration)


def test_a_cut_that_changes_more_than_its_units_is_refused(calibration):
    """The mean over the units divides by how many there are: cutting dead ones changes it."""

    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.head = nn.Linear(64, 8), nn.Linear(8, 3)

        def forward(self, x):
            x = self.fc(x).relu()
            return self.head(x) / x.shape[1]

    model = Mean().eval()
    plan = pn.plan_pruning(model, calibration, keep=0.5, criterion="l2")
    with pytest.raises(RuntimeError, match="cutting fc changes more than the units cut"):
        pn.apply_plan(model, plan, calibration)


def test_parts_that_are_not_cut_along_stop_the_plan(calibration):
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.head = nn.Linear(64, 8), nn.Linear(8, 3)
            self.scale = nn.Parameter(torch.ones(8))

        def forward(self, x):
            return self.head(self.fc(x).relu() * self.scale)

    model = Scaled().eval()
    plan = pn.PruningPlan({"fc": [0, 1]}, {}, "own")
    with pytest.raises(RuntimeError, match="cutting fc leaves a network that does not run"):
        pn.apply_plan(model, plan, calibration)
