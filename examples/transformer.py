"""
A transformer
=============

FFN units, attention heads as vector units, residual dimensions; the mean over the tokens. To see: every kind
of unit goes through the same three calls.
"""

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
tokens = digits.x_train.reshape(-1, 8, 8)
torch.manual_seed(0)
net = pn.zoo.transformer(8, (12, 12), width=12, heads=4)
pn.training.train(net, tokens, digits.y_train, epochs=3, rate=1e-2)

layers = ["blocks.0.ffn1", "blocks.0.attention", "blocks.1", "blocks.1.ffn1", "blocks.1.attention"]
codes = pn.quantize(pn.capture(net, (tokens, digits.y_train), layers, reduce={"tokens": "mean"}))
print("coded jointly:", {name: layer.alphabet for name, layer in codes.layers.items() if layer.alphabet})
profile = pn.profile(pn.layer_maps(codes, measure="i_min"))
print(profile)
profile.plot().savefig("transformer.png")
