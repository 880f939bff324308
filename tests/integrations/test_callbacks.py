"""A recorder in the callbacks and loggers of other libraries."""

from functools import partial
from types import SimpleNamespace

import pytest

import pidnet as pn
from pidnet.integrations import trainer_callback, write_scalars

QUICK = partial(pn.layer_maps, measure="i_min", correction="none", null="none")


@pytest.fixture
def recorder(digits):
    return pn.Recorder((digits.x_test, digits.y_test), ["fc1"], every=2, maps=QUICK)


def test_the_trainer_records_after_its_epochs(recorder):
    transformers = pytest.importorskip("transformers")
    callback, net = trainer_callback(recorder), pn.zoo.mlp(64, (6,), 10)
    handler = transformers.trainer_callback.CallbackHandler([callback], net, None, None, None)
    for epoch in (1.0, 2.0, 3.0, 4.0):
        handler.on_epoch_end(None, SimpleNamespace(epoch=epoch), None)
    assert recorder.steps == [2, 4]


def test_the_trainer_stops_when_the_rule_fires_and_the_weights_come_back(digits):
    transformers = pytest.importorskip("transformers")
    rule = pn.training.StoppingRule("first", ("loss",), lambda history, _: 1 if len(history) == 3 else None)
    stopper, net = pn.training.Stopper((digits.x_test, digits.y_test), rule), pn.zoo.mlp(64, (6,), 10)
    handler = transformers.trainer_callback.CallbackHandler(
        [trainer_callback(stopper)], net, None, None, None
    )
    control, first = transformers.TrainerControl(), net.fc1.bias.detach().clone()
    for epoch in (1.0, 2.0, 3.0):
        assert not control.should_training_stop
        handler.on_epoch_end(None, SimpleNamespace(epoch=epoch), control)
        net.fc1.bias.data += 1
    assert control.should_training_stop
    handler.on_train_end(None, SimpleNamespace(epoch=3.0), control)
    assert net.fc1.bias.tolist() == first.tolist()


def test_scalars_are_those_of_the_table(recorder):
    written = {}
    writer = SimpleNamespace(add_scalar=lambda tag, value, step: written.update({(tag, step): value}))
    with pytest.raises(ValueError, match="recorded nothing"):
        write_scalars(recorder, writer)
    recorder(pn.zoo.mlp(64, (6,), 10), 2)
    write_scalars(recorder, writer, prefix="run")
    row = recorder.to_pandas().iloc[0]
    assert written["run/fc1/redundancy", 2] == row["redundancy"]
    assert written["run/fc1/pair_information", 2] == row["pair_information"]


def test_scalars_of_a_stopper_are_of_no_layer(digits):
    stopper, written = pn.training.Stopper((digits.x_test, digits.y_test), "loss_plateau"), {}
    stopper(pn.zoo.mlp(64, (6,), 10), 1)
    write_scalars(
        stopper,
        SimpleNamespace(add_scalar=lambda tag, value, step: written.update({(tag, step): value})),
        "run",
    )
    assert written["run/loss", 1] == stopper.history.column("loss")[0]


@pytest.mark.parametrize("call", [trainer_callback, lambda it: write_scalars(it, SimpleNamespace())])
def test_something_else_than_a_recorder_is_refused(call):
    with pytest.raises(TypeError, match="recorder=None; expected a Recorder"):
        call(None)
