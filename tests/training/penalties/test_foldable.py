"""The penalty on networks whose answer is known, and on every family that it is for."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.training import Foldable
from pidnet.training.penalties._elimination import Message, removal_order

# Trained on the penalty alone, or on labels without a rule: the guard has tests of its own.
pytestmark = pytest.mark.filterwarnings("ignore:the training collapses")


def asked(model, x, progress=0.5, **options):
    """A penalty that has seen these inputs once, and its term."""
    penalty = Foldable(model, **options)
    model.train()(x)
    return penalty, penalty(progress)


def hidden(weights):
    """A network whose hidden units are these linear maps of the inputs, and whose outputs are random ones of them."""
    torch.manual_seed(0)
    units, inputs = weights.shape
    net = nn.Sequential(nn.Linear(inputs, units, bias=False), nn.Linear(units, 7))
    net[0].weight.data = weights
    return net


def test_copies_leave_nothing_unsaid():
    base = torch.randn(4, 8, generator=torch.Generator().manual_seed(1))
    penalty, term = asked(hidden(base.repeat(4, 1)), torch.randn(400, 8), keep=(0.25,))
    assert penalty.unexplained()["0"][0.25] < 1e-3
    assert float(term.detach()) < 1e-3
    kept = penalty.plan(0.25).kept["0"]
    assert {unit % 4 for unit in kept} == {0, 1, 2, 3}


def test_independent_units_leave_their_share_unsaid():
    net = hidden(torch.eye(8))
    net[1].weight.data = torch.ones(7, 8)
    penalty, _ = asked(net, torch.randn(20_000, 8), keep=(0.25,))
    assert penalty.unexplained()["0"][0.25] == pytest.approx(0.75, abs=0.03)


def test_a_pair_that_only_speaks_together_stays():
    """Two noisy copies of a and of a + b, weighted so that the reader gets their difference b alone."""
    a, b, other = torch.randn(3, 4000, generator=torch.Generator().manual_seed(2))
    x = torch.stack([a, a + 0.3 * b, *(0.5 * other + 0.05 * torch.randn(6, 4000))], 1)
    net = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 2))
    net[0].weight.data, net[0].bias.data = torch.eye(8), torch.zeros(8)
    net[1].weight.data = torch.zeros(2, 8)
    net[1].weight.data[0, :2] = torch.tensor([-10.0, 10.0])
    net[1].weight.data[1, 2:] = 1.0
    penalty, _ = asked(net, x, keep=(0.375,))
    assert {0, 1} <= set(penalty.plan(0.375).kept["0"])


def test_a_planted_xor_pair_is_never_among_those_that_go():
    generator = torch.Generator().manual_seed(3)
    bits = torch.randint(0, 2, (4000, 2), generator=generator).float()
    rest = torch.randint(0, 2, (4000, 1), generator=generator) + 0.1 * torch.randn(
        4000, 6, generator=generator
    )
    net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 2))
    net[0].weight.data, net[0].bias.data = torch.eye(8), torch.ones(8)
    # |a - b| = relu(a - b) + relu(b - a) is a XOR b; the other two units read the six copies.
    net[2].weight.data = torch.zeros(4, 8)
    net[2].weight.data[0, :2], net[2].weight.data[1, :2] = torch.tensor([1.0, -1]), torch.tensor([-1.0, 1])
    net[2].weight.data[2:, 2:] = 0.1
    net[2].bias.data = torch.zeros(4)
    for seed in range(3):
        order = torch.randperm(4000, generator=torch.Generator().manual_seed(seed))
        penalty, _ = asked(net, torch.cat([bits, rest], 1)[order], keep=(0.375,), layers=["0"])
        assert {0, 1} <= set(penalty.plan(0.375).kept["0"])


def test_blocks_of_one_unit_go_in_the_order_of_obs():
    torch.manual_seed(0)
    net, x = pn.zoo.mlp(6, (12,), 3).eval(), torch.randn(500, 6)
    statistics = pn.pruning.gather(net, (x, torch.arange(500) % 3))
    covariance = torch.as_tensor(statistics.covariance("head"))
    covariance += 1e-4 * covariance.diagonal().mean() * torch.eye(12, dtype=torch.float64)
    weight = torch.as_tensor(statistics.weights("head"))
    message = Message(torch.linalg.inv(covariance), weight.T @ weight, torch.arange(12)[:, None])
    expected = pn.CRITERIA["obs"](statistics, "fc1").order
    assert removal_order([message], 1) == expected.tolist()


def test_the_unsaid_share_is_what_the_fold_leaves():
    """The closed form against a fold carried out on the same samples."""
    torch.manual_seed(0)
    net, x = pn.zoo.mlp(8, (24,), 5), torch.randn(4000, 8)
    penalty, _ = asked(net, x, keep=(0.5,))
    net.eval()
    small = pn.apply_plan(net, penalty.plan(0.5), (x, torch.arange(4000) % 5), repair="fold")
    with torch.no_grad():
        wide = net(x)
        left = (wide - small(x)).square().sum() / (wide - wide.mean(0)).square().sum()
    assert penalty.unexplained()["fc1"][0.5] == pytest.approx(float(left), rel=0.1)


def test_the_narrow_network_is_the_wide_one_with_units_substituted():
    torch.manual_seed(0)
    net, x = pn.zoo.mlp(8, (24, 16), 5), torch.randn(400, 8)
    penalty, _ = asked(net, x, keep=(0.25,))
    net.eval()
    plan = penalty.plan(0.25)
    small = pn.apply_plan(net, plan, (x, torch.arange(400) % 5), repair="fold")
    substituted = copy.deepcopy(net)
    for layer, reader in (("fc1", "fc2"), ("fc2", "head")):
        kept = torch.tensor(plan.kept[layer])
        gone = torch.tensor(sorted(set(range(plan.units[layer])) - set(plan.kept[layer])))
        wide_weight = getattr(net, reader).weight.detach()
        rows = getattr(small, reader).weight.detach()
        # Any substitution t_S = B t_K + c with W_S B and W_S c as folded gives the narrow pass.
        inside = torch.tensor(plan.kept[reader]) if reader in plan.kept else torch.arange(5)
        added = rows - wide_weight[inside][:, kept]
        offset = getattr(small, reader).bias.detach() - getattr(net, reader).bias.detach()[inside]
        solve = torch.linalg.lstsq(wide_weight[inside][:, gone], torch.cat([added, offset[:, None]], 1))
        shares = solve.solution

        def substitute(_module, inputs, kept=kept, gone=gone, shares=shares):
            values = inputs[0].clone()
            values[:, gone] = values[:, kept] @ shares[:, :-1].T + shares[:, -1]
            return (values,)

        getattr(substituted, reader).register_forward_pre_hook(substitute)
    with torch.no_grad():
        assert (substituted(x) - small(x)).abs().max() <= 1e-5 * net(x).abs().max()


def test_the_gradient_is_that_of_the_share_with_the_regression_held():
    torch.manual_seed(0)
    net, x = pn.zoo.mlp(4, (12,), 3).double(), torch.randn(40, 4, dtype=torch.float64)
    penalty, _ = asked(net, x, keep=(0.25,), every=1)
    held = dict(penalty._cuts)

    def term():
        penalty._cuts, penalty._generator = held, torch.Generator().manual_seed(5)
        net(x)
        found = penalty.term(0.5)
        penalty.watch.forget()
        return found

    net.zero_grad()
    term().backward()
    for parameter in (net.fc1.weight, net.head.weight, net.fc1.bias):
        place = (1, 2) if parameter.ndim == 2 else (1,)
        values = []
        for change in (1e-5, -1e-5):
            parameter.data[place] += change
            values.append(float(term().detach()))
            parameter.data[place] -= change
        assert float(parameter.grad[place]) == pytest.approx(
            (values[0] - values[1]) / 2e-5, rel=1e-4, abs=1e-8
        )


NETWORKS = {
    "conv": (lambda: pn.zoo.conv(1, (8, 12), 4), (1, 6, 6), ["conv1", "conv2"]),
    "conv, one dimension": (lambda: pn.zoo.conv(1, (8, 12), 4, dims=1), (1, 16), ["conv1", "conv2"]),
    "lstm": (lambda: pn.zoo.lstm(3, 16, 4), (5, 3), ["rnn.l0"]),
    "gru both ways": (
        lambda: pn.zoo.gru(3, 16, 4, bidirectional=True),
        (5, 3),
        ["rnn.l0", "rnn.l0_reverse"],
    ),
    "lstm of two layers": (lambda: pn.zoo.lstm(3, 16, 4, layers=2), (5, 3), ["rnn.l1"]),
    "transformer": (
        lambda: pn.zoo.transformer(3, (24,), 4, width=16, heads=4),
        (5, 3),
        ["blocks.0.attention", "blocks.0.ffn1"],
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_family_learns_to_say_it_with_fewer_units(name):
    build, shape, layers = NETWORKS[name]
    torch.manual_seed(0)
    net, x = build().train(), torch.randn(300, *shape)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    before = asked(copy.deepcopy(net), x, keep=(0.25,))[0].unexplained()
    assert list(before) == layers
    with Foldable(net, keep=(0.25,), every=1) as penalty:
        for _ in range(40):
            optimizer.zero_grad()
            net(x)
            penalty(1.0).backward()
            optimizer.step()
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    after = asked(net, x, keep=(0.25,))[0].unexplained()
    assert all(after[layer][0.25] < 0.6 * before[layer][0.25] for layer in layers)


def test_a_layer_below_another_of_a_recurrent_module_is_left_out_with_the_reason():
    penalty, _ = asked(pn.zoo.lstm(3, 16, 4, layers=2), torch.randn(32, 5, 3))
    assert "does not show in training" in penalty.left_out["rnn.l0"]


def test_it_costs_less_than_a_fourth_of_the_training():
    torch.manual_seed(0)
    net, x = pn.zoo.mlp(40, (256, 256), 10), torch.randn(1280, 40)
    with Foldable(net, weight=1e-3) as penalty:
        pn.training.train(net, x, torch.arange(1280) % 10, epochs=30, batch=128, penalty=penalty)
    assert 0.1 < penalty.overhead <= 0.25


def test_two_runs_are_equal_and_leave_the_random_state_alone():
    def run():
        torch.manual_seed(0)
        net, x = pn.zoo.mlp(6, (12,), 3), torch.randn(64, 6)
        with Foldable(net, keep=(0.25,)) as penalty:
            pn.training.train(net, x, torch.arange(64) % 3, epochs=5, batch=16, penalty=penalty)
        return net.head.weight.detach().clone(), torch.rand(1)

    one, other = run(), run()
    assert torch.equal(one[0], other[0])
    torch.manual_seed(0)
    pn.zoo.mlp(6, (12,), 3), torch.randn(64, 6)
    assert torch.equal(one[1], torch.rand(1))


def test_copies_of_the_model_and_evaluation_are_not_looked_at():
    torch.manual_seed(0)
    net, x = pn.zoo.mlp(6, (12,), 3), torch.randn(64, 6)
    penalty, _ = asked(net, x)
    copy.deepcopy(net)(x)
    with torch.no_grad():
        net(x)
    with pytest.raises(RuntimeError, match="without a forward pass"):
        penalty(0.5)


def test_a_replan_follows_the_training():
    torch.manual_seed(0)
    net, x = pn.zoo.mlp(6, (12,), 3), torch.randn(64, 6)
    with Foldable(net, keep=(0.25,), replan=3) as penalty:
        pn.training.train(net, x, torch.arange(64) % 3, epochs=20, batch=16, penalty=penalty)
    times = sorted({round(row["progress"], 3) for row in penalty.history})
    assert np.allclose(times, [0.1, 1 / 3, 2 / 3], atol=0.02)


def test_bad_input_is_refused_in_a_sentence():
    net, x = pn.zoo.mlp(6, (12,), 3), torch.randn(64, 6)
    for keep in ((0.0,), (1.0,), (0.5, 1.5), ()):
        with pytest.raises(ValueError, match="expected shares of the units between 0 and 1"):
            Foldable(net, keep=keep)
    with pytest.raises(ValueError, match="weight=-1"):
        Foldable(net, weight=-1.0)
    with pytest.raises(ValueError, match="every=0"):
        Foldable(net, every=0)
    with pytest.raises(ValueError, match="replan=0"):
        Foldable(net, replan=0)
    penalty = Foldable(net)
    with pytest.raises(RuntimeError, match="not been asked yet"):
        penalty.unexplained()
    with pytest.raises(RuntimeError, match="without a forward pass"):
        penalty(0.5)
    net(x)
    with pytest.raises(ValueError, match="progress=2"):
        penalty(2)
    penalty(0.5)
    with pytest.raises(ValueError, match=r"keep=0.2; expected one of 0.1, 0.3"):
        penalty.plan(0.2)
    penalty.close()
    net(x)
    with pytest.raises(RuntimeError, match="before it is closed"):
        penalty(0.5)


def test_a_network_that_cannot_be_pruned_is_refused_with_the_reasons():
    net = nn.Sequential(nn.Linear(4, 3))
    Foldable(net)
    with pytest.raises(ValueError, match="no hidden layer whose units can be cut"):
        net(torch.randn(5, 4))
    with pytest.raises(TypeError, match="model=None; expected a Module"):
        Foldable(None)
    net = pn.zoo.mlp(6, (12,), 3)
    Foldable(net, layers=["fc7"])
    with pytest.raises(ValueError, match="no such layer to cut: 'fc7'"):
        net(torch.randn(5, 6))
