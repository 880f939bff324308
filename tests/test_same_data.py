"""The same data everywhere: a tensor, a tuple of positional or a mapping of keyword arguments, alone or in batches."""

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.networks.batches import example_inputs

SAMPLES = 40
Y = torch.arange(SAMPLES) % 3


class Two(nn.Module):
    """Two inputs, by position or by name."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(4, 6), nn.Linear(3, 5)
        self.head = nn.Linear(11, 3)

    def forward(self, a, b):
        return self.head(torch.cat([self.left(a), self.right(b)], 1).relu())


class Packed(nn.Module):
    """Packed sequences."""

    def __init__(self):
        super().__init__()
        self.rnn, self.head = nn.GRU(3, 4, batch_first=True), nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.rnn(x)[1][-1])


def inputs(form):
    torch.manual_seed(0)
    a, b = torch.randn(SAMPLES, 4), torch.randn(SAMPLES, 3)
    if form == "packed":
        sequences = [torch.randn(2 + k % 3, 3) for k in range(SAMPLES)]
        return Packed().eval(), nn.utils.rnn.pack_sequence(sequences, enforce_sorted=False)
    if form == "tensor":
        return pn.zoo.mlp(4, (6,), 3).eval(), a
    return Two().eval(), {"tuple": (a, b), "list": [a, b], "mapping": {"b": b, "a": a}}[form]


def outputs(model, x):
    if isinstance(x, dict):
        return model(**x)
    return model(*x) if isinstance(x, list) or type(x) is tuple else model(x)


@pytest.mark.parametrize("form", ["tensor", "tuple", "list", "mapping", "packed"])
def test_one_form_of_input_through_all_stages(form, tmp_path):
    net, x = inputs(form)
    data = (x, Y)
    layers = pn.capture(net, data).layers
    plan = pn.plan_pruning(net, data, keep=0.5, criterion="l2")
    assert plan.kept.keys() <= layers.keys()
    small = pn.apply_plan(net, plan, data)
    again = pn.load_pruned(net, pn.save_pruned(small, plan, x, tmp_path / "small"))
    assert torch.equal(outputs(again, x), outputs(small, x))
    counts = pn.energy.count(net, x)
    assert counts.macs == pn.energy.count(net, data).macs == pn.energy.count(net, [data]).macs
    assert pn.compare_energy(net, small, data).macs == pn.compare_energy(net, small, x).macs
    before = outputs(net, x)
    tuned = pn.training.fine_tune(net, data, epochs=1, rate=1e-2)
    assert not torch.equal(outputs(tuned, x), before)
    assert 0 <= pn.training.accuracy(tuned, x, Y) <= 1


def test_two_tensors_are_arguments_of_a_model_that_takes_two():
    a, b = torch.randn(SAMPLES, 4), torch.randn(SAMPLES, 3)
    two, one = Two(), pn.zoo.mlp(4, (6,), 3)
    assert example_inputs(two, (a, b))[1] is b
    assert example_inputs(one, (a, Y)) is a
    assert example_inputs(two, ((a, b), Y))[1] is b
    assert example_inputs(two, ({"a": a, "b": b}, Y)).keys() == {"a", "b"}
    assert example_inputs(one, torch.utils.data.DataLoader([(a[0], 1)])).shape == (1, 4)
    assert example_inputs(one, (a.numpy(), Y.numpy())).dtype == torch.float32
    hidden = torch.zeros(1, SAMPLES, 4), torch.zeros(1, SAMPLES, 4)
    assert example_inputs(nn.LSTM(4, 4), (a[None], hidden))[1] == hidden


@pytest.mark.parametrize("data", ["abc", 3, None, [], ()])
def test_no_inputs_are_refused(data):
    with pytest.raises(TypeError, match=r"without tensors|expected a tensor"):
        pn.energy.count(pn.zoo.mlp(4, (6,), 3), data)


@pytest.mark.parametrize(
    "form",
    [
        {"shape": [1, 10**9], "dtype": "torch.float32"},
        {"arguments": [{"shape": [1, 9 * 10**7], "dtype": "torch.float32"}] * 2},
        {"shape": [1, 4], "dtype": "torch.nn"},
        {"shape": [-1, 4], "dtype": "torch.float32"},
        {"arguments": []},
        {"keywords": {"a": 3}},
        {},
    ],
)
def test_a_stored_example_that_is_none_is_refused(form):
    from pidnet.pruning.files import _ones

    with pytest.raises(ValueError, match="stores an example input of"):
        _ones("small.safetensors", form)
