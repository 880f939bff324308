"""Costs on samples that the plan has not seen: what users of neighboring tools report, with its right answer."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from sklearn.datasets import load_wine
from torch import nn

import pidnet as pn
from tests.reported.nets import net


def test_costs_are_told_for_samples_that_the_plan_has_not_seen():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(130, 13, generator=generator)
    y = (x[:, 0] + 0.5 * torch.randn(130, generator=generator) > 0).long()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(13, 24), nn.ReLU(), nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 2))
    pn.training.train(model, x, y, epochs=60, rate=1e-2)
    plan = pn.plan_pruning(model, (x, y), keep=0.5)
    small = pn.apply_plan(model, plan, (x, y))
    fresh = torch.randn(4000, 13, generator=generator)
    with torch.no_grad():
        p, q = (f(fresh).log_softmax(1) for f in (model, small))
    truth = float((p.exp() * (p - q)).sum(1).mean() / np.log(2))
    low, high = plan.settings["held_out_bits"]
    assert low <= truth * 3
    assert truth <= max(high * 3, 1e-4)


def test_a_plan_tells_where_its_samples_are_those_of_the_training():
    """Wine: as many samples to train on, to plan on and to measure on."""
    x, y = load_wine(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    x, y = torch.tensor((x - x.mean(0)) / x.std(0)).float()[order], torch.tensor(y)[order]
    model = net(13, 24, 16, 3)
    pn.training.train(model, x[:60], y[:60], epochs=60, rate=1e-2)
    truth = {}
    for name, part in {"seen": slice(60), "new": slice(60, 120)}.items():
        with pytest.warns(UserWarning, match="by heart") if name == "seen" else nullcontext():
            plan = pn.plan_pruning(model, (x[part], y[part]), keep=0.5, search=False)
        small = pn.apply_plan(model, plan, (x[part], y[part]))
        with torch.no_grad():
            p, q = (f(x[120:]).log_softmax(1) for f in (model, small))
        truth[name] = float((p.exp() * (p - q)).sum(1).mean() / np.log(2))
        seen = name == "seen"
        assert plan.settings["seems_trained_on"] is seen
        assert ("it was trained on" in plan.explain()) is seen
        assert (truth[name] > plan.settings["held_out_bits"][1]) is seen
