import warnings

import numpy as np
import pytest
import torch
from torch import nn

from pidnet.networks.kinds import weighted
from pidnet.pruning import gather
from pidnet.pruning.structure.discovery import discover
from tests.pruning.families import make


def test_an_mlp_can_be_cut_in_its_hidden_layers(mlp, digits):
    found = discover(mlp, digits.x_test).groups
    assert {name: p.units for name, p in found.items()} == {"fc1": 48, "fc2": 32}
    assert list(found["fc1"].producers) == ["fc1"]
    np.testing.assert_array_equal(found["fc1"].consumers["fc2"], np.arange(48)[:, None])


def test_a_unit_owns_all_columns_behind_a_flatten():
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 16, 2))
    columns = discover(model, torch.zeros(1, 1, 6, 6)).groups["0"].consumers["3"]
    np.testing.assert_array_equal(columns, np.arange(48).reshape(3, 16))


def test_layers_whose_outputs_are_added_are_cut_together():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.inner, self.outer, self.head = (
                nn.Linear(4, 6),
                nn.Linear(6, 5),
                nn.Linear(5, 6),
                nn.Linear(6, 2),
            )

        def forward(self, x):
            x = self.stem(x)
            return self.head(x + self.outer(self.inner(x).relu()))

    found = discover(Residual(), torch.zeros(1, 4)).groups
    assert set(found["stem"].producers) == {"stem", "outer"}
    assert set(found["stem"].consumers) == {"inner", "head"}
    assert found["inner"].consumers.keys() == {"outer"}


class Padded(nn.Module):
    """A stream of 4 units goes on in the middle of one of 8, whose other units come from a second layer alone."""

    def __init__(self):
        super().__init__()
        self.stem, self.inner = nn.Linear(3, 4), nn.Linear(4, 5)
        self.outer, self.head = nn.Linear(5, 8), nn.Linear(8, 2)

    def forward(self, x):
        x = self.stem(x).relu()
        return self.head(nn.functional.pad(x, (2, 2)) + self.outer(self.inner(x).relu()))


def test_a_stream_that_a_shortcut_pads_with_zeros_is_cut_through_all_of_its_layers():
    torch.manual_seed(0)
    model, x = Padded().eval(), torch.randn(50, 3)
    network = discover(model, x)
    stream = network.groups["stem"]
    assert network.widths == {"stem": 4, "inner": 5}
    np.testing.assert_array_equal(stream.producers["outer"], np.arange(2, 6)[:, None])
    np.testing.assert_array_equal(stream.consumers["head"], np.arange(2, 6)[:, None])
    assert "does not run" in network.refused["outer"]
    with torch.no_grad():
        network.model.head.weight[:, 3] = network.model.inner.weight[:, 1] = 0
        small = network.without({"stem": [1]}).model
        assert (small.stem.out_features, small.outer.out_features, small.head.in_features) == (3, 7, 7)
        torch.testing.assert_close(small(x), network.model(x))


def test_cutting_keeps_the_other_units(mlp, digits):
    small = discover(mlp, digits.x_test).without({"fc1": [0, 5]}).model
    kept = [unit for unit in range(48) if unit not in (0, 5)]
    assert torch.equal(small.fc1.weight, mlp.fc1.weight[kept])
    assert torch.equal(small.fc2.weight, mlp.fc2.weight[:, kept])


def test_bad_input():
    with pytest.raises(ValueError, match="Linear has no hidden layer whose units can be cut"):
        gather(nn.Linear(3, 2), (torch.zeros(2, 3), torch.zeros(2)))
    with pytest.raises(TypeError, match="layer '0' is a ReLU"):
        weighted(nn.Sequential(nn.ReLU()), "0")


@pytest.mark.parametrize("family", ["mlp", "conv", "lenet", "resnet", "densenet"])
def test_torch_pruning_finds_the_same_dependencies(family):
    """A peer that follows gradients: for unit 1 of every layer, the same rows and columns."""
    model, (x, _) = make(family)
    with warnings.catch_warnings(), torch.enable_grad():
        warnings.simplefilter("ignore")
        torch_pruning = pytest.importorskip("torch_pruning")
        graph = torch_pruning.DependencyGraph().build_dependency(model, x[:1])
    names = {module: name for name, module in model.named_modules()}
    for name, p in discover(model, x).groups.items():
        rows, columns = {}, {}
        layer = model.get_submodule(name)
        prune = graph.get_pruner_of_module(layer).prune_out_channels
        for item in graph.get_pruning_group(layer, prune, [1]):
            if isinstance(item.dep.target.module, nn.Linear | nn.Conv2d):
                places = rows if graph.is_out_channel_pruning_fn(item.dep.handler) else columns
                places.setdefault(names[item.dep.target.module], set()).update(item.idxs)
        assert rows == {layer: set(channels[1].tolist()) for layer, channels in p.producers.items()}
        assert columns == {layer: set(channels[1].tolist()) for layer, channels in p.consumers.items()}
