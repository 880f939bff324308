"""What a newcomer with a residual network and a DataLoader writes: five lines from the network to the page.

Run by ``make package`` in an environment that has the built wheel and nothing of the checkout.
"""

from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import pidnet as pn


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.norm2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x):
        inner = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(inner)))


class ResNet(nn.Module):
    def __init__(self, width=8, classes=10):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.ReLU())
        self.blocks = nn.Sequential(Block(width), Block(width))
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


torch.manual_seed(0)
digits = pn.datasets.load("digits")
x, y = digits.x_train.reshape(-1, 1, 8, 8)[:400], digits.y_train[:400]
net = pn.training.train(ResNet(), x, y, epochs=3)
loader = DataLoader(TensorDataset(x, y), batch_size=64)

maps = pn.layer_maps(pn.quantize(pn.capture(net, loader, ["blocks.0.conv1", "blocks.1.conv1"])))
plan = pn.plan_pruning(net, loader, keep=0.5)
done = pn.runs.carry_out(net, plan, loader, (x, y))
run = pn.runs.write_run("runs/mine", maps, [done], x[:1])
page = pn.report.write_report(run)

assert "site-packages" in pn.__file__, f"the checkout was imported, not the wheel: {pn.__file__}"
assert done.report.macs[1] < done.report.macs[0]
assert Path(page).stat().st_size > 1000
print(maps, plan, page, sep="\n")
