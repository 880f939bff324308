"""Pruning draws nothing from torch's random state, and nothing that it does depends on it."""

import pytest
import torch

import pidnet as pn
from pidnet.networks.expanded import collapse, expand
from pidnet.networks.kinds import PRODUCERS
from tests.pruning.families import FAMILIES, make


@pytest.mark.parametrize("family", FAMILIES)
def test_expanding_draws_nothing(family):
    model, _ = make(family)
    before = torch.get_rng_state()
    collapse(expand(model))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("family", ["mlp", "gru", "encoder"])
def test_planning_and_applying_draw_nothing(family):
    model, data = make(family)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        plan = pn.plan_pruning(model, data, keep=0.7, criterion="obs")
        small = pn.apply_plan(model, plan, data)
        assert torch.equal(torch.get_rng_state(), before)
        found.append((plan.kept, small.state_dict()))
    assert found[0][0] == found[1][0]
    for name, values in found[0][1].items():
        assert torch.equal(values, found[1][1][name])


@pytest.mark.parametrize("family", ["lstm", "encoder"])
def test_expanded_modules_keep_type_and_gradients(family):
    model, (x, _) = make(family)
    model = model.double().requires_grad_(False)
    again = collapse(expand(model))
    for part in (expand(model), again):
        assert {p.dtype for p in part.parameters()} == {torch.float64}
        assert not any(p.requires_grad for p in part.parameters())
        assert any(isinstance(module, PRODUCERS) for module in part.modules())
    with torch.no_grad():
        torch.testing.assert_close(again(x.double()), model(x.double()))
