import numpy as np
import pytest
import torch

import pidnet as pn
from pidnet.pruning.criteria.pid import pid
from pidnet.pruning.plans._partial_plan import PartialPlan
from pidnet.pruning.plans.budget import Budget
from pidnet.pruning.plans.planning import gather
from pidnet.pruning.plans.search import (
    PROPOSALS,
    RECOMBINED,
    MeasuredPlan,
    Proposal,
    find_plan,
    measured_plan,
)


def test_the_plan_is_the_one_that_loses_least_and_is_priced_in_bits(mlp, calibration):
    statistics = gather(mlp, calibration)
    budget = Budget.of(statistics, {"keep": 0.25}, 1)
    plan, measured = find_plan(statistics, budget)
    assert list(measured) == [*(str(proposal) for proposal in PROPOSALS), RECOMBINED]
    assert len(set(measured.values())) > 1
    assert measured_plan(statistics, plan.kept).loss == pytest.approx(min(measured.values()), rel=1e-6)
    assert measured[RECOMBINED] == min(measured.values())
    for layer, units in plan.removed.items():
        assert {unit.scale for unit in units} == {"bits"}
        gone = [unit.unit for unit in units]
        assert sorted(gone + plan.kept[layer]) == list(range(statistics.width(layer)))


def test_a_removal_costs_what_it_would_cost_in_the_order_of_the_plan(mlp, calibration):
    statistics = gather(mlp, calibration)
    plan, _ = find_plan(statistics, Budget.of(statistics, {"keep": 0.95}, 1), [Proposal("class", False)])
    for layer, units in plan.removed.items():
        ranking = pid(statistics, layer)
        assert [unit.unit for unit in units] == ranking.order[: len(units)].tolist()
        np.testing.assert_allclose(
            [unit.cost for unit in units], ranking.cost[ranking.order][: len(units)], rtol=1e-6, atol=1e-9
        )
        np.testing.assert_allclose(
            [unit.redundancy for unit in units],
            ranking.redundancy[ranking.order][: len(units)],
            rtol=1e-6,
            atol=1e-9,
        )


def test_from_the_back_serves_what_is_still_read():
    """Half of the second layer is read with weight 0 and goes; then what only that half read goes too."""
    torch.manual_seed(0)
    model = pn.zoo.mlp(6, (8, 8), 3).eval()
    with torch.no_grad():
        model.fc1.bias += 1
        model.fc2.bias += 1
        model.head.weight[:, 4:] = 0
        # Units 0 to 3 of fc1 speak loudly, but only to the half that nobody reads.
        model.fc2.weight[:4, :4] = 0
        model.fc2.weight[4:, :4] *= 10
    x = torch.randn(400, 6)
    statistics = gather(model, (x, torch.zeros(400, dtype=torch.int64)))
    budget = Budget.of(statistics, {"keep": 0.5}, 1)
    back, once = (Proposal("next layer", way).partial_plan(statistics, budget).kept for way in (True, False))
    assert back == {"fc1": [4, 5, 6, 7], "fc2": [0, 1, 2, 3]}
    assert once["fc1"] != [4, 5, 6, 7]


def test_layers_are_taken_over_from_another_proposal_where_that_loses_less(mlp, calibration):
    """Of two proposals each gets one layer right; the plan has both."""
    statistics = gather(mlp, calibration)
    budget = Budget.of(statistics, {"keep": 0.25}, 1)
    right = Proposal("class", True).partial_plan(statistics, budget).kept
    wrong = {name: list(range(len(units))) for name, units in right.items()}
    mixed = [right | {name: wrong[name]} for name in right]
    for keep in mixed:
        assert measured_plan(statistics, right).beats(measured_plan(statistics, keep))
    offered = iter(mixed)

    class Offered(Proposal):
        def partial_plan(self, statistics, budget):
            plan = PartialPlan.of(statistics)
            for name, units in next(offered).items():
                plan.keep_only(name, np.array(units))
            return plan

    plan, measured = find_plan(statistics, budget, [Offered("one", True), Offered("other", True)])
    assert plan.kept == right
    assert measured[RECOMBINED] < min(
        measured["one, from the back, exchanged"], measured["other, from the back, exchanged"]
    )


def test_a_gain_within_the_noise_of_the_samples_is_none():
    noise = torch.tensor([1.0, -1.0]).repeat(50)
    plan = MeasuredPlan({}, torch.full((100,), 2.0))
    assert not MeasuredPlan({}, 1.95 + noise).beats(plan)
    assert MeasuredPlan({}, 1.85 + noise).beats(plan)
    assert not plan.beats(plan)
    assert MeasuredPlan({}, torch.ones(1)).beats(MeasuredPlan({}, torch.full((1,), 2.0)))
