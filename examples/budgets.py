"""
Pruning under a budget
======================

A budget of multiply-accumulates or of modelled energy, by the criterion that you choose. To see: at a quarter
of either, the criteria lose about a point of accuracy, random choice two or three.
"""

import torch

import pidnet as pn

torch.manual_seed(0)
samples = pn.datasets.load("digits")
network = pn.training.train(pn.zoo.mlp(64, (48, 32), 10), samples.x_train, samples.y_train, epochs=12)
calibration = samples.x_train[:600], samples.y_train[:600]
dense = pn.training.accuracy(network, samples.x_test, samples.y_test)

for budget in ({"macs": 0.25}, {"energy": 0.25}):
    for criterion in ("pid", "l2", "random"):
        plan = pn.plan_pruning(network, calibration, criterion=criterion, **budget)
        small = pn.apply_plan(network, plan, calibration, repair="refit")
        accuracy = pn.training.accuracy(small, samples.x_test, samples.y_test)
        report = pn.compare_energy(network, small, samples.x_test[:1], accuracy=(dense, accuracy))
        macs, joules = report.macs.kept, report.figure("sram").kept
        print(f"{budget}, {criterion}: {macs:.1%} of the MACs, {joules:.1%} of the energy, ", end="")
        print(f"accuracy {dense:.3f} -> {accuracy:.3f}")

print(report)
plan.plot().savefig("budgets.png")
