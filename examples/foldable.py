"""
Training for the cut
====================

The same network is trained plainly, with weight decay, and with decay and the penalty ``Foldable``, and each is cut to a
fourth of its units afterwards, in one shot. To see: the penalty lowers what the units that go say and the others cannot
say; on data as easy as these and in so few steps neither that nor the decay brings anything, and the penalty costs two
points. An MLP on harder data is the case for both (benchmarks/results/training.md).
"""

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
data, test = (digits.x_train, digits.y_train), (digits.x_test, digits.y_test)

for name, weight, decay in (("plain", 0.0, 0.0), ("decay", 0.0, 1.0), ("decay and penalty", 0.3, 1.0)):
    torch.manual_seed(0)
    net = pn.zoo.mlp(64, (32, 32), 10)
    with pn.training.Foldable(net, keep=(0.25,), weight=weight) as penalty:
        net = pn.training.train(net, *data, epochs=20, rate=2e-3, decay=decay, penalty=penalty)
    unsaid = {layer: f"{shares[0.25]:.1%}" for layer, shares in penalty.unexplained().items()}
    plan = pn.plan_pruning(net, data, keep=0.25, search=False)
    small = pn.apply_plan(net, plan, data)
    before, after = (pn.training.accuracy(model, *test) for model in (net, small))
    print(f"{name:18} unsaid {unsaid}, accuracy {before:.3f}, with a fourth of the units {after:.3f}")
print(f"the penalty took {penalty.overhead:.0%} of the training's multiply-accumulates")
pn.plots.plot_unexplained(penalty).savefig("foldable.png")
