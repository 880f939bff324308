"""Channels go from LayerNorm and RMSNorm, and nothing changes for the others."""

import copy

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.networks.compensated_norms import compensate
from pidnet.pruning.structure.discovery import cuttable, discover

NORMS = [
    nn.LayerNorm,
    nn.RMSNorm,
    lambda width: nn.LayerNorm(width, elementwise_affine=False),
    lambda width: nn.LayerNorm(width, bias=False),
]


@pytest.mark.parametrize("kind", NORMS)
@torch.no_grad()
def test_a_channel_that_is_0_can_go_and_then_another_one(kind):
    torch.manual_seed(0)
    norm, x = kind(6), torch.randn(7, 3, 6)
    for parameter in norm.parameters():
        parameter.normal_()
    x[..., [1, 4]] = 0
    expected, left = norm(x), list(range(6))
    for gone in (4, 1):
        left.remove(gone)
        for name, parameter in norm.named_parameters():
            kept = [k for k in range(len(parameter)) if k != gone]
            setattr(norm, name, nn.Parameter(parameter[kept]))
        compensate(norm, 1)
        torch.testing.assert_close(norm(x[..., left]), expected[..., left])


def normed(kind):
    torch.manual_seed(0)
    return nn.Sequential(
        *(nn.Linear(5, 8), nn.GELU(), kind(8), nn.Linear(8, 6), nn.ReLU(), kind(6), nn.Linear(6, 3))
    ).eval()


@pytest.mark.parametrize("kind", NORMS)
def test_units_under_a_norm_are_cut_where_they_are_named_and_the_norm_makes_up_for_them(kind, tmp_path):
    model, x = normed(kind), torch.randn(300, 5)
    data = x, torch.zeros(300).long()
    with torch.no_grad():
        for layer in (model[0], model[3]):
            layer.weight[1] = layer.bias[1] = 0
    plan = pn.plan_pruning(model, data, 0.7, "l2", layers=["0", "3"])
    assert all(1 not in units for units in plan.kept.values())
    exact = pn.PruningPlan({"0": [0, *range(2, 8)], "3": [0, *range(2, 6)]}, {}, "own")
    with torch.no_grad():
        # Behind the norm a unit that is 0 is not: the layer that reads it is folded.
        silent = copy.deepcopy(model)
        silent[3].weight[:, 1] = silent[6].weight[:, 1] = 0
        torch.testing.assert_close(pn.apply_plan(silent, exact, data, "none")(x), silent(x))
        errors = [
            float((pn.apply_plan(model, plan, data, repair)(x) - model(x)).norm())
            for repair in ("none", "refit")
        ]
    assert errors[1] < errors[0]
    small = pn.apply_plan(model, plan, data)
    again = pn.load_pruned(model, pn.save_pruned(small, plan, x, tmp_path / "small"))
    assert torch.equal(again(x), small(x))
    assert pn.plan_pruning(small, data, 0.7, "l2", layers=["0"]).units == {"0": len(plan.kept["0"])}


def test_units_under_a_norm_stay_unless_they_are_named():
    model, x = normed(nn.LayerNorm), torch.randn(20, 5)
    assert discover(model, x).widths == {"0": 8, "3": 6}
    with pytest.raises(
        ValueError, match=r"LayerNorm '2', which depends on all of them; it is cut where it is named"
    ):
        cuttable(model, x)
