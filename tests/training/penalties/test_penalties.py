"""All penalties behind one interface, each against what it should lower, and the guard."""

import copy

import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.training import PENALTIES
from pidnet.training.penalties._guard import told_apart

# Trained on the penalty alone, or on labels without a rule: the guard has tests of its own.
pytestmark = pytest.mark.filterwarnings("ignore:the training collapses")


@pytest.mark.parametrize("name", [name for name in PENALTIES if name != "ordered"])
def test_steps_along_its_gradient_lower_it(name):
    torch.manual_seed(0)
    net, x = pn.zoo.conv(1, (6, 8), 4), torch.randn(40, 1, 6, 6)
    optimizer, found = torch.optim.Adam(net.parameters(), 3e-3), []
    with PENALTIES[name](net, every=1) as penalty:
        for _ in range(40):
            optimizer.zero_grad()
            net(x)
            term = penalty(1.0)
            term.backward()
            optimizer.step()
            found.append(float(term.detach()))
    assert sum(found[-5:]) < 0.9 * sum(found[:5])
    assert penalty.macs > 0


@pytest.mark.parametrize("name", PENALTIES)
def test_loss_and_penalty_are_differentiated_together(name):
    torch.manual_seed(0)
    net, x, y = pn.zoo.conv(1, (6, 8), 4), torch.randn(40, 1, 6, 6), torch.arange(40) % 4
    with PENALTIES[name](net, every=1) as penalty:
        for _ in range(2):
            (nn.functional.cross_entropy(net(x), y) + penalty(1.0)).backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


@pytest.mark.parametrize("name", PENALTIES)
def test_it_is_nothing_in_the_first_tenth_and_grows_to_its_weight(name):
    torch.manual_seed(0)
    net, x, terms = pn.zoo.conv(1, (6, 8), 4), torch.randn(40, 1, 6, 6), []
    for progress in (0.05, 0.55, 1.0):
        with PENALTIES[name](copy.deepcopy(net), weight=2.0, every=1) as penalty:
            penalty.model(x)
            terms.append(float(penalty(progress).detach()))
    assert terms[0] == 0
    assert terms[1] == pytest.approx(terms[2] / 2, rel=1e-5)


def test_half_as_often_counts_twice():
    torch.manual_seed(0)
    net, x = pn.zoo.mlp(4, (6,), 3), torch.randn(20, 4)
    terms = {}
    for every in (1, 2):
        with PENALTIES["group_lasso"](net, every=every) as penalty:
            terms[every] = []
            for _ in range(4):
                net(x)
                terms[every].append(float(penalty(1.0).detach()))
    assert terms[2] == pytest.approx([2 * terms[1][0], 0, 2 * terms[1][2], 0])


def test_ordered_compares_with_the_network_of_the_first_units():
    torch.manual_seed(0)
    net, x = pn.zoo.mlp(5, (8,), 3), torch.randn(30, 5)
    with PENALTIES["ordered"](net, least=0.999) as penalty:
        whole = net(x).log_softmax(-1).detach()
        assert float(penalty(1.0).detach()) == pytest.approx(0, abs=1e-6)
        net(x)
        masked = penalty._masked(0.5)
        assert torch.equal(masked["head.weight"][:, :4], net.head.weight[:, :4])
        assert not masked["head.weight"][:, 4:].any()
        penalty._masked = lambda share: masked
        narrow = nn.functional.linear(net.fc1(x).relu()[:, :4], net.head.weight[:, :4], net.head.bias)
        expected = (whole.exp() * (whole - narrow.log_softmax(-1))).sum(1).mean()
        assert float(penalty(1.0).detach()) == pytest.approx(float(expected.detach()), rel=1e-5)


def test_ordered_makes_the_first_units_do():
    torch.manual_seed(0)
    start, x = pn.zoo.mlp(4, (16,), 4), torch.randn(128, 4)
    y, left = (x[:, 0] > 0) + 2 * (x[:, 1] > 0), []
    for weight in (0.0, 5.0):
        net = copy.deepcopy(start)
        with PENALTIES["ordered"](net, weight=weight) as penalty:
            pn.training.train(net, x, y, epochs=60, rate=1e-2, batch=32, penalty=penalty)
        net.head.weight.data[:, 4:] = 0
        left.append(pn.training.accuracy(net, x, y))
    assert left[1] > left[0] + 0.1


