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


@pytest.mark.parametrize("call", [trainer_callback, lambda it: write_scalars(it, SimpleNamespace())])
def test_something_else_than_a_recorder_is_refused(call):
    with pytest.raises(TypeError, match="recorder=None; expected a Recorder"):
        call(None)
