"""
A measure of your own
=====================

A function from tables to atoms, used wherever a name of a measure is. Here the redundancy is the least of
I(Y;X1), I(Y;X2) and I(X1;X2): the units share no more about the label than they share at all. To see: XOR and
copies are told apart, and the map takes the function like a name.
"""

import numpy as np
import torch

import pidnet as pn
from pidnet.measures.atoms import atoms_from_redundancy
from pidnet.tables import shannon


def i_shared(tables):
    first, second, _ = shannon.source_informations(tables.p)
    between = shannon.mutual_information(tables.p.sum(3))
    return atoms_from_redundancy(tables.p, np.minimum(np.minimum(first, second), between))


xor, copies = np.zeros((2, 2, 2)), np.zeros((2, 2, 2))
for bit in (0, 1):
    copies[bit, bit, bit] = 0.5  # x1 = x2 = y
    xor[[0, 1], [bit, 1 - bit], bit] = 0.25  # y = x1 xor x2
for name, table in (("xor", xor), ("copies", copies)):
    atoms = pn.decompose(table, i_shared)
    print(f"{name}: redundancy {atoms.redundancy[0]:.2f}, synergy {atoms.synergy[0]:.2f} bits")

torch.manual_seed(0)
samples = pn.datasets.load("digits")
network = pn.training.train(pn.zoo.mlp(64, (12,), 10), samples.x_train, samples.y_train, epochs=5)
codes = pn.quantize(pn.capture(network, (samples.x_train, samples.y_train), ["fc1"]), levels=3)
for measure in ("i_mmi", i_shared):
    layer_map = pn.layer_maps(codes, measure)["fc1"]
    print(f"{layer_map.measure}: {layer_map.atoms.redundancy.mean():.3f} bits of redundancy a pair")
layer_map.plot().savefig("custom_measure.png")
