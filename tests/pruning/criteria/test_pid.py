import copy

import numpy as np
import torch
from torch import nn

import pidnet as pn
from pidnet.pruning.criteria import pid as pid_module
from pidnet.pruning.criteria.pid import Channel, channels, choose, obs, pid
from pidnet.pruning.criteria.statistics import CalibrationStatistics
from pidnet.pruning.structure.discovery import discover


def statistics(model, x):
    y = torch.zeros(len(x), dtype=torch.int64)
    return CalibrationStatistics(discover(model, x).read(x, y, "classes"), x, y)


def layered(seed=0, hidden=6):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(8, hidden), nn.Tanh(), nn.Linear(hidden, 4)).eval()
    return model, torch.randn(500, 8)


def test_the_first_cost_is_the_error_of_the_best_repair():
    model, x = layered()
    ranking = obs(statistics(model, x), "0")
    hidden = torch.tanh(model[0](x)).detach().double()
    weight = model[2].weight.detach()
    errors = []
    for unit in range(6):
        others = torch.cat([hidden[:, [k for k in range(6) if k != unit]], torch.ones(500, 1)], 1)
        residual = hidden[:, unit] - others @ torch.linalg.lstsq(others, hidden[:, unit]).solution
        errors.append(float(0.5 * (residual**2).mean() * (weight[:, unit] ** 2).sum()))
    assert ranking.order[0] == np.argmin(errors)
    np.testing.assert_allclose(ranking.cost[ranking.order[0]], min(errors), rtol=1e-2)


def test_the_cost_in_bits_is_the_divergence_of_the_outputs():
    model, x = layered()
    with torch.no_grad():
        model[2].weight *= 0.3
    plan = pn.plan_pruning(model, (x, torch.zeros(500, dtype=torch.int64)), 5 / 6, "pid")
    small = pn.apply_plan(model, plan, (x, x), repair="fold")
    log_p, log_q = model(x).log_softmax(-1).detach(), small(x).log_softmax(-1).detach()
    divergence = float((log_p.exp() * (log_p - log_q)).sum(-1).mean()) / np.log(2)
    np.testing.assert_allclose(plan.removed["0"][0].cost, divergence, rtol=0.25)


def test_a_duplicate_costs_nothing_and_goes_first():
    model, x = layered()
    with torch.no_grad():
        model[0].weight[4], model[0].bias[4] = model[0].weight[1], model[0].bias[1]
    for criterion in (pid, obs):
        ranking = criterion(statistics(model, x), "0")
        assert ranking.order[0] in (1, 4)
        assert ranking.cost[ranking.order[0]] < 0.05 * ranking.cost[ranking.order[1]]


def test_what_the_output_does_not_feel_goes_first():
    model, x = layered()
    with torch.no_grad():
        # All outputs move together: the softmax does not feel it, squared error does.
        model[2].weight[:, 3] = 5.0
    assert pid(statistics(model, x), "0").order[0] == 3
    assert obs(statistics(model, x), "0").order[0] != 3


def test_features_of_a_unit_go_together():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 5, 3), nn.Tanh(), nn.Conv2d(5, 3, 2), nn.Flatten(), nn.Linear(27, 3))
    x = torch.randn(200, 1, 6, 6)
    with torch.no_grad():
        model[0].weight[3], model[0].bias[3] = model[0].weight[0], model[0].bias[0]
    ranking = pid(statistics(model.eval(), x), "0")
    assert sorted(ranking.order) == [0, 1, 2, 3, 4]
    assert ranking.order[0] in (0, 3)


def test_frozen_parameters_do_not_matter():
    model, x = layered()
    frozen = copy.deepcopy(model).requires_grad_(False)
    assert (pid(statistics(model, x), "0").order == pid(statistics(frozen, x), "0").order).all()


def test_exact_fisher_is_the_average_over_drawn_labels():
    model, x = layered()
    factor = statistics(model, x).fisher("2")
    p = model(x).softmax(-1).detach().double()
    expected = torch.diag(p.mean(0)) - p.T @ p / len(p)
    np.testing.assert_allclose(factor, expected, atol=1e-7)


