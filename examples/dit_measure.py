"""
Any measure of dit
==================

On a gate, on three units of a network at once, and as the measure of a whole map. To see: XOR is all synergy,
and the I_min of dit and ours are one number.
"""

import dit
import torch

import pidnet as pn
from pidnet.measures.atoms import Atoms


def i_dit_wb(tables):
    """I_min as dit has it, pair by pair; slow, but any measure of dit goes here."""
    return Atoms.concatenate([pn.decompose_dit(as_dit(table), "PID_WB").two_sources for table in tables.p])


def as_dit(p):
    """A joint table as a dit distribution, the target last."""
    return dit.Distribution.from_ndarray(p)


gate = dit.Distribution(["000", "011", "101", "110"], [1 / 4] * 4)
xor = pn.decompose_dit(gate, "PID_CCS")
print("xor:", {node: round(bits, 3) for node, bits in xor.atoms.items()})
pn.plots.plot_atoms({"xor, I_ccs": xor.two_sources}).savefig("dit_measure.png")

torch.manual_seed(0)
samples = pn.datasets.load("digits")
x, y = samples.x_train[:500], (samples.y_train[:500] > 4).long()  # small or large digit: two classes
network = pn.training.train(pn.zoo.mlp(64, (5,), 2), x, y, epochs=10, rate=0.01)
codes = pn.quantize(pn.capture(network, (x, y), ["fc1"]), levels=2)

joint = torch.zeros(2, 2, 2, 2, dtype=torch.float64)
joint.index_put_(
    (*codes.layers["fc1"].values[:, :3].long().T, y), torch.tensor(1 / len(y)).double(), accumulate=True
)
atoms = pn.decompose_dit(as_dit(joint.numpy()), "PID_MMI").atoms
largest = sorted(atoms, key=lambda node: -atoms[node])[:3]
print("three units, largest atoms:", {node: round(atoms[node], 3) for node in largest})

for measure in ("i_min", i_dit_wb):
    layer_map = pn.layer_maps(codes, measure, correction="none", null="none")["fc1"]
    print(f"{layer_map.measure}: {layer_map.atoms.redundancy.mean():.4f} bits of redundancy a pair")
