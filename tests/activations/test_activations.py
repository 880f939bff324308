"""Activations that are made by hand are looked at when they are made."""

import pytest
import torch

import pidnet as pn

X, Y = torch.zeros(3, 2), torch.zeros(3)


@pytest.mark.parametrize(
    ("layers", "target", "reduction", "words"),
    [
        (None, Y, {}, "layers=None; expected a mapping"),
        ({"a": None}, Y, {}, "expected a mapping from a text to a Tensor"),
        ({"a": X}, None, {}, "target=None; expected a Tensor"),
        ({"a": X}, Y, None, "reduction=None"),
        ({"a": torch.zeros(4, 2)}, Y, {}, r"layer 'a' has shape \(4, 2\), the target \(3,\)"),
        ({"a": torch.zeros(3)}, Y, {}, r"layer 'a' has shape \(3,\)"),
        ({"a": X}, torch.tensor(1.0), {}, r"the target \(\)"),
    ],
)
def test_what_does_not_fit_is_refused(layers, target, reduction, words):
    with pytest.raises((TypeError, ValueError), match=words):
        pn.Activations(layers, target, reduction)
