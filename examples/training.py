"""
While a network learns
======================

How redundancy, unique information and synergy move over the epochs; the curves go to training.png. To see:
the units of the second layer become more redundant while they learn.
"""

from functools import partial

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
torch.manual_seed(0)
net = pn.zoo.mlp(64, (12, 12), 10)
maps = partial(pn.layer_maps, measure="i_min", null="none")
recorder = pn.Recorder((digits.x_test, digits.y_test), ["fc1", "fc2"], maps=maps)
recorder(net, 0)
for epoch in pn.training.train_epochs(net, digits.x_train, digits.y_train, epochs=5):
    recorder(net, epoch)
print(recorder.to_pandas().round(3).to_string())
pn.plots.plot_training(recorder).savefig("training.png")
