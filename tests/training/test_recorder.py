from functools import partial

import pytest
import torch

import pidnet as pn

I_MIN = partial(pn.layer_maps, measure="i_min", correction="none", null="none")


def test_a_recorder_follows_training(digits):
    torch.manual_seed(0)
    net = pn.zoo.mlp(64, (8, 6), 10)
    recorder = pn.Recorder((digits.x_test, digits.y_test), ["fc1", "fc2"], every=2, levels=3, maps=I_MIN)
    for epoch in pn.training.train_epochs(net, digits.x_train, digits.y_train, epochs=5):
        recorder(net, epoch)
    assert recorder.steps == [2, 4]
    assert recorder.profiles[1].pair_information[1] > recorder.profiles[0].pair_information[1]
    assert recorder.to_pandas().shape[0] == 4
    same = pn.training.train(fresh(), digits.x_train, digits.y_train, epochs=5)
    assert all(torch.equal(a, b) for a, b in zip(same.parameters(), net.parameters(), strict=True))


def fresh():
    torch.manual_seed(0)
    return pn.zoo.mlp(64, (8, 6), 10)


def test_a_recorder_records_at_least_every_epoch(digits):
    with pytest.raises(ValueError, match="every=0"):
        pn.Recorder((digits.x_test, digits.y_test), every=0)


@pytest.mark.parametrize("junk", [5, None, "data", torch.zeros(3), {}, [], (1, 2)], ids=str)
def test_a_recorder_refuses_what_is_no_data_at_once(junk):
    with pytest.raises((TypeError, ValueError), match=r"expected .*\(x, y\)"):
        pn.Recorder(junk)


def test_a_recorder_takes_batches(digits):
    batches = [(digits.x_test[start : start + 100], digits.y_test[start : start + 100]) for start in (0, 100)]
    one, other = (
        pn.Recorder(data, ["fc1"], maps=I_MIN)
        for data in (batches, (digits.x_test[:200], digits.y_test[:200]))
    )
    net = pn.zoo.mlp(64, (4,), 10)
    for recorder in (one, other):
        recorder(net, 1)
    assert one.to_pandas().equals(other.to_pandas())
