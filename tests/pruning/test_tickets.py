"""Tickets: earlier weights under a plan, and what chance makes of two plans."""

import copy
from collections import Counter
from itertools import combinations
from statistics import mean

import pytest
import torch

import pidnet as pn
from pidnet.pruning import Overlap, plan_overlap, random_plan, rewind


def plan_of(kept, units=6, layer="fc1"):
    return pn.PruningPlan({layer: list(kept)}, {}, "by hand", units={layer: units})


def test_chance_and_p_value_are_those_of_all_choices():
    mine = plan_of((0, 2, 5))
    found = [plan_overlap(mine, plan_of(kept))["fc1"] for kept in combinations(range(6), 3)]
    assert mean(one.overlap for one in found) == pytest.approx(found[0].chance) == pytest.approx(0.5)
    for one in found:
        assert one.p_value == pytest.approx(mean(other.shared >= one.shared for other in found))


def test_random_plans_have_the_widths_and_every_unit_its_chance():
    plan = pn.PruningPlan({"a": [0, 1, 2], "b": [3]}, {}, "by hand", units={"a": 6, "b": 4})
    drawn = [random_plan(plan, seed) for seed in range(600)]
    assert {tuple(one.widths.items()) for one in drawn} == {(("a", 3), ("b", 1))}
    assert all(
        sorted(one.kept["a"] + [gone.unit for gone in one.removed["a"]]) == list(range(6)) for one in drawn
    )
    times = Counter(unit for one in drawn for unit in one.kept["a"])
    assert all(abs(times[unit] - 300) < 60 for unit in range(6))
    assert random_plan(plan, 3) == drawn[3]


def test_a_ticket_has_the_early_weights_of_the_kept_units(digits):
    torch.manual_seed(0)
    net = pn.zoo.mlp(64, (8, 6), 10)
    early = copy.deepcopy(net)
    data = digits.x_train[:100], digits.y_train[:100]
    pn.training.train(net, *data, epochs=1)
    plan = pn.plan_pruning(net, data, 0.5, "l2")
    ticket = rewind(early, plan, data)
    assert torch.equal(ticket.fc1.weight, early.fc1.weight[plan.kept["fc1"]])
    assert torch.equal(ticket.fc2.weight, early.fc2.weight[plan.kept["fc2"]][:, plan.kept["fc1"]])
    assert torch.equal(ticket.head.weight, early.head.weight[:, plan.kept["fc2"]])
    assert early.fc1.out_features == 8
    with pytest.raises(ValueError, match="of layer 'fc1'; expected some of the units 0 to 3"):
        rewind(ticket, plan, data)


def test_plans_of_other_widths_are_not_compared():
    for other in (plan_of((0, 1)), plan_of((0, 1, 2), units=7), plan_of((0, 1, 2), layer="fc2")):
        with pytest.raises(
            ValueError, match=r"layer 'fc\d': one plan keeps .*, the other .*; compare plans of one"
        ):
            plan_overlap(plan_of((0, 2, 5)), other)
    with pytest.raises(ValueError, match="does not tell how many units 'fc1' has"):
        random_plan(pn.PruningPlan({"fc1": [0]}, {}, "by hand"))


def test_an_overlap_prints_itself():
    assert repr(Overlap(2, 4, 8)) == "Overlap of 4 kept of 8 units: 2 shared, 50% (chance 50%, p = 0.757)"
