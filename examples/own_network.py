"""
A network of your own
=====================

What the units of an nn.Module carry together, who could replace whom, and a smaller copy. To see: half of the
units go, and two or three points of accuracy with them.
"""

import torch
from torch import nn

import pidnet as pn


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(64, 24), nn.Linear(24, 12), nn.Linear(12, 10)

    def forward(self, x):
        return self.head(torch.relu(self.second(torch.relu(self.first(x)))))


torch.manual_seed(0)
samples = pn.datasets.load("digits")
network = pn.training.train(Network(), samples.x_train, samples.y_train, epochs=15, rate=0.01)
calibration = samples.x_train[:600], samples.y_train[:600]

activations = pn.capture(network, calibration, ["first", "second"])
maps = pn.layer_maps(pn.quantize(activations, how="zero_level"), "i_min")
for layer, layer_map in maps.items():
    means = layer_map.summary()
    print(f"{layer}: {means['redundancy']:.3f} bits of redundancy, {means['synergy']:.3f} of synergy a pair")

replacements = pn.replacement_graph(maps["second"], tolerance=0.05)
print(f"second: {replacements.number_of_edges()} of {len(maps['second'].pairs) * 2} replacements lose little")

plan = pn.plan_pruning(network, calibration, keep=0.5)
small = pn.apply_plan(network, plan, calibration)
before, after = (pn.training.accuracy(net, samples.x_test, samples.y_test) for net in (network, small))
print(f"half of the units: accuracy {before:.3f} -> {after:.3f}")
maps["second"].plot().savefig("own_network.png")
