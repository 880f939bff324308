import pytest
import torch

import pidnet as pn
from pidnet.training import fine_tune


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


def test_a_teacher_needs_no_labels_and_never_harms_what_is_held_out(mlp, calibration):
    x, y = calibration
    small = pn.apply_plan(mlp, pn.plan_pruning(mlp, calibration, 0.25, "random"), calibration, "none")
    wrong = torch.zeros_like(y)
    wrong[:10] = torch.arange(10)

    def lost(model):
        with torch.no_grad():
            dense, made = mlp(x[4::5]).log_softmax(1), model(x[4::5]).log_softmax(1)
        return float((dense.exp() * (dense - made)).sum(1).mean())

    tuned, other = (fine_tune(small, (x, labels), epochs=15, rate=1e-2, teacher=mlp) for labels in (y, wrong))
    assert torch.equal(tuned.fc1.weight, other.fc1.weight)
    assert lost(tuned) < 0.7 * lost(small)
    wild = fine_tune(tuned, (x, y), epochs=1, rate=1e3, teacher=mlp)
    assert torch.equal(wild.fc1.weight, tuned.fc1.weight)
    with pytest.raises(ValueError, match="the data hold 3 samples; a teacher needs at least 5"):
        fine_tune(small, (x[:3], y[:3]), teacher=mlp)
