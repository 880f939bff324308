"""
The information plane of binary and quantized networks
======================================================

Units with few values can be counted, so that I(X;T) = H(T) needs no estimator: binary ones (Nothnagel and Geiger,
2026) and units of 4 bits (Lorenzen et al., 2022). To see: which widths these samples can tell about, and whether a
layer loses bits while it learns.
"""

from functools import partial

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
data = digits.x_train, digits.y_train
read = partial(pn.information_plane, held_out=(digits.x_test, digits.y_test), probe=None)
for variant, width in (("binarized", 6), ("binarized", 10), ("binarized", 16), ("int4", 3)):
    torch.manual_seed(0)
    net = pn.zoo.mlp(64, (32, width), 10, variant=variant)
    net(data[0])  # units of 4 bits learn their range
    recorder = pn.Recorder(data, ["fc2"], every=5, what=read)
    recorder(net, 0)
    for epoch in pn.training.train_epochs(net, *data, epochs=15, rate=1e-2):
        recorder(net, epoch)
    print(
        f"{variant}, {width} units, test accuracy {pn.training.accuracy(net, digits.x_test, digits.y_test):.2f}"
    )
    for epoch, plane in zip(recorder.steps, recorder.snapshots, strict=True):
        found = plane.of("fc2")
        coverage = found["I(X;T)"].settings["coverage"]
        print(f"  epoch {epoch:2}  {found['I(X;T)']}  {found['I(T;Y)']}  coverage {coverage:.2f}")
pn.plots.plot_plane(recorder.snapshots).savefig("binary_plane.png")  # of the last network
