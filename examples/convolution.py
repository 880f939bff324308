"""
Channels of a convolutional network
===================================

Channels after their BatchNorm and ReLU. To see: the share of redundancy in what a pair carries rises from
layer to layer.
"""

import torch

import pidnet as pn

digits = pn.datasets.load("digits", images=True)
torch.manual_seed(0)
net = pn.training.train(pn.zoo.conv(1, (8, 12, 12)), digits.x_train, digits.y_train, epochs=4, rate=1e-2)
print(f"accuracy {pn.training.accuracy(net, digits.x_test, digits.y_test):.3f}")

acts = pn.capture(net, (digits.x_train, digits.y_train), reduce={"positions": "mean"})
for layer, reason in acts.skipped.items():
    print(f"skipped {layer}: {reason}")
maps = pn.layer_maps(pn.quantize(acts, how="zero_level"), measure="i_min")
profile = pn.profile(maps)
print(profile)
profile.plot().savefig("convolution.png")
