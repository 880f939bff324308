"""
An LSTM, step by step
=====================

What the hidden units carry about the label after each step of a sequence. To see: information grows as the
sequence is read, and so does the share of redundancy.
"""

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
rows = digits.x_train.reshape(-1, 8, 8)  # one row of the image a step
torch.manual_seed(0)
net = pn.training.train(pn.zoo.lstm(8, 12, 10), rows, digits.y_train, epochs=5, rate=1e-2)

acts = pn.capture(net, (rows, digits.y_train), ["rnn"], reduce={"steps": "each"})
maps = pn.layer_maps(pn.quantize(acts), measure="i_min")
for step, layer_map in maps.items():
    print(f"{step}: {layer_map.unit_information.mean():.3f} bits a unit")
profile = pn.profile(maps)
print(profile)
profile.plot().savefig("recurrent.png")
