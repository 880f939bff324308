"""Widths by measured loss: what the curves say, and what the dynamic program makes of them."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.pruning import LossCurve, gather
from pidnet.pruning.plans._folding import Folder
from pidnet.pruning.plans.allocation import Judge, by_measured_loss
from pidnet.pruning.plans.budget import Budget, _least, divided


@pytest.fixture(scope="module")
def lopsided():
    """Two hidden layers of 16 units: the first holds 4 units four times, the second 16 different ones."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 4)).eval()
    with torch.no_grad():
        model[0].weight.copy_(model[0].weight[:4].repeat(4, 1) * 3)
        model[0].bias.copy_(model[0].bias[:4].repeat(4))
        model[4].weight *= 4
    x = torch.randn(400, 6)
    return model, (x, model(x).argmax(1))


def judge_of(data, model, criterion="obs"):
    statistics = gather(model, data)
    rank = pn.CRITERIA[criterion]
    rankings = {layer: rank(statistics, layer) for layer in statistics.layers}
    held = data[0][:100]
    return Judge(Folder(statistics), rankings, held, statistics.network.outputs(held))


@torch.no_grad()
def test_the_closed_form_is_the_fold(lopsided):
    model, (x, y) = lopsided
    statistics = gather(model, (x, y))
    small = Folder(statistics).folded({"2": [1, 5, 7]})
    hidden = model[:4](x)
    kept = [unit for unit in range(16) if unit not in (1, 5, 7)]
    inputs = torch.cat([hidden[:, kept], torch.ones(400, 1)], 1).double()
    best = inputs @ torch.linalg.lstsq(inputs, model(x).double()).solution
    least = float(((best - model(x)) ** 2).mean())
    assert float(((small.model(x) - model(x)) ** 2).mean()) < 1.05 * least


def test_curves_show_which_layer_can_be_cut(lopsided):
    model, data = lopsided
    judge = judge_of(data, model)
    first, second = judge.curves({"0": 16, "2": 16})
    assert first.widths == second.widths == (2, 4, 6, 8, 12, 16)
    assert first.at(4) < 1e-6 < 1e-3 < second.at(4)
    assert first.bits[-1] == second.bits[-1] == pytest.approx(0, abs=1e-9)
    alone = judge.loss({"0": 16, "2": 4})
    assert second.at(4) == pytest.approx(alone, rel=1e-4)
    around = judge.curves({"0": 8, "2": 8}, steps=(-0.25, 0.25))
    assert around[0].widths == (4, 8, 12)
    assert around[1].at(8) == pytest.approx(judge.loss({"0": 8, "2": 8}), rel=1e-4)


def test_the_budget_goes_where_the_copies_are(lopsided):
    model, data = lopsided
    statistics = gather(model, data)
    budget = Budget.of(statistics, {"keep": 0.6}, 1)
    plan, measured, curves = by_measured_loss(statistics, pn.CRITERIA["pid"], budget, search=True)
    widths = {layer: len(units) for layer, units in plan.kept.items()}
    assert sum(widths.values()) <= 0.6 * 32
    assert widths["0"] <= 6 < 12 <= widths["2"]
    assert {unit % 4 for unit in plan.kept["0"]} == {0, 1, 2, 3}
    assert list(measured) == [
        f"target {name}" for name in ("class", "soft class", "scores", "next layer")
    ] + ["folded"]
    assert [curve.layers for curve in curves] == [("0",), ("2",)]


@pytest.mark.parametrize("resource", ["macs", "energy"])
def test_the_budget_is_kept(lopsided, resource):
    model, data = lopsided
    plan = pn.plan_pruning(model, data, criterion="obs", allocation="measured", **{resource: 0.5})
    statistics = gather(model, data)
    budget = Budget.of(statistics, {resource: 0.5}, 1)
    assert budget.needs(plan.widths) <= 0.5 * budget.dense
    again = pn.PruningPlan.from_json(plan.to_json())
    assert again.curves == plan.curves
    assert set(plan.curves) == {"0", "2"}
    assert "cut alone, bits lost by units kept: 2 " in plan.explain()
    assert len(plan.plot_curves().axes[0].lines) == 4


def test_the_dynamic_program_finds_the_best_of_all_combinations():
    generator = np.random.default_rng(0)
    curves = [
        LossCurve((name,), tuple(range(1, 6)), (*np.sort(generator.random(4))[::-1].tolist(), 0.0))
        for name in "abc"
    ]
    options = [np.arange(1, 6)] * 3
    saved = [(5 - widths) * price for widths, price in zip(options, (10, 20, 30), strict=True)]
    chosen = _least(curves, options, saved, 100)
    fits = [
        sum(float(curve.at(w)) for curve, w in zip(curves, widths, strict=True))
        for widths in itertools.product(range(1, 6), repeat=3)
        if sum(float(one[w - 1]) for one, w in zip(saved, widths, strict=True)) >= 100
    ]
    assert sum(float(curve.at(chosen[curve.layers[0]])) for curve in curves) == pytest.approx(min(fits))


def test_a_budget_below_the_curves_takes_uniform_widths(lopsided):
    model, data = lopsided
    budget = Budget.of(gather(model, data), {"keep": 0.1}, 1)
    flat = [LossCurve((layer,), (8, 16), (0.1, 0.0)) for layer in ("0", "2")]
    assert divided(budget, flat, budget.uniform) == budget.uniform


def test_many_layers_are_measured_by_default():
    torch.manual_seed(0)
    layers = [module for _ in range(6) for module in (nn.Linear(6, 6), nn.ReLU())]
    x = torch.randn(60, 6)
    data = x, torch.arange(60) % 3
    deep = pn.plan_pruning(nn.Sequential(*layers, nn.Linear(6, 3)), data, 0.7, "obs")
    flat = pn.plan_pruning(nn.Sequential(*layers[2:], nn.Linear(6, 3)), data, 0.7, "obs")
    assert (deep.settings["allocation"], flat.settings["allocation"]) == ("measured", "uniform")
    assert not flat.curves
