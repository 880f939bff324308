import numpy as np

from pidnet.pruning.plans._partial_plan import PartialPlan
from pidnet.pruning.plans.planning import gather


def test_units_are_remembered_by_their_index_in_the_dense_network(mlp, calibration):
    statistics = gather(mlp, calibration)
    plan = PartialPlan.of(statistics)
    first = plan.keep_only("fc1", np.array([0, 2, 5, 7]))
    plan.cut({"fc1": first})
    second = plan.keep_only("fc1", np.array([1, 3]))
    plan.cut({"fc1": second})
    assert second == [0, 2]
    assert plan.kept["fc1"] == [2, 7]
    assert plan.statistics.width("fc1") == plan.statistics.network.model.fc1.out_features == 2
    assert statistics.network.model.fc1.out_features == statistics.width("fc1")
