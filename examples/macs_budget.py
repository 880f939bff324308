"""Pruning under a budget of multiply-accumulates: which criterion keeps the accuracy, and what energy is left."""

import torch

import pidnet as pn

torch.manual_seed(0)
samples = pn.data.load("digits")
network = pn.zoo.train(pn.zoo.mlp(64, (48, 32), 10), samples.x_train, samples.y_train, epochs=12)
calibration = samples.x_train[:600], samples.y_train[:600]
dense = pn.zoo.accuracy(network, samples.x_test, samples.y_test)

for criterion in ("pid", "l2", "random"):
    plan = pn.plan_pruning(network, calibration, macs=0.25, criterion=criterion)
    small = pn.apply_plan(network, plan, calibration, repair="refit")
    accuracy = pn.zoo.accuracy(small, samples.x_test, samples.y_test)
    report = pn.compare_energy(network, small, samples.x_test[:1], accuracy=(dense, accuracy))
    share = report.macs[1] / report.macs[0]
    print(f"{criterion}: {share:.1%} of the MACs, accuracy {dense:.3f} -> {accuracy:.3f}")

first = plan.removed["fc1"][0]
print(f"the last plan takes unit {first.index} of fc1 out first; units {first.substitutes} take over")
print(report)
