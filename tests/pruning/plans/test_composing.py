import pytest

import pidnet as pn
from pidnet.pruning import RemovedUnit
from pidnet.pruning.plans.composing import composed


def test_the_second_plan_is_numbered_as_the_first():
    gone = [RemovedUnit(unit, 0.1, "bits", ()) for unit in (0, 2, 4)]
    first = pn.PruningPlan({"a": [1, 3, 5]}, {"a": gone}, "pid")
    then = [RemovedUnit(1, 0.2, "bits", ((2, 0.7), (0, 0.3)))]
    second = pn.PruningPlan({"a": [0, 2], "b": [1]}, {"a": then}, "l2", units={"b": 2})
    plan = composed(first, second)
    assert plan.kept == {"a": [1, 5], "b": [1]}
    assert [one.unit for one in plan.removed["a"]] == [0, 2, 4, 3]
    assert plan.removed["a"][-1].substitutes == ((5, 0.7), (1, 0.3))
    assert plan.units == {"a": 6, "b": 2}
    assert plan.criterion == "l2"


def test_plans_that_do_not_follow_each_other_are_refused():
    first, second = (pn.PruningPlan({"a": [0, 1]}, {}, "pid", units={"a": units}) for units in (6, 5))
    with pytest.raises(ValueError, match="the first plan leaves 2 units of 'a', the second was made for 5"):
        composed(first, second)
