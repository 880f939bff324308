"""Layers by name and as modules: the same units wherever layers are chosen."""

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.networks.naming import layer_names


@pytest.fixture
def data():
    return torch.randn(60, 3, 4, generator=torch.Generator().manual_seed(0)), torch.arange(60) % 3


@pytest.fixture
def net():
    torch.manual_seed(0)
    return pn.zoo.lstm(4, 5, 3, layers=2, bidirectional=True)


RNN = ["rnn.l0", "rnn.l0_reverse", "rnn.l1", "rnn.l1_reverse"]


def test_modules_and_names_are_the_same(net):
    assert layer_names(net, None) is None
    assert layer_names(net, [net.rnn, "head", net.head]) == [*RNN, "head"]
    assert layer_names(net, ["rnn"]) == layer_names(net, net.rnn) == RNN


def test_capture_plan_and_plane_take_modules(net, data):
    assert list(pn.capture(net, data, [net.rnn]).layers) == RNN
    plan = pn.plan_pruning(net, data, 0.6, "l2", layers=[net.rnn])
    assert sorted(plan.kept) == RNN
    assert plan.settings["layers"] == RNN
    assert pn.PruningPlan.from_json(plan.to_json()).settings["layers"] == RNN
    mlp = pn.zoo.mlp(12, (4, 4), 3)
    flat = data[0].flatten(1), data[1]
    assert [row.layer for row in pn.information_plane(mlp, flat, layers=[mlp.fc2]).rows] == ["fc2"]


def test_a_module_of_another_network_is_refused(net, data):
    with pytest.raises(ValueError, match="a Linear in layers is no part of the"):
        pn.capture(net, data, [nn.Linear(4, 5)])


def test_the_channel_of_several_layers_is_asked_for_by_name(data):
    with pytest.raises(ValueError, match=r"layer '0' outputs '0\.l0', '0\.l1'; name one of them"):
        pn.channel_of(nn.Sequential(nn.LSTM(4, 5, 2)), "0", data[0])
