"""Outputs that are no class scores: what users of neighboring tools report, with its right answer."""

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.networks.outputs import READINGS
from tests.reported.nets import X, Y, net


def one_logit():
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 1)).eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(8))
        model[0].bias.zero_()
        model[2].bias.zero_()
        model[2].weight.copy_(torch.tensor([[8.0, 7, 6, 5, 0.4, 0.3, 0.2, 0.1]]))
    return model


@pytest.mark.parametrize("criterion", ["pid", "obs", "taylor"])
@pytest.mark.parametrize("targets", ["labels", "column", "float labels", "regression"])
def test_a_network_with_one_output_keeps_the_units_that_it_reads(criterion, targets):
    model, x = one_logit(), torch.randn(1000, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        scores = model(x)[:, 0]
    y = {
        "labels": (scores > 13).long(),
        "column": (scores > 13).long()[:, None],
        "float labels": (scores > 13).float(),
        "regression": scores + torch.randn(1000, generator=torch.Generator().manual_seed(2)),
    }[targets]
    plan = pn.plan_pruning(model, (x, y), keep=0.5, criterion=criterion)
    assert plan.kept["0"] == [0, 1, 2, 3]
    assert plan.settings["output"] == ("gaussian" if targets == "regression" else "bernoulli")


def test_capture_predicts_the_sign_of_one_logit():
    x = torch.randn(50, 8, generator=torch.Generator().manual_seed(2))
    model = one_logit()
    with torch.no_grad():
        model[2].bias.fill_(-13)
        signs = (model(x)[:, 0] > 0).long()
    assert torch.equal(pn.capture(model, (x, signs)).predicted, signs)


class Dense(nn.Module):
    """Class scores at every place of an image."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 3, 1)

    def forward(self, x):
        return self.b(torch.relu(self.a(x)))


class Tokens(nn.Module):
    """Class scores of every token."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.a, self.b = nn.Embedding(7, 5), nn.Linear(5, 6), nn.Linear(6, 7)

    def forward(self, x):
        return self.b(torch.relu(self.a(self.embed(x))))


@pytest.mark.parametrize(
    ("model", "data", "reading"),
    [
        (net(8, 6, 3), (X, torch.randn(100, 3, generator=torch.Generator().manual_seed(0))), "gaussian"),
        (net(8, 6, 3), (X, (X[:, :3] > 0).long()), "bernoulli"),
        (Dense().eval(), (torch.randn(40, 1, 5, 5), torch.zeros(40, 5, 5).long()), "classes"),
        (Tokens().eval(), (torch.arange(200).reshape(40, 5) % 7, torch.zeros(40, 5).long()), "tokens"),
    ],
    ids=["regression", "several labels", "dense", "tokens"],
)
def test_outputs_of_any_kind_cost_bits(model, data, reading):
    plan = pn.plan_pruning(model, data, keep=0.5)
    (layer,) = plan.kept
    assert plan.settings["output"] == reading
    assert sum(unit.cost for unit in plan.removed[layer]) > 0
    smaller = pn.apply_plan(model, plan, data)
    assert smaller(data[0]).shape == model(data[0]).shape


def test_the_reading_can_be_given():
    plan = pn.plan_pruning(net(8, 6, 3), (X, Y % 3), keep=0.5, output="gaussian")
    assert plan.settings["output"] == "gaussian"
    with pytest.raises(ValueError, match=rf"output='logits' is neither a reading \({READINGS[0]}, "):
        pn.plan_pruning(net(8, 6, 3), (X, Y % 3), keep=0.5, output="logits")
