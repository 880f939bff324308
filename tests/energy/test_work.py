"""What code takes, against counts by hand."""

import pytest
import torch
from torch import nn

import pidnet as pn


def test_forward_and_backward_of_a_training_step():
    net, x = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)), torch.randn(4, 5)
    with pn.energy.counted_work() as work:
        net(x).sum().backward()
    forward = 4 * (5 * 7 + 7 * 3)
    assert (
        work.macs == forward + 4 * (7 * 3 + 5 * 7) + 4 * 3 * 7
    )  # weights of both layers, inputs of the second
    assert repr(work) == f"Work: {work.macs:,} MACs"


def test_convolutions_grams_and_solves():
    with pn.energy.counted_work() as work:
        nn.Conv2d(2, 3, 3, bias=False)(torch.zeros(1, 2, 5, 5))
    assert work.macs == 9 * 3 * 2 * 9
    rows, gram = torch.randn(6, 4), torch.eye(4)
    with pn.energy.counted_work() as work:
        gram.addmm_(rows.T, rows)
    assert work.macs == 4 * 6 * 4
    with pn.energy.counted_work() as work:
        torch.linalg.solve(gram, torch.ones(4, 2))
    assert work.macs == 4**3 // 3 + 4**2 * 2


def test_what_raises_is_not_hidden():
    with pytest.raises(RuntimeError, match="shapes"), pn.energy.counted_work():
        torch.ones(2, 3) @ torch.ones(2, 3)
