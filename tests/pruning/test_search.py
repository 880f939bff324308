import numpy as np

from pidnet.pruning.budget import Budget
from pidnet.pruning.draft import at_once
from pidnet.pruning.local_channel import obs, pid
from pidnet.pruning.planning import gather
from pidnet.pruning.search import search


def test_the_chosen_plan_keeps_its_order_and_is_priced_in_bits(mlp, calibration):
    evidence = gather(mlp, calibration)
    budget = Budget.of(evidence, {"keep": 0.5}, 1)
    draft, measured = search(evidence, budget, [("next layer", at_once, obs)])
    expected = at_once(evidence, obs, budget)
    assert list(measured) == ["next layer"]
    for layer, units in draft.gone.items():
        assert [unit.index for unit in units] == [unit.index for unit in expected.gone[layer]]
        assert {unit.unit for unit in units} == {"bits"}


def test_its_own_order_costs_what_the_ranking_said(mlp, calibration):
    evidence = gather(mlp, calibration)
    draft, _ = search(evidence, Budget.of(evidence, {"keep": 0.5}, 1), [("class", at_once, pid)])
    for layer, units in draft.gone.items():
        ranking = pid(evidence, layer)
        np.testing.assert_allclose(
            [unit.cost for unit in units], ranking.cost[: len(units)], rtol=1e-6, atol=1e-9
        )
        np.testing.assert_allclose(
            [unit.redundancy for unit in units], ranking.redundancy[: len(units)], rtol=1e-6, atol=1e-9
        )
