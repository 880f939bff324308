"""Units planted into a trained network are found by name: a duplicate, an XOR pair, and a noise unit."""

import numpy as np
import pytest
import torch
from torch import nn

import pidnet as pn

SOURCE, COPY, XOR, NOISE = 5, 16, (17, 18), 19


class Planted(nn.Module):
    """A trained layer fc1 of 16 units, with four more: a copy of unit ``source`` (other scale), two units that only
    together tell whether the class is odd, and one of pure noise. The input carries two fair coins."""

    def __init__(self, trained, source):
        super().__init__()
        self.fc1 = nn.Linear(64 + 3, 20)
        with torch.no_grad():
            self.fc1.weight.zero_()
            self.fc1.bias.zero_()
            self.fc1.weight[:16, :64] = trained.fc1.weight
            self.fc1.bias[:16] = trained.fc1.bias
            self.fc1.weight[16] = 2 * self.fc1.weight[source]
            self.fc1.bias[16] = 2 * self.fc1.bias[source]
            self.fc1.weight[[17, 18, 19], [64, 65, 66]] = 1.0

    def forward(self, x):
        return self.fc1(x).relu()


@pytest.fixture(scope="module")
def codes(digits):
    torch.manual_seed(0)
    net = pn.training.train(pn.zoo.mlp(64, (16,), 10), digits.x_train, digits.y_train, epochs=10)
    x, y = torch.cat([digits.x_train, digits.x_test]), torch.cat([digits.y_train, digits.y_test])
    coin = torch.randint(0, 2, (len(x), 1)).float()
    noise = torch.rand(len(x), 1)
    planted = torch.cat([x, coin, (coin + y[:, None]) % 2, noise], 1)
    return pn.quantize(pn.capture(Planted(net, SOURCE), (planted, y)), 4, "zero_level")


@pytest.fixture(scope="module", params=["i_min", "i_broja", "i_ccs"])
def layer_map(codes, request):
    return pn.layer_maps(codes, request.param, null="none")["fc1"]


def strongest(matrix):
    return tuple(sorted(int(k) for k in np.unravel_index(np.nanargmax(matrix), matrix.shape)))


def test_the_duplicate_is_all_redundant(layer_map):
    i, j = SOURCE, COPY
    information = layer_map.unit_information[i]
    assert layer_map.matrix("redundancy")[i, j] == pytest.approx(information, rel=0.05)
    assert max(abs(layer_map.matrix(name)[i, j]) for name in ("unique1", "unique2")) < 0.05 * information
    share = layer_map.matrix("redundancy") / layer_map.matrix("total")
    information_of_pair = np.minimum.outer(layer_map.unit_information, layer_map.unit_information)
    share[information_of_pair < 0.1] = np.nan
    assert strongest(share) == (SOURCE, COPY)


def test_the_xor_pair_is_the_most_synergistic_and_knows_nothing_alone(layer_map):
    share = layer_map.matrix("synergy") / layer_map.matrix("total")
    share[layer_map.matrix("total") < 0.1] = np.nan
    assert strongest(share) == XOR
    assert layer_map.matrix("synergy")[XOR] == pytest.approx(1, abs=0.05)
    assert layer_map.unit_information[list(XOR)].max() < 0.02


def test_the_noise_unit_is_the_one_that_says_nothing_with_anyone(layer_map):
    gain = layer_map.matrix("total") - layer_map.unit_information[None, :]
    varying = ~np.isnan(gain).all(1)
    assert np.flatnonzero(varying)[np.nanmean(gain[varying], axis=1).argmin()] == NOISE


def test_the_group_invariants_see_them_too(codes):
    found = pn.group_invariants(codes, "fc1", [(SOURCE, COPY), XOR])
    assert found.redundancy_degree == pytest.approx([2, 0], abs=0.06)
    assert found.vulnerability_degree == pytest.approx([0, 2], abs=0.06)
