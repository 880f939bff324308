"""Trainings that are watched, stopped and taken back."""

import copy
from itertools import count

import numpy as np
import pytest
import torch
from torch import nn

import pidnet as pn
from pidnet.training import STOPPING, History, Stopper, StoppingRule, stop_training


def fresh():
    """With dropout and BatchNorm, whose random state and buffers a monitor could move."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, 10))


def training(net, samples, epochs=4):
    return pn.training.train_epochs(net, samples.x_train, samples.y_train, epochs=epochs, rate=1e-2)


@pytest.fixture
def some(digits):
    return digits.x_train[:300], digits.y_train[:300]


def test_monitors_leave_the_training_bit_for_bit_as_it_was(digits, some):
    alone = fresh()
    for _ in training(alone, digits):
        pass
    left = torch.get_rng_state()
    watched = fresh()
    stopper = Stopper(some, None, watch=STOPPING, held_out=some, test=some)
    for epoch in training(watched, digits):
        before = copy.deepcopy([parameter.grad for parameter in watched.parameters()])
        assert not stopper(watched, epoch)
        for parameter, gradient in zip(watched.parameters(), before, strict=True):
            assert torch.equal(parameter.grad, gradient)
    assert set(stopper.history.columns) == {
        *(column for rule in STOPPING.values() for column in rule.columns),
        "test_accuracy",
    }
    assert torch.equal(torch.get_rng_state(), left)
    for name, values in alone.state_dict().items():
        assert torch.equal(values, watched.state_dict()[name]), name


def test_the_weights_of_the_chosen_epoch_come_back(digits, some):
    """The rule stops two records after the epoch that it keeps."""
    states, net = {}, fresh()

    def epochs():
        for epoch in training(net, digits, epochs=9):
            states[epoch] = copy.deepcopy(net.state_dict())
            yield epoch

    third = StoppingRule("third", ("loss",), lambda history, _: 3 if len(history) == 5 else None)
    stopped = stop_training(epochs(), net, some, third)
    assert (stopped.epoch, stopped.ended, stopped.fired, stopped.rule) == (3, 5, True, "third")
    assert max(states) == 5
    assert stopped.model is net
    assert not net.training
    for name, values in states[3].items():
        assert torch.equal(net.state_dict()[name], values)
    assert not torch.equal(states[3]["0.weight"], states[5]["0.weight"])


def test_validation_keeps_the_epoch_of_least_loss(digits):
    net = fresh()
    x, y = digits.x_train[:150], digits.y_train[:150]
    held = digits.x_test, digits.y_test
    epochs = pn.training.train_epochs(net, x, y, epochs=200, rate=3e-2)
    stopped = stop_training(epochs, net, (x, y), "validation", held_out=held)
    loss = stopped.history.column("held_out_loss")
    assert stopped.fired
    assert stopped.epoch == stopped.history.epochs[int(np.argmin(loss))] == stopped.ended - 2
    with torch.no_grad():
        assert float(nn.functional.cross_entropy(net(held[0]), held[1])) == pytest.approx(
            loss.min(), rel=1e-5
        )


def test_a_training_that_no_rule_ends_keeps_its_last_weights(digits, some):
    net = fresh()
    stopped = stop_training(training(net, digits, 2), net, some, "gradient_disparity")
    assert (stopped.epoch, stopped.ended, stopped.fired) == (2, 2, False)
    assert "did not fire" in repr(stopped)


def test_columns_are_what_they_say(some):
    net = fresh().eval()
    stopper = Stopper(some, "prediction_changes", test=some)
    stopper(net, 1)
    stopper(net, 2)
    with torch.no_grad():
        net[4].bias[:] = torch.eye(10)[3] * 1e3
        scores = net(some[0])
    stopper(net, 3)
    columns = stopper.history.columns
    assert columns["changes"][1] == 0
    assert columns["changes"][2] > 0.5
    assert columns["test_accuracy"][2] == pytest.approx(float((some[1] == 3).double().mean()))
    assert columns["loss"][2] == pytest.approx(float(nn.functional.cross_entropy(scores, some[1])), rel=1e-5)
    assert list(stopper.to_pandas()["step"]) == [1, 2, 3]


def test_gradients_of_a_solved_and_of_a_hopeless_problem():
    """Labels without relation to the inputs: at the best constant scores, gradients are noise about 0."""
    torch.manual_seed(0)
    x, y = torch.randn(1000, 20), torch.randint(10, (1000,))
    net = nn.Linear(20, 10)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    stopper = Stopper((x, y), None, watch=["evidence"])
    stopper(net, 1)
    assert abs(stopper.history.column("evidence")[0]) < 0.3
    learnable = Stopper((x, x[:, :10].argmax(1)), None, watch=["evidence"])
    learnable(net, 1)
    assert learnable.history.column("evidence")[0] < -1


def test_copies_leave_nothing_unexplained():
    """A tenth of 20 units are two; of two units and 18 copies nothing is unsaid, of 20 different ones much is."""
    torch.manual_seed(0)
    x = torch.randn(400, 20)
    nets = {name: pn.zoo.mlp(20, (20,), 3) for name in ("copies", "distinct")}
    with torch.no_grad():
        nets["copies"].fc1.weight[2:] = nets["copies"].fc1.weight[:2].repeat(9, 1)
        nets["copies"].fc1.bias[2:] = nets["copies"].fc1.bias[:2].repeat(9)
    shares = {}
    for name, net in nets.items():
        stopper = Stopper((x, torch.arange(400) % 3), None, watch=["unexplained"])
        stopper(net, 1)
        shares[name] = stopper.history.column("unexplained")[0]
    assert shares["copies"] < 1e-3
    assert shares["distinct"] > 0.2


def test_recorded_every_second_epoch(digits, some):
    net = fresh()
    stopper = Stopper(some, "loss_plateau", every=2)
    assert [stopper(net, epoch) for epoch in range(1, 5)] == [False] * 4
    assert stopper.history.epochs == (2, 4)


class Cannot(nn.Module):
    """No layer has units that could be cut."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        return self.head(x)


def test_bad_input_is_one_sentence(some):
    with pytest.raises(ValueError, match="unknown stopping rule 'luck'"):
        Stopper(some, "luck")
    with pytest.raises(ValueError, match="pass held_out="):
        Stopper(some, "validation")
    with pytest.raises(ValueError, match="expected at least 16 samples"):
        Stopper((some[0][:9], some[1][:9]))
    with pytest.raises(ValueError, match="no epoch"):
        stop_training(iter(()), fresh(), some)
    with pytest.raises(ValueError, match="no hidden layer whose units can be cut"):
        Stopper(some, "unexplained")(Cannot(), 1)
    far = StoppingRule("far", ("loss",), lambda history, _: 1 if len(history) == 5 else None)
    with pytest.raises(ValueError, match="only the weights of the epochs 3, 4, 5 are kept; raise patience"):
        stop_training(count(1), fresh(), some, far)
    assert History((), {}).epochs == Stopper(some).history.epochs
