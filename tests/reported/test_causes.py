"""Models that cannot be run or cut, with the true cause: what users of neighboring tools report, with its right answer."""

import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

import pidnet as pn
from tests.reported.nets import X, Y, net


def test_a_fixed_batch_size_inside_the_model_is_named():
    class Fixed(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(16, 8), nn.Linear(8, 4)

        def forward(self, x):
            return self.b(torch.relu(self.a(x)).view(100, 8))

    with pytest.raises(ValueError, match="batch"):
        pn.plan_pruning(Fixed().eval(), (torch.randn(100, 16), Y), keep=0.5)


def test_a_network_that_is_random_in_eval_mode_is_named():
    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 4)

        def forward(self, x):
            x = torch.relu(self.a(x))
            return self.b(x + torch.randn_like(x))

    with pytest.raises(ValueError, match="random"):
        pn.plan_pruning(Noisy().eval(), (X, Y), keep=0.5)


def test_sequences_of_one_step_are_planned():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.rnn, self.out = nn.LSTM(6, 32, batch_first=True), nn.Linear(32, 4)

        def forward(self, x):
            return self.out(self.rnn(x)[0][:, -1])

    x = torch.randn(100, 1, 6, generator=torch.Generator().manual_seed(0))
    assert len(pn.plan_pruning(Net().eval(), (x, Y), keep=0.5).kept["rnn.l0"]) == 16


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_model_is_unwrapped():
    model = net(8, 6, 4)
    plan = pn.plan_pruning(torch.compile(model), (X, Y), keep=0.5)
    assert plan.kept == pn.plan_pruning(model, (X, Y), keep=0.5).kept
    assert pn.apply_plan(torch.compile(model), plan, (X, Y))[0].out_features == 3
    assert pn.capture(torch.compile(model), (X, Y)).layers.keys() == {"0", "2"}
    assert pn.information_plane(torch.compile(model), (X, Y)).layers == ("0", "2")


@pytest.mark.parametrize("kind", ["scripted", "traced", "lazy", "masked", "weight_norm", "spectral_norm"])
def test_models_that_cannot_be_cut_are_refused_in_one_sentence(kind):
    model = net(8, 6, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        match kind:
            case "scripted":
                model = torch.jit.script(model)
            case "traced":
                model = torch.jit.trace(model, X[:2])
            case "lazy":
                model = nn.Sequential(nn.LazyLinear(6), nn.ReLU(), nn.Linear(6, 4))
            case "masked":
                prune.l1_unstructured(model[0], "weight", amount=0.5)
                model(X)
            case "weight_norm":
                torch.nn.utils.weight_norm(model[0])
                model(X)
            case "spectral_norm":
                torch.nn.utils.spectral_norm(model[0])
                model(X)
    remedy = {
        "scripted": "script",
        "traced": "script|trace",
        "lazy": "lazy|uninitialized",
        "masked": "prune.remove",
        "weight_norm": "remove_weight_norm",
        "spectral_norm": "remove_spectral_norm",
    }[kind]
    with pytest.raises((ValueError, TypeError), match=remedy):
        pn.plan_pruning(model, (X, Y), keep=0.5)
    if kind in ("scripted", "traced"):
        for call in (pn.capture, pn.information_plane):
            with pytest.raises(ValueError, match="scripted or traced"):
                call(model, (X, Y))
