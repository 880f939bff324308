"""A plan in other tools' forms gives the network that pidnet cuts itself."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

import pidnet as pn
from pidnet.integrations import masked, torch_pruning_groups
from pidnet.pruning.applying import shrink


class Residual(nn.Module):
    """A stem, a block with an inner convolution and a sum, a head."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.conv1, self.norm1 = nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 6, 3, padding=1)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        inner = torch.relu(self.norm1(self.conv1(x)))
        return self.head(torch.relu(x + self.conv2(inner)).mean((2, 3)))


@pytest.fixture
def case():
    """A residual network whose BatchNorm shifts, its data, and a plan that cuts the stream and the inner layer."""
    torch.manual_seed(0)
    net = Residual().eval()
    nn.init.uniform_(net.norm1.bias, 0.5, 1.0)
    data = torch.randn(40, 1, 6, 6), torch.arange(40) % 3
    plan = pn.PruningPlan(
        {"stem": [0, 2, 3, 5], "conv1": [1, 2, 6]}, {}, "by hand", units={"stem": 6, "conv1": 8}
    )
    return net, data, plan


def test_the_masked_network_gives_what_the_smaller_one_gives_without_repair(case):
    net, (x, y), plan = case
    before = net(x)
    silent = masked(net, plan, (x, y))
    torch.testing.assert_close(silent(x), shrink(net, plan, x)(x))
    assert not torch.allclose(silent(x), before)
    torch.testing.assert_close(net(x), before)
    assert prune.is_pruned(silent)
    assert not prune.is_pruned(net)
    for module in (silent.stem, silent.conv2, silent.conv1, silent.norm1):
        prune.remove(module, "weight")
        prune.remove(module, "bias")
    torch.testing.assert_close(silent(x), shrink(net, plan, x)(x))


def test_torch_pruning_cuts_the_same_units(case):
    tool = pytest.importorskip("torch_pruning")
    net, (x, y), plan = case
    small = shrink(net, plan, x)
    graph = tool.DependencyGraph().build_dependency(net, x[:2])
    for entry in torch_pruning_groups(net, plan, (x, y)):
        graph.get_pruning_group(*entry).prune()
    assert net.stem.out_channels == 4
    torch.testing.assert_close(net(x), small(x))


@pytest.mark.parametrize("form", [masked, torch_pruning_groups])
def test_recurrent_units_have_no_form_there(form):
    pytest.importorskip("torch_pruning")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.head = nn.LSTM(4, 6, batch_first=True), nn.Linear(6, 2)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    plan = pn.PruningPlan({"rnn.l0": [0, 1, 2]}, {}, "by hand", units={"rnn.l0": 6})
    data = torch.randn(20, 5, 4), torch.arange(20) % 2
    with pytest.raises(ValueError, match=r"'rnn.l0' are no rows of one Linear or convolution"):
        form(Net().eval(), plan, data)
