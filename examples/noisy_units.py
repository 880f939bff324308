"""
Binary, quantized, noisy and Bayesian units
===========================================

A discrete unit is its own code, and draws are samples. To see: all units of the binarized network are their
own code, and those of the plain one none.
"""

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
levels = {"binarized": 2, "int4": 8}
for variant in ("plain", "binarized", "int4", "stochastic", "bayesian"):
    torch.manual_seed(0)
    net = pn.zoo.mlp(64, (12, 12), 10, variant=variant)
    pn.training.train(net, digits.x_train, digits.y_train, epochs=3, rate=1e-2)
    draws = 2 if variant in ("stochastic", "bayesian") else 1
    acts = pn.capture(net, (digits.x_train, digits.y_train), ["fc1", "fc2"], draws=draws)
    codes = pn.quantize(acts, levels=levels.get(variant, 4))
    exact = sum(len(layer.exact) for layer in codes.layers.values())
    print(f"{variant}: {len(codes.target)} rows, {exact} units are their own code")
    profile = pn.profile(pn.layer_maps(codes, measure="i_min"))
    print(profile)
profile.plot().savefig("noisy_units.png")  # of the Bayesian network