def test_ordered_leaves_running_statistics_and_takes_recurrent_networks():
    torch.manual_seed(0)
    net, twin, x = pn.zoo.conv(1, (6, 8), 4), pn.zoo.conv(1, (6, 8), 4), torch.randn(40, 1, 6, 6)
    twin.load_state_dict(net.state_dict())
    twin(x)
    with PENALTIES["ordered"](net) as penalty:
        net(x)
        penalty(1.0)
    assert all(torch.equal(one, other) for one, other in zip(net.buffers(), twin.buffers(), strict=True))
    lstm = pn.zoo.lstm(3, 8, 4)
    with PENALTIES["ordered"](lstm) as penalty:
        lstm(torch.randn(20, 5, 3))
        penalty(1.0).backward()
    assert lstm.rnn.weight_hh_l0.grad.abs().sum() > 0


def test_growing_l2_presses_the_short_weights_alone():
    torch.manual_seed(0)
    net = pn.zoo.mlp(4, (8,), 3)
    with PENALTIES["growing_l2"](net, keep=0.25) as penalty:
        net(torch.randn(20, 4))
        penalty(1.0).backward()
    lengths, pressed = net.head.weight.detach().norm(dim=0), net.head.weight.grad.norm(dim=0) > 0
    assert set(lengths.argsort()[:6].tolist()) == set(pressed.nonzero()[:, 0].tolist())


def test_bad_input_is_refused_in_a_sentence():
    net = pn.zoo.mlp(4, (8,), 3)
    with pytest.raises(ValueError, match=r"keep=1.5; expected a share of the units between 0 and 1"):
        PENALTIES["growing_l2"](net, keep=1.5)
    with pytest.raises(ValueError, match="least=0;"):
        PENALTIES["ordered"](net, least=0)
    for kind, error, sentence in (
        (PENALTIES["slimming"], ValueError, "no BatchNorm follows fc1"),
        (pn.training.Penalty, NotImplementedError, "has no term"),
    ):
        penalty = kind(net)
        net(torch.randn(20, 4))
        with pytest.raises(error, match=sentence):
            penalty(1.0)
        penalty.close()
    with pytest.raises(RuntimeError, match="has not run yet"):
        _ = pn.training.Penalty(net).pass_macs


def test_a_penalty_that_finds_nothing_to_ask_of_lets_the_network_go():
    net, x = pn.zoo.mlp(8, (12,), 3), torch.randn(4, 8)
    penalty = PENALTIES["low_rank"](net, layers=["no"])
    with pytest.raises(ValueError, match="no such layer to cut: 'no'"):
        net(x)
    assert not penalty.watch.open
    assert net(x).shape == (4, 3)


def test_what_outputs_tell_apart_is_in_bits():
    sure = 50.0 * torch.eye(4)
    assert told_apart(sure) == pytest.approx(2, abs=1e-5)
    assert told_apart(sure[:1].repeat(8, 1)) == pytest.approx(0, abs=1e-5)
    assert told_apart(torch.zeros(8, 4)) == pytest.approx(0, abs=1e-5)


def test_the_guard_warns_once_when_a_training_collapses():
    torch.manual_seed(0)
    net, x = pn.zoo.mlp(4, (16,), 4), torch.randn(64, 4)
    y = (x[:, 0] > 0) + 2 * (x[:, 1] > 0)
    pn.training.train(net, x, y, epochs=60, rate=1e-2)
    with (
        PENALTIES["group_lasso"](net, weight=10.0) as penalty,
        pytest.warns(UserWarning, match="the training collapses: .* lower weight=10") as caught,
    ):
        pn.training.train(net, x, y, epochs=30, rate=1e-2, batch=8, penalty=penalty)
    assert len(caught) == 1
    with PENALTIES["group_lasso"](copy.deepcopy(net), weight=0.0) as quiet:
        pn.training.train(quiet.model, x, y, epochs=5, rate=1e-3, batch=8, penalty=quiet)
