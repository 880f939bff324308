"""
Synergy and redundancy over depth
=================================

Early layers synergistic, deep layers redundant? To see: how much of the last layer is redundant depends on
the measure, half of it by I_min and a third by I_BROJA. For five networks and four seeds: python -m
benchmarks.depth_profile.
"""

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
torch.manual_seed(0)
net = pn.training.train(pn.zoo.mlp(64, (10, 10, 10), 10), digits.x_train, digits.y_train, epochs=15)
acts = pn.capture(net, (digits.x_train, digits.y_train), ["fc1", "fc2", "fc3"])
codes = pn.quantize(acts, how="zero_level")
for measure in ("i_min", "i_ccs", "i_broja"):
    profile = pn.profile(pn.layer_maps(codes, measure, null="none"))
    print(profile, end="\n\n")
profile.plot().savefig("depth.png")  # by I_BROJA
print(pn.profile(pn.layer_maps(acts, "gaussian_i_broja", correction="wishart")))
