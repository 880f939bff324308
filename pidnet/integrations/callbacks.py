"""A recorder inside other training loops and loggers."""

from __future__ import annotations

from typing import Any, Protocol

from pidnet.arguments import check_arguments
from pidnet.optional import optional_module
from pidnet.training.recorder import Recorder
from pidnet.training.stopping import Stopper


class ScalarWriter(Protocol):
    """What writes scalars: ``torch.utils.tensorboard.SummaryWriter`` has this method, and others do."""

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> Any:
        """Write one number at one step."""


def trainer_callback(recorder: Recorder) -> Any:
    """A callback for the Trainer of Hugging Face's transformers, which records after each epoch.

    Parameters
    ----------
    recorder : Recorder
        What records. A ``Stopper`` ends the training when its rule fires, and the model is taken back then.

    Returns
    -------
    transformers.TrainerCallback
        To be passed as ``Trainer(..., callbacks=[trainer_callback(recorder)])``.

    Raises
    ------
    ImportError
        Without transformers.
    TypeError
        For something other than a recorder.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> from pidnet.integrations import trainer_callback
    >>> recorder = pn.Recorder((torch.randn(20, 4), torch.arange(20) % 2))
    >>> type(trainer_callback(recorder)).__name__
    'RecorderCallback'
    """
    check_arguments(trainer_callback, locals())
    trainer_module = optional_module("transformers", "pip install 'pidnet[transformers]'")

    class RecorderCallback(trainer_module.TrainerCallback):
        def on_epoch_end(self, args, state, control, *, model, **kwargs):
            if recorder(model, round(state.epoch)):
                control.should_training_stop = True

        def on_train_end(self, args, state, control, *, model, **kwargs):
            if isinstance(recorder, Stopper):
                recorder.restore(model)

    return RecorderCallback()


def write_scalars(recorder: Recorder, writer: ScalarWriter, prefix: str = "pid") -> None:
    """Write what a recorder has so far as scalars, one for each layer, column and step.

    What a ``Stopper`` has recorded is of no layer: its tags are the prefix and the column.

    Parameters
    ----------
    recorder : Recorder
        What was recorded.
    writer : ScalarWriter
        Such as ``torch.utils.tensorboard.SummaryWriter(folder)``.
    prefix : str
        Of the tags: "pid/fc1/redundancy".

    Raises
    ------
    ValueError
        For a recorder that has recorded nothing.
    TypeError
        For something other than a recorder.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> from pidnet.integrations import write_scalars
    >>> x = torch.randn(100, 4, generator=torch.Generator().manual_seed(0))
    >>> net, recorder = pn.zoo.mlp(4, (3,), 2), pn.Recorder((x, (x[:, 0] > 0).long()), ["fc1"])
    >>> stop = recorder(net, 1)
    >>> class Printer:
    ...     def add_scalar(self, tag, value, step):
    ...         print(tag, step)
    >>> write_scalars(recorder, Printer())  # doctest: +ELLIPSIS
    pid/fc1/pair_information 1
    pid/fc1/redundancy 1
    ...
    """
    check_arguments(write_scalars, locals())
    if not recorder.steps:
        raise ValueError("the recorder has recorded nothing; call it after an epoch first")
    for row in recorder.to_pandas().to_dict("records"):
        step, parts = row.pop("step"), [prefix, *([row.pop("layer")] if "layer" in row else [])]
        for column, value in row.items():
            if isinstance(value, float):
                writer.add_scalar("/".join([*parts, column]), value, int(step))
