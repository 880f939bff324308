import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import pidnet as pn


class Functional(nn.Module):
    """The same network as a Sequential with ReLU, but with functional calls and dropout."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(5, 4)
        self.second = nn.Linear(4, 3)

    def forward(self, x):
        hidden = nn.functional.dropout(torch.relu(self.first(x)), training=self.training)
        return self.second(hidden)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(30, 5, generator=generator), torch.arange(30) % 3


def test_units_are_read_after_the_nonlinearity(batch):
    torch.manual_seed(0)
    model = Functional()
    acts = pn.capture(model, batch)
    assert list(acts.layers) == ["first", "second"]
    expected = torch.relu(model.first(batch[0]))
    torch.testing.assert_close(acts.layers["first"], expected.detach())
    torch.testing.assert_close(acts.layers["second"], model.second(expected).detach())


def test_modules_and_functions_are_followed_alike(batch):
    torch.manual_seed(0)
    model = Functional()
    modules = nn.Sequential(model.first, nn.ReLU(), nn.Dropout(), model.second)
    pairs = zip(
        pn.capture(model, batch).layers.values(), pn.capture(modules, batch).layers.values(), strict=True
    )
    for one, other in pairs:
        torch.testing.assert_close(one, other)


def test_in_place_activation_is_followed(batch):
    model = nn.Sequential(nn.Linear(5, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    assert pn.capture(model, batch).layers["0"].min() == 0


def test_loaders_of_every_kind_agree(batch):
    model = Functional()
    loaders = [batch, [(batch[0][:9], batch[1][:9]), (batch[0][9:], batch[1][9:])]]
    loaders.append(DataLoader(TensorDataset(*batch), batch_size=7))
    results = [pn.capture(model, loader, ["first"]) for loader in loaders]
    for result in results[1:]:
        torch.testing.assert_close(result.layers["first"], results[0].layers["first"])
        assert torch.equal(result.target, batch[1])


def test_the_model_is_left_as_it_was(batch):
    model = Functional()
    model.second.eval()
    pn.capture(model, batch)
    with pytest.raises(ValueError, match="does not run"):
        pn.capture(model, (torch.zeros(4, 9), torch.zeros(4, dtype=torch.int64)))
    assert (model.training, model.first.training, model.second.training) == (True, True, False)
    assert not any(module._forward_hooks for module in model.modules())


def test_layers_that_are_not_read_are_named(batch):
    model = nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4))
    assert pn.capture(model, batch).skipped == {
        "1": "a LayerNorm has no units of its own; name it to read its output"
    }


def test_bad_input(batch):
    x, y = batch
    model = Functional()
    with pytest.raises(ValueError, match="no such layer: 'fc9'; the model has 'first', 'second'"):
        pn.capture(model, batch, ["fc9"])
    with pytest.raises(ValueError, match="the data hold no batch"):
        pn.capture(model, [])
    with pytest.raises(ValueError, match="the data hold no batch"):
        pn.capture(model, (x[:0], y[:0]))
    with pytest.raises(ValueError, match=r"x has shape .* but y has shape \(29,\)"):
        pn.capture(model, (x, y[1:]))
    with pytest.raises(ValueError, match=r", a list of 2\); expected \(x, y\), with y a tensor"):
        pn.capture(model, [(x, [1, 2])])
    with pytest.raises(ValueError, match="ReLU has no layer with units"):
        pn.capture(nn.ReLU(), batch)
    with torch.no_grad():
        model.first.weight[2] = torch.nan
    with pytest.raises(ValueError, match="unit 2 of layer 'first' has values that are not finite"):
        pn.capture(model, batch)


def test_a_layer_that_never_runs_is_an_error_when_it_is_named(batch):
    model = Functional()
    model.spare = nn.Linear(2, 2)
    with pytest.raises(ValueError, match="layer 'spare' did not run"):
        pn.capture(model, batch, ["spare"])
