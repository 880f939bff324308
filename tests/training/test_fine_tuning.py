import pytest
import torch

import pidnet as pn
from pidnet.pruning import fine_tune


def test_a_short_training_helps_and_leaves_the_given_network(mlp, calibration, digits):
    plan = pn.plan_pruning(mlp, calibration, 0.25, "random")
    small = pn.apply_plan(mlp, plan, calibration, "none")
    before = small.fc1.weight.clone()
    tuned = [fine_tune(small, calibration, epochs=4, rate=1e-2) for _ in range(2)]
    accuracies = [pn.training.accuracy(model, digits.x_test, digits.y_test) for model in (small, *tuned)]
    assert accuracies[1] > accuracies[0] + 0.05
    assert accuracies[1] == accuracies[2]
    assert torch.equal(small.fc1.weight, before)
    with pytest.raises(ValueError, match="epochs=0; expected at least 1"):
        fine_tune(small, calibration, epochs=0)
