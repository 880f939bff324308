"""
Lottery tickets of whole units
==============================

The units that a plan keeps, with the weights they started with, trained anew. To see: such a ticket ends above as many
units drawn at random, but below the same units cut out of the trained network and repaired, which costs no training;
and early plans share half of their units with the final one, in the second layer more than chance would make of it.
"""

import copy

import torch

import pidnet as pn

digits = pn.datasets.load("digits")
data, test = (digits.x_train, digits.y_train), (digits.x_test, digits.y_test)
torch.manual_seed(0)
net = pn.zoo.mlp(64, (96, 64), 10)
states = [copy.deepcopy(net)]
for _ in pn.training.train_epochs(net, *data, epochs=6, rate=1e-2):
    states.append(copy.deepcopy(net))

calibration = data[0][:400], data[1][:400]
plans = [pn.plan_pruning(state, calibration, 0.25, "obs") for state in states]
for epoch in (0, 1, 3, 6):
    for layer, overlap in pn.pruning.plan_overlap(plans[epoch], plans[-1]).items():
        print(f"epoch {epoch}, {layer}: {overlap}")

small = pn.apply_plan(net, plans[-1], calibration)
print(f"cut and repaired: {pn.training.accuracy(small, *test):.3f}")
chosen = {f"random {seed}": pn.pruning.random_plan(plans[-1], seed) for seed in range(3)}
for name, plan in {"ticket": plans[-1], **chosen}.items():
    ticket = pn.pruning.rewind(states[0], plan, data)
    pn.training.train(ticket, *data, epochs=6, rate=1e-2)
    print(f"{name}, from the start: {pn.training.accuracy(ticket, *test):.3f}")
plans[-1].plot().savefig("tickets.png")
