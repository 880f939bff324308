"""Bad input, and odd things of one's own: what users of neighboring tools report, with its right answer."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import pidnet as pn
from tests.reported.nets import X, Y, net


def test_own_edges_and_measures_are_checked():
    acts = pn.capture(net(8, 6, 4), (X, Y))
    for edges in (
        lambda values, levels: torch.full((values.shape[1], levels - 1), float("nan")),
        lambda values, levels: torch.zeros(levels - 1),
    ):
        with pytest.raises(ValueError, match="edges"):
            pn.quantize(acts, how=edges)
    codes = pn.quantize(acts)
    with pytest.raises((TypeError, ValueError), match="Atoms"):
        pn.layer_maps(codes, lambda tables: 3)
    with pytest.raises(ValueError, match="-1"):
        pn.merge_units(codes, "0", [[0, -1]])


def test_complex_layers_are_refused_by_name():
    class Complex(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(8, 6), nn.Linear(6, 4)

        def forward(self, x):
            return self.b(torch.fft.fft(self.a(x)).real)

    class Own(nn.Module):
        def forward(self, x):
            return torch.complex(x, x)

    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.own, self.b = Own(), nn.Linear(8, 4)

        def forward(self, x):
            return self.b(self.own(x).real)

    with pytest.raises(ValueError, match="complex"):
        pn.capture(Holder().eval(), (X, Y), layers=["own"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pn.capture(None, (X, Y)), "model=None"),
        (lambda: pn.capture(net(8, 6, 4), (X[:, :5], Y)), "shape"),
        (lambda: pn.quantize(pn.capture(net(8, 6, 4), (X, Y)), levels=2.5), "levels=2.5"),
        (lambda: pn.decompose(np.ones((2, 2, 2)) / 8, None), "None"),
        (lambda: pn.decompose(np.full((2, 2, 2), np.nan)), "finite"),
        (lambda: pn.plan_pruning(net(8, 6, 4), (X, Y), 0.5, lambda *_: 3), "Ranking"),
        (lambda: pn.profile({}), "no map|empty"),
        (lambda: pn.apply_plan(net(8, 6, 4), None, (X, Y)), "PruningPlan"),
        (lambda: pn.load_graph(__file__ + ".graphml"), "graphml"),
        (lambda: pn.plan_pruning(net(8, 6, 4), (X, Y), 0.5, seed=-1), "seed"),
    ],
)
def test_bad_input_is_one_sentence(call, words):
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=words) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "y", [["a", "b"] * 50, ("a", "b") * 50, np.array(["a", "b"] * 50), np.array(["a", 1] * 50, object)]
)
def test_labels_that_are_texts_are_refused_with_the_remedy(y):
    for call in (pn.capture, partial(pn.plan_pruning, keep=0.5)):
        for data in ((X, y), [(X, y)]):
            with pytest.raises(ValueError, match="the labels are texts; give each class a number"):
                call(net(8, 6, 4), data)


def test_an_array_without_numbers_is_refused():
    with pytest.raises(ValueError, match="an array of <U1 was given; expected one of numbers"):
        pn.capture(net(8, 6, 4), (np.full((100, 8), "a"), Y))


def test_an_unknown_estimator_is_named_before_the_samples_are_looked_at():
    with pytest.raises(ValueError, match="unknown estimator 'best'"):
        pn.mutual_information(X[:3], X[:3], how="best")


def test_continuous_values_as_codes_come_with_the_remedy():
    found = pn.code_information(X, Y)["I(X;T)"]
    assert found.state == "saturated"
    assert "continuous values are no codes; quantize them" in found.notes[-1]
    assert "quantize" not in str(pn.code_information((X > 0).long(), Y)["I(X;T)"].notes)


def test_advice_fits_the_fault():
    with pytest.raises(ValueError, match="negative") as caught:
        pn.decompose(np.full((2, 2, 2), -1 / 8))
    assert "divide" not in str(caught.value)


def test_numpy_inputs_and_names_of_quantizers_are_taken():
    model = net(8, 6, 4)
    acts = pn.capture(model, (X.numpy(), Y.numpy()))
    assert torch.equal(acts.layers["0"], pn.capture(model, (X, Y)).layers["0"])
    assert pn.quantize(acts, how="equal_mass").quantizer == "equal_mass"
    assert (
        pn.plan_pruning(model, (X.numpy(), Y.numpy()), keep=0.5).kept
        == pn.plan_pruning(model, (X, Y), keep=0.5).kept
    )
    half = np.full((2, 2, 2), 1 / 8, np.float16)
    assert pn.decompose(half).total == pytest.approx(0, abs=1e-6)


def test_keyword_inputs_are_planned():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(8, 6), nn.Linear(6, 4)

        def forward(self, values):
            return {"logits": self.b(torch.relu(self.a(values)))}

    data = {"values": X}, Y
    plan = pn.plan_pruning(Named().eval(), data, keep=0.5)
    assert pn.apply_plan(Named().eval(), plan, data).a.out_features == 3
