"""The units of a map are those of a plan, by the same names, of recurrent layers too (fault F3)."""

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.pruning.structure.discovery import discover
from tests.pruning.families import FAMILIES, make


def widths(acts):
    return {name: values.shape[1] for name, values in acts.layers.items()}


class Reader(nn.Module):
    """A recurrent module and a head on its last step."""

    def __init__(self, rnn):
        super().__init__()
        self.rnn = rnn
        self.head = nn.Linear(rnn.hidden_size * (1 + rnn.bidirectional), 3)

    def forward(self, x):
        return self.head(self.rnn(x)[0][:, -1])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_layers_and_directions_of_recurrent_modules(kind, layers, bidirectional):
    net = Reader(kind(4, 6, layers, bidirectional=bidirectional, batch_first=True)).eval()
    x, y = torch.randn(40, 5, 4), torch.arange(40) % 3
    planned = discover(net, x).widths
    assert widths(pn.capture(net, (x, y))) == planned | {"head": 3}
    assert widths(pn.capture(net, (x, y), ["rnn"])) == planned
    assert widths(pn.capture(net, (x, y), list(planned)[-1:])) == {list(planned)[-1]: 6}
    alone, found = pn.capture(net.rnn, (x, y)), discover(net.rnn, x)
    assert set(alone.layers) == {*found.widths, *found.refused}
    assert ["rnn." + name for name in alone.layers] == list(planned)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_layer_of_a_plan_can_be_captured_with_as_many_units(family):
    net, data = make(family)
    captured = widths(pn.capture(net, data))
    planned = discover(net, data[0])
    assert planned.widths.items() <= captured.items()
    assert planned.refused.keys() <= dict(net.named_modules()).keys()


def test_the_units_of_a_name_are_those_that_the_plan_cuts():
    """A reverse layer that nobody reads costs nothing; its map is that of the same units."""
    torch.manual_seed(0)
    net = Reader(nn.GRU(4, 6, bidirectional=True, batch_first=True)).eval()
    x, y = torch.randn(60, 5, 4), torch.arange(60) % 3
    with torch.no_grad():
        net.rnn.weight_ih_l0_reverse[[2, 8, 14]] = 0
        net.rnn.weight_hh_l0_reverse[[2, 8, 14]] = 0
        net.rnn.bias_ih_l0_reverse[[2, 8, 14]] = 0
        net.rnn.bias_hh_l0_reverse[[2, 8, 14]] = 0
    acts = pn.capture(net, (x, y), ["rnn.l0_reverse"], reduce={"steps": "samples"})
    assert [unit for unit in range(6) if not acts.layers["rnn.l0_reverse"][:, unit].any()] == [2]
    plan = pn.plan_pruning(net, (x, y), keep=5 / 6, criterion="l2")
    assert 2 not in plan.kept["rnn.l0_reverse"]


def test_the_projection_of_torchs_attention_is_followed():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
            self.head = nn.Linear(8, 3)

        def forward(self, x):
            return self.head(self.attention(x, x, x)[0].relu().mean(1))

    net, x, y = Net().eval(), torch.randn(40, 5, 8), torch.arange(40) % 3
    acts = pn.capture(net, (x, y))
    assert widths(acts) == {"attention": 2, "attention.out_proj": 8, "head": 3}
    expected = net.attention(x, x, x)[0].relu().mean(1).detach()
    torch.testing.assert_close(acts.layers["attention.out_proj"], expected)
    assert discover(net, x).widths == {"attention": 2, "attention.out_proj": 8}
    assert list(pn.capture(net, (x, y), ["attention.out_proj"]).layers) == ["attention.out_proj"]