def test_what_a_copy_says_is_redundant():
    model, x = layered()
    with torch.no_grad():
        model[0].weight[4], model[0].bias[4] = model[0].weight[1], model[0].bias[1]
    ranking = pid(statistics(model, x), "0")
    first, last = ranking.order[[0, -1]]
    assert ranking.redundancy[first] > 20 * ranking.cost[first]
    assert ranking.redundancy[last] < 1e-9  # nobody is left to take over


def unexplained(channel: Channel, kept: np.ndarray, weight: np.ndarray) -> float:
    """1/2 tr of what the kept features leave of the outputs, from scratch."""
    own = channel.owned[kept].ravel()
    cross = channel.covariance[:, own] @ np.linalg.solve(
        channel.covariance[np.ix_(own, own)], channel.covariance[own]
    )
    return 0.5 * float(np.trace(weight @ (channel.covariance - cross) @ weight.T))


def test_costs_and_gains_are_differences_of_what_is_left_unexplained():
    model, x = layered(hidden=7)
    found = statistics(model, x)
    (channel,) = channels(found, "0", None)
    weight = found.weights("2")
    for unit in (3, 5, 3, 0, 3):
        before = unexplained(channel, channel.kept, weight)
        worth = channel.change(np.array([unit]))[0]
        channel.sweep(unit)
        after = unexplained(channel, channel.kept, weight)
        np.testing.assert_allclose(worth, abs(after - before), rtol=1e-7)
    assert np.flatnonzero(channel.kept).tolist() == [1, 2, 4, 6]


def test_exchange_never_ends_above_elimination_and_building_up_keeps_as_many():
    won = 0
    for seed in range(8):
        model, x = layered(seed, hidden=12)
        found = statistics(model, x)
        (channel,) = channels(found, "0", None)
        weight = found.weights("2")
        eliminated = np.sort(obs(found, "0").order[8:])
        kept = choose(found, "0", 4, None)
        built = choose(found, "0", 4, None, forward=True)
        assert len(kept) == len(built) == 4
        before, after = (unexplained(channel, units, weight) for units in (eliminated, kept))
        assert after <= before * (1 + 1e-9)
        won += after < before * 0.999
    assert won


def test_blocks_of_a_wide_layer_cost_what_they_cost_one_by_one(monkeypatch):
    """The sum of the costs down to any width is the cost of that cut, whatever the order."""
    torch.manual_seed(0)
    model, x = pn.zoo.mlp(10, (24,), 3).eval(), torch.randn(300, 10)
    found = pn.pruning.gather(model, (x, torch.arange(300) % 3))
    monkeypatch.setattr(pid_module, "WIDE", 6)
    monkeypatch.setattr(pid_module, "PARTS", 4)
    blocks = pid_module.pid(found, "fc1")
    monkeypatch.undo()
    exact = pid(found, "fc1")
    assert sorted(blocks.order) == list(range(24))
    assert len(set(blocks.order[:12]) & set(exact.order[:12])) >= 10
    first = blocks.order[:16].tolist()
    same = pid_module.removal_costs(found, "fc1", first)
    np.testing.assert_allclose(blocks.cost[first].sum(), same.cost[first].sum(), rtol=1e-6)
    np.testing.assert_allclose(blocks.cost.sum(), exact.cost.sum(), rtol=1e-6)


def test_a_covariance_that_rounding_left_indefinite_is_inverted_above_the_ridge():
    """Sums of 3,136 features in single precision left an eigenvalue of -3e-5; the plan had ended with an error of LAPACK."""
    vectors = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    values = np.array([4.0, 1, 1, 0.5, -1e-9])
    ridge = pid_module.RIDGE * values.mean()
    inverse = pid_module._inverse((vectors * values) @ vectors.T)
    np.testing.assert_allclose(inverse, (vectors / [4, 1, 1, 0.5, ridge]) @ vectors.T, rtol=1e-6)
