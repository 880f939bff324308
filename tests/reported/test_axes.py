"""Axes that no coincidence of lengths may change, and ties at the upper edge: what users of neighboring tools report, with its right answer."""

import pytest
import torch
from torch import nn

import pidnet as pn


class StepsFirst(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.rnn, self.fc, self.out = nn.LSTM(6, 8), nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(torch.relu(self.fc(self.rnn(x.transpose(0, 1))[0])).mean(0))


@pytest.mark.parametrize("steps", [19, 20, 21])
def test_a_batch_of_as_many_samples_as_steps_is_read_alike(steps):
    x = torch.randn(20, steps, 6, generator=torch.Generator().manual_seed(0))
    model = StepsFirst().eval()
    acts = pn.capture(
        model,
        (x, torch.arange(20) % 3),
        layers=["fc"],
        reduce={"tokens": "mean", "steps": "mean", "positions": "mean"},
    )
    with torch.no_grad():
        truth = torch.relu(model.fc(model.rnn(x.transpose(0, 1))[0])).mean(0)
    torch.testing.assert_close(acts.layers["fc"], truth)
    loader = [
        (x, torch.arange(20) % 3),
        (x[:7], torch.arange(7) % 3),
    ]  # one of the batches is as long as the steps
    torch.testing.assert_close(
        pn.capture(model, loader, layers=["fc"], reduce={"steps": "mean", "tokens": "mean"}).layers["fc"],
        torch.cat([truth, truth[:7]]),
    )


@pytest.mark.parametrize("steps", [9, 10, 11])
def test_as_many_marked_copies_as_steps_leave_no_layer_out(steps):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.rnn, self.out = nn.LSTM(6, 32), nn.Linear(32, 3)

        def forward(self, x):
            return self.out(torch.relu(self.rnn(x.transpose(0, 1))[0]).mean(0))

    x = torch.randn(40, steps, 6, generator=torch.Generator().manual_seed(0))
    plan = pn.plan_pruning(Net().eval(), (x, torch.arange(40) % 3), keep=0.5, criterion="l2")
    assert len(plan.kept["rnn.l0"]) == 16


class ChannelsLast(nn.Module):
    """A block on (sample, height, width, channel), as in ConvNeXt and Swin."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.norm, self.fc, self.head = (
            nn.Conv2d(1, 16, 1),
            nn.LayerNorm(16),
            nn.Linear(16, 16),
            nn.Linear(16, 4),
        )

    def forward(self, x):
        x = self.stem(x).permute(0, 2, 3, 1)
        x = x + torch.relu(self.fc(self.norm(x)))
        return self.head(x.mean((1, 2)))


def test_channels_last_blocks_have_their_channels_as_units():
    x = torch.randn(50, 1, 7, 7, generator=torch.Generator().manual_seed(0))
    acts = pn.capture(ChannelsLast().eval(), (x, torch.arange(50) % 4), layers=["norm", "fc"])
    assert acts.layers["norm"].shape == acts.layers["fc"].shape == (50, 16)


@pytest.mark.parametrize("how", ["equal_mass", "zero_level"])
def test_a_unit_saturated_at_its_top_is_the_mirror_image_of_one_at_zero(how):
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(2, (1000,), generator=generator)
    relu = (torch.randn(1000, 1, generator=generator) + 2 * y[:, None] - 2).clamp(min=0)
    top = 6 - relu.clamp(max=6)
    informations = []
    for values in (torch.cat([relu, relu * 2], 1), torch.cat([top, top * 2], 1)):
        acts = pn.Activations({"a": values}, y, {"a": "none"})
        layer_map = pn.layer_maps(pn.quantize(acts, how=how), "i_mmi", correction="none", null="none")["a"]
        informations.append(layer_map.unit_information[0])
    assert informations[0] > 0.1
    assert informations[1] == pytest.approx(informations[0], abs=1e-9)
