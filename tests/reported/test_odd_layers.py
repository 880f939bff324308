"""One odd layer among others, and layers that are left out: what users of neighboring tools report, with its right answer."""

import pytest
import torch
from torch import nn

import pidnet as pn
from tests.reported.nets import X, Y, net


def test_a_dead_layer_is_left_out_and_the_rest_is_planned():
    model = net(8, 8, 6, 4)
    with torch.no_grad():
        model[2].bias.fill_(-50)
    plan = pn.plan_pruning(model, (X, Y), keep=0.5)
    smaller = pn.apply_plan(model, plan, (X, Y))
    assert smaller(X).shape == (100, 4)
    assert smaller[0].out_features < 8


@pytest.mark.parametrize("repair", ["none", "fold", "refit", "reconstruct"])
def test_a_cut_that_keeps_only_dead_units_is_carried_out(repair):
    model = net(8, 8, 4)
    with torch.no_grad():
        model[0].weight[:4], model[0].bias[:4] = 0, -50
    plan = pn.plan_pruning(model, (X, Y), keep=0.5, criterion="random")
    plan.kept["0"] = [0, 1, 2, 3]
    assert torch.isfinite(pn.apply_plan(model, plan, (X, Y), repair)(X)).all()


def test_a_layer_of_one_unit_keeps_it():
    assert pn.plan_pruning(net(8, 6, 1, 4), (X, Y), keep=0.5).kept["2"] == [0]


def test_a_folded_batch_is_left_out_by_name():
    class Folded(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.fold, self.b = nn.Linear(8, 8), nn.Linear(4, 4), nn.Linear(8, 4)

        def forward(self, x):
            x = torch.relu(self.a(x))
            folded = torch.relu(self.fold(x.reshape(-1, 2, 4)[:, 0]))
            return self.b(torch.cat([folded, x[:, 4:]], 1)) if len(folded) == len(x) else self.b(x)

    class Video(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.frame, self.b = nn.Linear(2, 6), nn.Linear(24, 4)

        def forward(self, x):
            frames = torch.relu(self.frame(x.reshape(-1, 2)))
            return self.b(frames.reshape(-1, 24))

    acts = pn.capture(Video().eval(), (X, Y))
    assert "b" in acts.layers
    assert "frame" in acts.skipped or acts.layers["frame"].shape[1] == 6
    assert pn.capture(Video().eval(), (X, Y), layers=["b"]).layers.keys() == {"b"}


def test_a_dead_layer_costs_only_its_own_map():
    model = net(8, 8, 6, 4)
    with torch.no_grad():
        model[2].bias.fill_(-50)
    maps = pn.layer_maps(pn.quantize(pn.capture(model, (X, Y))), "i_mmi")
    assert "0" in maps
    assert "2" in maps.skipped


def test_a_network_with_one_output_unit_maps():
    maps = pn.layer_maps(pn.quantize(pn.capture(net(8, 6, 1), (X, Y))), "i_mmi")
    assert "0" in maps
    assert "2" in maps.skipped


class Prelu(nn.Module):
    def __init__(self, act):
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.c, self.act = nn.Linear(8, 8), nn.Linear(8, 6), nn.Linear(6, 4), act

    def forward(self, x):
        return self.c(torch.relu(self.b(self.act(self.a(x)))))


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (nn.PReLU(), "PReLU"),
        (torch.sign, "mark"),
        (lambda x: torch.where(x > 0, x, torch.zeros_like(x)), "mark"),
        (lambda x: x.reshape(-1, 2, 4).softmax(-1).reshape(-1, 8), "mix"),
    ],
    ids=["prelu", "sign", "where", "softmax"],
)
def test_a_plan_names_what_it_left_out_and_why(act, reason):
    plan = pn.plan_pruning(Prelu(act).eval(), (X, Y), keep=0.5)
    if "a" not in plan.kept:
        assert reason in plan.left_out["a"]
        assert f"a is left out: {plan.left_out['a']}" in plan.explain()
        assert "no layer reads" not in plan.left_out["a"]
