"""Counting leaves the model as it was, and refuses in one sentence what it cannot count."""

import contextlib
import copy

import pytest
import torch
from torch import nn

from pidnet.energy import count
from tests.energy.nets import Function


class Restless(nn.Module):
    """Changes what it can while it runs: buffers, its input, the random state."""

    def __init__(self, fails=False):
        super().__init__()
        self.linear, self.fails = nn.Linear(4, 4), fails
        self.register_buffer("steps", torch.zeros(3))
        self.register_buffer("last", None)

    def forward(self, x):
        self.steps += 1
        self.last = x.relu_() + torch.rand(4)
        if self.fails:
            raise RuntimeError("not today")
        return self.linear(x)


@pytest.mark.parametrize("fails", [False, True])
def test_model_input_and_random_state_are_as_before(fails):
    net, x = nn.Sequential(Restless(fails), nn.BatchNorm1d(4), nn.Dropout()), torch.randn(3, 4)
    net[2].eval()
    before, inputs, random = copy.deepcopy(net.state_dict()), x.clone(), torch.get_rng_state()
    if fails:
        with pytest.raises(ValueError, match="RuntimeError: not today"):
            count(net, x)
    else:
        assert count(net, x).macs == 16
    assert net[0].last is None
    assert torch.equal(x, inputs)
    assert torch.equal(torch.get_rng_state(), random)
    assert [module.training for module in net.modules()] == [True, True, True, True, False]
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in net.modules())
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in before.items())
    assert torch.is_grad_enabled()


def test_an_error_that_the_model_catches_does_not_shift_the_bookkeeping():
    def forward(net, x):
        with contextlib.suppress(ValueError):
            net.wrong(x)
        return net.right(x) @ net.w

    def refuse(net, x):
        raise ValueError("refused")

    net = Function(forward, wrong=Function(refuse), right=nn.Linear(4, 3), w=torch.ones(3, 5))
    layers = count(net, torch.randn(1, 4)).layers
    assert {name: layer.macs for name, layer in layers.items()} == {"": 15, "right": 12}


@pytest.mark.parametrize(
    ("model", "example", "error", "message"),
    [
        ("model", torch.ones(1, 4), TypeError, "model is a str; expected a torch.nn.Module"),
        (nn.Linear(4, 2), "x", TypeError, "the input is a str without tensors"),
        (nn.Linear(4, 2), (), TypeError, "the input is a tuple without tensors"),
        (nn.Linear(4, 2), torch.ones(0, 4), ValueError, r"shape \(0, 4\); expected one batch size"),
        (nn.Linear(4, 2), torch.tensor(1.0), ValueError, r"expected one batch size on axis 0"),
        (
            nn.Linear(4, 2),
            (torch.ones(2, 4), torch.ones(3)),
            ValueError,
            r"x has shape \(2, 4\) but y has shape \(3,\); expected one target a sample",
        ),
        (
            nn.Linear(4, 2),
            torch.ones(2, 5),
            ValueError,
            r"does not run on inputs of shape \(1, 5\): RuntimeError: mat1",
        ),
        (nn.Linear(4, 2), {"y": torch.ones(2, 4)}, ValueError, "unexpected keyword argument 'y'"),
        (nn.LazyLinear(4), torch.ones(2, 4), ValueError, "parameter 'weight' has no size yet"),
    ],
)
def test_bad_input_gets_one_sentence(model, example, error, message):
    with pytest.raises(error, match=message):
        count(model, example)


@pytest.mark.filterwarnings("ignore")
def test_a_scripted_module_is_refused():
    with pytest.raises(TypeError, match="module '0' is scripted"):
        count(nn.Sequential(torch.jit.script(nn.Linear(4, 2))), torch.ones(1, 4))
