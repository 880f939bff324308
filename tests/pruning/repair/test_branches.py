"""Whole branches that go: what the network then is, when one may, and that the one that does nothing goes first."""

import copy

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.pruning.repair.branches import branches
from pidnet.pruning.structure.discovery import discover


class Block(nn.Module):
    """Convolutions beside a shortcut; three of them where ``deep``."""

    def __init__(self, width=6, deep=False):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.middle = nn.Conv2d(8, 8, 3, padding=1) if deep else nn.Identity()
        self.conv2, self.bn2 = nn.Conv2d(8, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)

    def forward(self, x):
        made = self.middle(self.bn1(self.conv1(x)).relu()).relu()
        return (x + self.bn2(self.conv2(made))).relu()


class Residual(nn.Module):
    """A small residual network; the branch of its block ``dead`` outputs a constant."""

    def __init__(self, blocks=2, dead=None, deep=False):
        super().__init__()
        self.conv, self.blocks = (
            nn.Conv2d(2, 6, 3, padding=1),
            nn.Sequential(*(Block(deep=deep) for _ in range(blocks))),
        )
        self.head = nn.Linear(6, 4)
        with torch.no_grad():
            for block in self.blocks:
                block.bn2.weight.mul_(0.5)
            if dead is not None:
                self.blocks[dead].bn2.weight.zero_()
                self.blocks[dead].bn2.bias.uniform_(-0.3, 0.3)
            self.head.weight.mul_(8)

    def forward(self, x):
        return self.head(self.blocks(self.conv(x)).mean((2, 3)))


class Feeding(nn.Module):
    """Feed-forward layers beside a stream of tokens, as in a transformer."""

    def __init__(self):
        super().__init__()
        self.up = nn.ModuleList([nn.Linear(5, 12) for _ in range(3)])
        self.down = nn.ModuleList([nn.Linear(12, 5, bias=False) for _ in range(3)])
        self.head = nn.Linear(5, 3)

    def forward(self, x):
        for up, down in zip(self.up, self.down, strict=True):
            x = x + down(nn.functional.gelu(up(x)))
        return self.head(x.mean(1))


def made(net, samples=120):
    torch.manual_seed(0)
    net, x = net().eval(), torch.randn(samples, 2, 5, 5)
    with torch.no_grad():
        return net, (x, net(x).argmax(1))


def test_the_branch_that_does_nothing_goes_wholly_and_nothing_is_lost():
    net, data = made(lambda: Residual(blocks=4, dead=2))
    plan = pn.plan_pruning(
        net, data, macs=0.79, layers=[f"blocks.{k}.conv1" for k in range(4)], allocation="measured"
    )
    assert plan.kept["blocks.2.conv1"] == []
    assert all(plan.kept[f"blocks.{k}.conv1"] for k in (0, 1, 3))
    assert plan.curves["blocks.2.conv1"][0] == (0, pytest.approx(0, abs=1e-6))
    assert pn.PruningPlan.from_json(plan.to_json()) == plan
    assert "branch" in plan.explain()


@pytest.mark.parametrize("repair", ["none", "fold", "refit"])
@torch.no_grad()
def test_without_a_dead_branch_the_output_is_the_same(repair, tmp_path):
    net, (x, y) = made(lambda: Residual(dead=1))
    plan = pn.PruningPlan({"blocks.1.conv1": []}, {}, "by hand", units={"blocks.1.conv1": 8})
    small = pn.apply_plan(net.requires_grad_(False), plan, (x, y), repair)
    assert not any(parameter.requires_grad for parameter in small.parameters())
    torch.testing.assert_close(small(x), net(x), rtol=1e-4, atol=1e-4)
    before, after = (pn.energy.count(model, x[:1]) for model in (net, small))
    assert before.macs - after.macs == 2 * 25 * 9 * 6 * 8
    assert not after.unknown
    assert copy.deepcopy(small)(x).equal(small(x))
    again = pn.load_pruned(net, pn.save_pruned(small, plan, x, tmp_path / "small"))
    assert again(x).equal(small(x))


@torch.no_grad()
def test_the_constant_of_a_branch_stays_in_the_sum():
    torch.manual_seed(0)
    net, x = Feeding().eval(), torch.randn(200, 4, 5)
    net.up[1].weight.zero_()
    plan = pn.PruningPlan({"up.1": []}, {}, "by hand")
    small = pn.apply_plan(net, plan, (x, net(x).argmax(1)), "fold")
    torch.testing.assert_close(small(x), net(x), rtol=1e-4, atol=1e-4)
    assert small.up[1].out_features == small.down[1].in_features == 0
    some = x[:40]
    reconstructed = pn.apply_plan(net, plan, (some, net(some).argmax(1)), "reconstruct")
    torch.testing.assert_close(reconstructed(x), net(x), rtol=1e-2, atol=1e-2)


def test_only_what_feeds_a_sum_beside_something_else_may_go():
    net, (x, y) = made(lambda: Residual(blocks=2))
    assert branches(discover(net, x), x) == ["blocks.0.conv1", "blocks.1.conv1"]
    with pytest.raises(
        ValueError, match=r"the plan keeps \[\] of layer 'conv'; expected some of the units 0 to 5"
    ):
        pn.apply_plan(net, pn.PruningPlan({"conv": []}, {}, "by hand"), (x, y))

    class Offset(nn.Module):  # the sum has nothing else that depends on the input
        def __init__(self):
            super().__init__()
            self.up, self.down, self.offset = nn.Linear(4, 6), nn.Linear(6, 3), nn.Parameter(torch.ones(3))

        def forward(self, x):
            return self.down(self.up(x).relu()) + self.offset

    assert branches(discover(Offset().eval(), x[:, 0, 0, :4]), x[:, 0, 0, :4]) == []


def test_what_only_an_empty_branch_reads_goes_with_it():
    net, (x, _) = made(lambda: Residual(blocks=2, deep=True))
    network = discover(net, x)
    assert branches(network, x) == ["blocks.0.middle", "blocks.1.middle"]
    widths = network.idle(network.widths | {"blocks.1.middle": 0})
    assert widths == network.widths | {"blocks.1.middle": 0, "blocks.1.conv1": 0}
    plan = pn.PruningPlan({"blocks.1.middle": [], "blocks.1.conv1": []}, {}, "by hand")
    small = pn.apply_plan(net, plan, (x, torch.arange(120) % 4), "refit")
    assert small.blocks[1].conv1.weight.numel() == small.blocks[1].middle.weight.numel() == 0


def test_a_pruned_network_is_planned_again():
    net, data = made(lambda: Residual(blocks=2))
    small = pn.apply_plan(net, pn.PruningPlan({"blocks.0.conv1": []}, {}, "by hand"), data)
    plan = pn.plan_pruning(small, data, keep=0.8, criterion="obs")
    assert "gone already" in plan.left_out["blocks.0.conv1"]
    assert "blocks.1.conv1" in plan.kept
    pn.apply_plan(small, plan, data)
    maps = pn.layer_maps(pn.quantize(pn.capture(small, data), 2), measure="i_min", correction=None)
    assert "blocks.1.conv1" in maps
