"""Memory by what is there, and not by the largest value or the square: what users of neighboring tools report, with its right answer."""

import pytest
import torch
from torch import nn

import pidnet as pn
from tests.reported.nets import X, Y, net


@pytest.mark.parametrize("largest", [10**5, 10**9])
def test_classes_are_those_that_occur(largest):
    y = torch.tensor([0, 1, largest])[torch.arange(100) % 3]
    codes = pn.quantize(pn.capture(net(8, 6, 3), (X, y)))
    assert list(codes.classes) == [0, 1, largest]
    assert len(pn.layer_maps(codes, "i_mmi")["0"].pairs) == 15


def test_whole_float_labels_are_taken():
    model = net(8, 6, 4)
    codes = [pn.quantize(pn.capture(model, (X, y))) for y in (Y, Y.float())]
    assert torch.equal(codes[0].target, codes[1].target)
    assert (
        pn.plan_pruning(model, (X, Y.float()), keep=0.5).kept == pn.plan_pruning(model, (X, Y), keep=0.5).kept
    )


def test_criteria_that_need_no_covariance_form_none():
    model = nn.Sequential(
        nn.Conv2d(3, 64, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 32 * 32, 2)
    ).eval()
    x = torch.randn(70, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    data = x, torch.arange(70) % 2
    for criterion in ("l2", "random"):
        assert len(pn.plan_pruning(model, data, keep=0.5, criterion=criterion).kept["0"]) == 32


@pytest.mark.parametrize("largest", [10**5, 10**9])
def test_labels_beyond_the_output_are_refused_with_the_remedy_where_they_are_needed(largest):
    model, y = net(8, 6, 4), torch.tensor([0, 1, largest])[torch.arange(100) % 3]
    for call in (
        lambda: pn.training.train(model, X, y, epochs=1),
        lambda: pn.plan_pruning(model, (X, y), keep=0.5, criterion="taylor"),
    ):
        with pytest.raises(ValueError, match=f"from 0 to {largest}.*return_inverse"):
            call()
