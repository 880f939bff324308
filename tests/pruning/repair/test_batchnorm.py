import copy

import torch
from torch import nn

from pidnet.networks.outputs import OutputReading
from pidnet.pruning.repair import batchnorm
from pidnet.pruning.structure.network import CuttableNetwork


def cuttable(model, kind="classes"):
    return CuttableNetwork(model, {}, reading=OutputReading(kind))


def reestimate(dense, small, x, kind="classes"):
    return batchnorm.reestimate(cuttable(dense, kind), cuttable(small, kind), x)


def divergence(dense, small, x):
    return float(cuttable(dense).divergences(cuttable(small), x).mean())


def network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3)).eval()
    x = torch.randn(600, 4) + 1
    with torch.no_grad():
        hidden = model[0](x)
        model[1].running_mean.copy_(hidden.mean(0))
        model[1].running_var.copy_(hidden.var(0))
    return model, x


def test_statistics_that_have_drifted_are_put_right():
    model, x = network()
    drifted = copy.deepcopy(model)
    drifted[1].running_mean += 1
    drifted[1].running_var *= 3
    assert reestimate(model, drifted, x)
    torch.testing.assert_close(drifted[1].running_mean, model[1].running_mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(drifted[1].running_var, model[1].running_var, atol=0.05, rtol=0.05)
    assert divergence(model, drifted, x) < 1e-3
    assert drifted[1].momentum == model[1].momentum
    assert not drifted[1].training


def test_statistics_that_are_better_stay():
    model, x = network()
    same = copy.deepcopy(model)
    assert not reestimate(model, same, x[:50] * 3)
    assert torch.equal(same[1].running_mean, model[1].running_mean)
    assert torch.equal(same[1].running_var, model[1].running_var)


@torch.no_grad()
def test_a_network_with_one_output_is_put_right_too():
    model, x = network()
    model[3] = nn.Linear(6, 1)
    drifted = copy.deepcopy(model)
    drifted[1].running_mean += 1
    assert reestimate(model, drifted, x, kind="bernoulli")
    torch.testing.assert_close(drifted[1].running_mean, model[1].running_mean, atol=1e-5, rtol=1e-4)


def test_without_norms_nothing_happens():
    model = nn.Sequential(nn.Linear(4, 3)).eval()
    assert not reestimate(model, model, torch.randn(5, 4))


def test_divergence_is_the_mean_in_bits_over_all_batches():
    torch.manual_seed(1)
    p, q = nn.Linear(4, 3), nn.Linear(4, 3)
    x = torch.randn(700, 4)
    a, b = p(x).softmax(-1).double(), q(x).softmax(-1).double()
    expected = (a * (a / b).log2()).sum(1).mean()
    assert abs(divergence(p, q, x) - float(expected.detach())) < 1e-5
