import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.runs import carry_out, rows


@pytest.fixture(scope="module")
def pruned(mlp, calibration, digits):
    test = digits.x_test, digits.y_test
    plans = [pn.plan_pruning(mlp, calibration, criterion="l2", **b) for b in ({"keep": 0.5}, {"macs": 0.2})]
    return [carry_out(mlp, plan, calibration, test) for plan in plans]


def test_the_rows_start_with_the_dense_network(pruned, mlp, digits):
    dense, half, _ = rows(pruned)
    assert (dense["units kept"], half["units kept"]) == (1, 0.5)
    assert (dense["MACs"], half["MACs"]) == (64 * 48 + 48 * 32 + 320, 64 * 24 + 24 * 16 + 160)
    assert dense["accuracy"] == pn.training.accuracy(mlp, digits.x_test, digits.y_test)
    assert half["accuracy"] == pn.training.accuracy(pruned[0].model, digits.x_test, digits.y_test)


def test_names_say_which_budget(pruned):
    assert [one.name for one in pruned] == ["0.5", "macs-0.2"]


def test_what_guessing_reaches_stands_beside_the_accuracy(pruned, digits):
    report = pruned[0].report
    assert report.guessing == digits.y_test.bincount().max() / len(digits.y_test)
    assert report.tested == len(digits.y_test)


@pytest.mark.parametrize("numbers", [False, True])
def test_one_output_has_the_accuracy_of_its_sign_and_numbers_have_none(numbers):
    net = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 1)).eval()
    x = torch.randn(100, 8, generator=torch.Generator().manual_seed(0))
    y = net(x).detach()[:, 0] if numbers else (net(x)[:, 0] > 0).long()
    report = carry_out(net, pn.plan_pruning(net, (x, y), keep=1.0, criterion="l1"), (x, y), (x, y)).report
    assert report.accuracy == (None if numbers else (1, 1))
    assert (report.guessing is None) == numbers


def test_accuracy_needs_test_samples(mlp, calibration):
    plan = pn.plan_pruning(mlp, calibration, 0.5, "l1")
    assert rows([carry_out(mlp, plan, calibration, repair="none")])[1]["accuracy"] is None
