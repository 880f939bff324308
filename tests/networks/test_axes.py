"""Axes are found by trying, whatever the lengths."""

import pytest
import torch
from torch import nn

from pidnet.networks.axes import axis_of_length, known_unit_axis, telling_size, tried_unit_axis


def test_a_telling_size_is_no_length_of_anything_else():
    assert telling_size([(2, 3, 4), (5, 2)]) == 6
    assert telling_size([]) == 3


def test_an_axis_is_found_by_its_length_or_not_at_all():
    assert axis_of_length((4, 7, 3), 7) == 1
    assert axis_of_length((7, 7, 3), 7) is None
    assert axis_of_length((4, 3), 7) is None


class Permuting(nn.Module):
    """A ConvNeXt block: channels first, last inside, first again."""

    def __init__(self, last=False):
        super().__init__()
        self.depth, self.norm, self.fc, self.last = (
            nn.Conv2d(5, 5, 3, padding=1, groups=5),
            nn.LayerNorm(5),
            nn.Linear(5, 5),
            last,
        )

    def forward(self, x):
        x = x.permute(0, 3, 1, 2) if self.last else x
        y = self.fc(self.norm(self.depth(x).permute(0, 2, 3, 1)))
        return y if self.last else x + y.permute(0, 3, 1, 2)


@pytest.mark.parametrize("last", [False, True])
def test_blocks_of_cubes_are_told_apart(last):
    x = torch.randn(2, 5, 5, 5, generator=torch.Generator().manual_seed(0))
    block = Permuting(last).eval()
    assert known_unit_axis(block) is None
    assert tried_unit_axis(block, (x,), {}, block(x)) == (3 if last else 1)


def test_parts_that_agree_need_no_trial():
    assert known_unit_axis(nn.Sequential(nn.Conv1d(3, 4, 1), nn.BatchNorm1d(4), nn.ReLU())) == 1
    assert known_unit_axis(nn.TransformerEncoderLayer(8, 2)) == -1
    assert known_unit_axis(nn.ReLU()) is None


def test_a_module_without_weights_fixes_no_axis():
    x = torch.zeros(2, 3, 4)
    assert tried_unit_axis(nn.ReLU(), (x,), {}, x) is None
