"""
Beyond pairs
============

How redundant and how vulnerable random groups of units are, and each unit against the rest. To see: the
second layer is more redundant than the first, and the more so the larger the group (O-information above 0).
"""

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
torch.manual_seed(0)
net = pn.training.train(pn.zoo.mlp(64, (24, 24), 10), digits.x_train, digits.y_train, epochs=8)
codes = pn.quantize(pn.capture(net, (digits.x_train, digits.y_train), ["fc1", "fc2"]), levels=2)
for layer in codes.layers:
    for size in (2, 3, 4):
        groups = pn.random_groups(codes, layer, size, 50)
        found = pn.group_invariants(codes, layer, groups)
        print(
            f"{layer}, {size} units: in {found.redundancy_degree.mean():.2f} of them the average bit is found, "
            f"on {found.vulnerability_degree.mean():.2f} it hangs, O-information {found.o_information.mean():+.3f}"
        )
    complexity = pn.representational_complexity(codes, layer, groups)
    print(f"{layer}: {complexity.mean():.2f} units must be read together")
    rest = pn.unit_against_rest(codes, layer, "i_min")
    print(f"{layer}: unit {rest.unique1.argmax()} adds most to the rest, {rest.unique1.max():.3f} bits")
pn.redundancy_graph(pn.layer_maps(codes, "i_min")["fc2"]).plot().savefig("groups.png")
