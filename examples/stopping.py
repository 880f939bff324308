"""
When to stop
============

One training at a constant rate with a fifth of the labels wrong: recorded once, then every rule is replayed on it.
To see: where each rule stops, the points of test accuracy that it loses against the best epoch, and what it costs to
measure what it reads. One training proves nothing about a rule.
"""

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
generator = torch.Generator().manual_seed(0)
x, y = digits.x_train[:600], digits.y_train[:600].clone()
wrong = torch.rand(len(y), generator=generator) < 0.2
y[wrong] = torch.randint(10, (int(wrong.sum()),), generator=generator)

torch.manual_seed(0)
net = pn.zoo.mlp(64, (64, 64), 10)
rules = [name for name in pn.training.STOPPING if name != "validation"]
stopper = pn.training.Stopper((x, y), None, watch=rules, test=(digits.x_test, digits.y_test))
optimizer = torch.optim.Adam(net.parameters(), 3e-3)
for epoch in range(1, 21):
    for part in torch.randperm(len(y), generator=generator).split(64):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(x[part]), y[part]).backward()
        optimizer.step()
    stopper(net, epoch)
print(pn.training.replay(stopper.history))
stopper.history.plot().savefig("stopping.png")

# A rule while training: the loop ends when it fires, and the weights of the chosen epoch come back.
torch.manual_seed(0)
net = pn.zoo.mlp(64, (64, 64), 10)
epochs = pn.training.train_epochs(net, x, y, epochs=40, rate=3e-3)
print(pn.training.stop_training(epochs, net, (x, y), "prediction_changes"))
