"""
Training for less
=================

A network is cut half-way through its training, repaired and trained on; the energy of the whole training is counted,
and that of small networks from the start. To see: a tenth of the units ends a point below the dense network for
three quarters of its energy; on data as easy as these a small network that is trained ten times as long does better for less.
An MLP on harder data is the case for a cut (benchmarks/results/training.md).
"""

import copy

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
data, test = (digits.x_train, digits.y_train), (digits.x_test, digits.y_test)
options = {"rate": 4e-3, "seed": 0}
torch.manual_seed(0)
net = pn.zoo.mlp(64, (128, 128), 10)

narrowed = pn.training.train_narrowing(net, data, 0.1, epochs=10, decay=1.0, calibration=250, **options)
print(narrowed)
narrowed.plot().savefig("narrowing.png")

dense = pn.training.train(copy.deepcopy(net), *data, epochs=10, decay=1.0, **options)
print(f"dense     {pn.training.accuracy(dense, *test):.3f}, energy 1.00")
print(f"narrowed  {pn.training.accuracy(narrowed.model, *test):.3f}, energy {narrowed.macs.kept:.2f}")
for times in (1, 10):
    torch.manual_seed(1)
    fresh = pn.training.train(pn.zoo.mlp(64, (13, 13), 10), *data, epochs=10 * times, **options)
    share = times * pn.energy.count(fresh, data).macs / pn.energy.count(net, data).macs
    print(f"fresh     {pn.training.accuracy(fresh, *test):.3f}, energy {share:.2f}")
