"""A unit is followed through what acts on it alone, and no further."""

import pytest
import torch
from torch import nn

from pidnet import capture, layers, zoo

X, Y = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 3


class Net(nn.Module):
    """fc, then a function of its output and of the input, then a layer that mixes."""

    def __init__(self, after):
        super().__init__()
        self.fc, self.after, self.out = nn.Linear(4, 4), after, nn.Linear(4, 3)

    def forward(self, x):
        return self.out(self.after(self.fc(x), x))


QUANTIZE = layers.FakeQuantize(4)
QUANTIZE(X)
QUANTIZE.eval()

FOLLOWED = {
    "module": lambda h, x: nn.Hardswish()(h),
    "function": lambda h, x: nn.functional.gelu(h),
    "method": lambda h, x: h.sigmoid(),
    "swish": lambda h, x: h * torch.sigmoid(h),
    "gelu by hand": lambda h, x: 0.5 * h * (1 + torch.tanh(0.8 * (h + 0.04 * h**3))),
    "where": lambda h, x: torch.where(h > 0, h, 0.1 * h),
    "in place": lambda h, x: h.relu_(),
    "dropout": lambda h, x: nn.Dropout(0.5).eval()(h.relu()),
    "scalars": lambda h, x: 1 - 2 * h.tanh(),
    "sign": lambda h, x: layers.Sign()(h),
    "fake quantized": lambda h, x: QUANTIZE(h.relu()),
}


@pytest.mark.parametrize("name", FOLLOWED)
def test_units_are_read_after_their_nonlinearity(name):
    torch.manual_seed(0)
    net = Net(FOLLOWED[name])
    expected = net.after(net.fc(X).detach().clone(), X)
    torch.testing.assert_close(capture(net, (X, Y), ["fc"]).layers["fc"], expected)


def overwritten(h, x):
    h += x
    return h


MIXED = {
    "residual": lambda h, x: h.relu() + x,
    "residual in place": lambda h, x: overwritten(h.relu(), x),
    "softmax": lambda h, x: h.relu().softmax(-1),
    "layer norm": lambda h, x: nn.functional.layer_norm(h.relu(), (4,)),
    "gate": lambda h, x: h.relu() * x,
    "permuted": lambda h, x: h.relu().flip(1),
}


@pytest.mark.parametrize("name", MIXED)
def test_units_end_where_they_mix(name):
    torch.manual_seed(0)
    net = Net(MIXED[name])
    expected = net.fc(X).relu().detach()
    torch.testing.assert_close(capture(net, (X, Y), ["fc"]).layers["fc"], expected)


def test_a_write_through_a_view_is_noticed():
    def write(h, x):
        h = h.relu()
        h[:, 0].fill_(7)
        return h

    with pytest.raises(ValueError, match="'fc' were overwritten in place"):
        capture(Net(write), (X, Y), ["fc"])


def test_a_layer_that_computes_with_its_input_does_not_move_the_units_before_it():
    """A Bayesian layer squares its input for the variance; the units before it are not the squares."""
    torch.manual_seed(0)
    net = zoo.mlp(4, (3,), 2, variant="bayesian")
    seen = []
    net.relu1.register_forward_hook(lambda module, inputs, output: seen.append(output.detach()))
    acts = capture(net, (torch.randn(20, 4), torch.arange(20) % 2), ["fc1"])
    torch.testing.assert_close(acts.layers["fc1"], seen[-1])
