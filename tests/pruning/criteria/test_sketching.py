"""Layers of very many features by parts of each unit."""

import numpy as np
import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.pruning import gather
from pidnet.pruning.criteria import sketching
from pidnet.pruning.plans._folding import Folder


@pytest.fixture
def flattened(monkeypatch):
    """Units of nine places each, before a layer that is too wide to look at whole."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 5)).eval()
    x = nn.functional.avg_pool2d(torch.randn(300, 1, 7, 7), 3, stride=1)
    monkeypatch.setattr(sketching, "MOST_FEATURES", 60)
    return model, (x, model(x).argmax(1))


def whole(monkeypatch, model, data):
    """The same without a sketch."""
    with monkeypatch.context() as context:
        context.setattr(sketching, "MOST_FEATURES", 1000)
        statistics = gather(model, data)
        statistics.covariance("3")
    return statistics


def test_all_parts_together_say_what_all_features_say(flattened, monkeypatch):
    monkeypatch.setattr(sketching, "PARTS", 72)
    dense, sketched = whole(monkeypatch, *flattened), gather(*flattened)
    sketched.covariance("3")
    assert sketched.sketches["3"].share == pytest.approx(1)
    for criterion in ("obs", "pid"):
        one, other = (pn.CRITERIA[criterion](statistics, "0") for statistics in (dense, sketched))
        np.testing.assert_allclose(one.cost, other.cost, rtol=0.05)
    removed = {"0": [1, 4]}
    x = flattened[1][0]
    with torch.no_grad():
        made = [Folder(statistics).folded(removed).model(x) for statistics in (dense, sketched)]
        error = float((made[0] - flattened[0](x)).norm())
    assert float((made[0] - made[1]).norm()) < 0.1 * error


def test_few_parts_carry_most_and_choose_alike(flattened, monkeypatch):
    monkeypatch.setattr(sketching, "PARTS", 24)
    dense, sketched = whole(monkeypatch, *flattened), gather(*flattened)
    assert sketched.covariance("3").shape == (24, 24)
    sketch = sketched.sketches["3"]
    assert 0.9 < sketch.share < 1
    costs = [pn.CRITERIA["obs"](statistics, "0").cost for statistics in (dense, sketched)]
    assert np.corrcoef(np.log(costs))[0, 1] > 0.9
    # The parts of a unit are standardized, and nothing of the features is said twice.
    own = sketched.covariance("3")[:3, :3]
    np.testing.assert_allclose(own, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(sketch.inward[0].T @ sketch.outward[0], np.eye(3), atol=1e-6)


@pytest.mark.parametrize("bias", [True, False])
def test_the_fold_by_parts_repairs(flattened, bias):
    model, data = flattened
    model[3].bias = nn.Parameter(torch.randn(5)) if bias else None
    statistics = gather(model, data)
    small, x = Folder(statistics).folded({"0": [2, 3, 6]}), data[0]
    with torch.no_grad():
        cut = statistics.network.without({"0": [2, 3, 6]})
        errors = [float((one.model(x) - model(x)).norm()) for one in (small, cut)]
    assert errors[0] < 0.7 * errors[1]


@pytest.mark.parametrize("allocation", ["uniform", "measured"])
def test_the_plan_says_that_parts_decided(flattened, monkeypatch, allocation):
    monkeypatch.setattr(sketching, "PARTS", 24)
    model, data = flattened
    plan = pn.plan_pruning(model, data, keep=0.5, search=False, allocation=allocation)
    share = plan.settings["sketched"]["3"]
    assert (
        f"3 reads very many features: decided by parts of each unit that carry {100 * share:.0f} %"
        in plan.explain()
    )
    assert pn.apply_plan(model, plan, data)[3].in_features == 36


def test_features_that_are_no_parts_of_units_are_refused(monkeypatch):
    monkeypatch.setattr(sketching, "MOST_FEATURES", 60)
    monkeypatch.setattr(sketching, "MOST_UNSKETCHED", 60)
    model, x = pn.zoo.mlp(4, (72,), 3).eval(), torch.randn(90, 4)
    with pytest.raises(ValueError, match="layer 'head' reads 72 features, whose covariance would take"):
        pn.plan_pruning(model, (x, torch.arange(90) % 3), keep=0.5, criterion="obs")
