"""Networks that are cut right, or refused by name with the reason: nothing goes wrong in silence."""

import copy

import pytest
import torch

import pidnet as pn
from pidnet.networks.expanded import collapse, expand
from pidnet.networks.kinds import axes
from pidnet.networks.running import scores
from pidnet.pruning.structure.discovery import discover
from tests.pruning.odd_networks import REFUSED, SHAPES, WORKS, attention, tied


def made(build, shape):
    torch.manual_seed(0)
    model = build().eval()
    x = torch.randint(1, 20, (60, 7)) if shape == "tokens" else torch.randn(60, *shape)
    with torch.no_grad():
        model(x)
    return model, (x, torch.zeros(60).long())


@pytest.mark.parametrize("name", WORKS)
@torch.no_grad()
def test_a_cut_does_what_silencing_the_units_does(name):
    build, shape, layer = WORKS[name]
    model, data = made(build, shape)
    network = discover(model, data[0])
    dense, found = network.model, network.groups
    size = found[layer].tied_width
    names = [n for n, p in found.items() if n == layer or (size and p.tied_width == size)]
    gone = [0, found[layer].units // 2]
    for n in names:
        for consumer, columns in found[n].consumers.items():
            reader = network.weighted(consumer)
            reader.weight.movedim(axes(reader)[1], 0)[columns[gone].ravel()] = 0
    keep = sorted(set(range(found[layer].units)) - set(gone))
    plan = pn.PruningPlan(dict.fromkeys(names, keep), {}, "own")
    silenced = collapse(copy.deepcopy(dense))
    small = pn.apply_plan(silenced, plan, data, "none")
    torch.testing.assert_close(scores(small, data[0]), scores(dense, data[0]), atol=1e-5, rtol=1e-5)
    assert sum(p.numel() for p in small.parameters()) < sum(p.numel() for p in model.parameters())
    errors = [
        float((scores(pn.apply_plan(model, plan, data, repair), data[0]) - scores(model, data[0])).norm())
        for repair in ("none", "refit")
    ]
    assert errors[1] <= errors[0]


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_cut_is_refused_by_name(name):
    build, layer, reason = REFUSED[name]
    shape = "tokens" if build is tied else SHAPES.get(name) or ((1, 6, 6) if "0" <= layer <= "9" else (5,))
    shape = (5,) if "parametrized" in name else shape
    model, data = made(build, shape)
    with pytest.raises(ValueError, match=reason) as caught:
        pn.plan_pruning(model, data, 0.5, "l2", layers=[layer])
    assert f"layer {layer!r} cannot be cut" in str(caught.value)


def test_attention_keeps_its_dropout_and_frozen_weights():
    model, data = made(lambda: attention(dropout=0.5), (4, 5))
    model.m.requires_grad_(False)
    same = collapse(expand(model)).m
    fewer = pn.apply_plan(model, pn.PruningPlan({"m": [0, 2]}, {}, "own"), data).m
    for module in (same, fewer):
        assert module.dropout == 0.5
        assert not any(p.requires_grad for p in module.parameters())
    queries = torch.randn(2, 4, 16)
    assert not torch.equal(fewer.train()(*[queries] * 3)[0], fewer.eval()(*[queries] * 3)[0])
