import numpy as np

from pidnet.pruning.plans.partial_plan import Draft
from pidnet.pruning.plans.planning import gather


def test_units_are_remembered_by_their_index_in_the_dense_network(mlp, calibration):
    evidence = gather(mlp, calibration)
    draft = Draft.of(evidence)
    first = draft.retain("fc1", np.array([0, 2, 5, 7]))
    draft.cut({"fc1": first})
    second = draft.retain("fc1", np.array([1, 3]))
    draft.cut({"fc1": second})
    assert second == [0, 2]
    assert draft.keep["fc1"] == [2, 7]
    assert draft.evidence.prunable["fc1"].units == draft.evidence.model.fc1.out_features == 2
    assert evidence.model.fc1.out_features == evidence.prunable["fc1"].units
