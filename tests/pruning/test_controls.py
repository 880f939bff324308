"""Planted controls in trained networks: copies go first and nothing is lost; an exclusive or stays."""

from contextlib import nullcontext

import pytest
import torch
from torch import nn

import pidnet as pn

COPIES = {0: 8, 1: 9, 2: 10}


def plant(*layers):
    """Make units 0, 1, 2 copies of 8, 9, 10 in layers and norms that follow one another."""
    with torch.no_grad():
        for values in (v for layer in layers for v in layer.state_dict().values() if v.ndim):
            values[list(COPIES)] = values[list(COPIES.values())]


@pytest.fixture(scope="module")
def dense(digits):
    torch.manual_seed(0)
    x = digits.x_train.reshape(-1, 1, 8, 8)
    net = pn.training.train(pn.zoo.conv(1, (16, 12), 10), x, digits.y_train, epochs=3, rate=1e-2)
    norm = next(layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d))
    plant(net.conv1, norm)
    return net, (x[:300], digits.y_train[:300])


@pytest.mark.parametrize("criterion", ["pid", "obs"])
@torch.no_grad()
def test_planted_copies_go_first_from_a_convolution(dense, criterion):
    net, data = dense
    plan = pn.plan_pruning(net, data, 13 / 16, criterion, layers=["conv1"])
    gone = {removal.unit for removal in plan.removed["conv1"]}
    assert all((copy in gone) != (original in gone) for copy, original in COPIES.items())
    for repair in ("fold", "refit"):
        small = pn.apply_plan(net, plan, data, repair)
        assert float((small(data[0]) - net(data[0])).abs().max()) < 1e-5 * float(net(data[0]).abs().max())
    bare = pn.apply_plan(net, plan, data, "none")
    assert float((bare(data[0]) - net(data[0])).abs().max()) > 0.1


@pytest.fixture(scope="module")
def exclusive_or():
    """A trained network whose first hidden layer holds eight bits; the label is the exclusive or of two."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(0, 2, (1000, 8), generator=generator).float()
    y = (x[:, 0] != x[:, 1]).long()
    torch.manual_seed(1)
    net = pn.zoo.mlp(8, (8, 16), 2)
    with torch.no_grad():
        net.fc1.weight.copy_(torch.eye(8))
        net.fc1.bias.zero_()
    net.fc1.requires_grad_(False)
    pn.training.train(net, x, y, epochs=30, rate=1e-2)
    return net, (x, y)


@pytest.mark.parametrize("criterion", ["pid", "graph_i_min", "graph_i_broja", "graph_i_ccs"])
def test_a_planted_exclusive_or_stays_in_a_trained_network(exclusive_or, criterion):
    net, data = exclusive_or
    by_heart = pytest.warns(UserWarning, match="by heart") if criterion == "pid" else nullcontext()
    with by_heart:
        plan = pn.plan_pruning(net, data, 0.5, criterion, layers=["fc1"])
    assert {0, 1} < set(plan.kept["fc1"])
    assert pn.training.accuracy(pn.apply_plan(net, plan, data), *data) == 1


@pytest.mark.parametrize("criterion", ["mrmr", "l2"])
def test_criteria_that_see_single_units_lose_the_exclusive_or(exclusive_or, criterion):
    net, data = exclusive_or
    plan = pn.plan_pruning(net, data, 0.5, criterion, layers=["fc1"])
    assert not {0, 1} <= set(plan.kept["fc1"])
    assert pn.training.accuracy(pn.apply_plan(net, plan, data), *data) < 0.6
