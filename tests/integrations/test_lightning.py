"""The recorder as a callback of Lightning itself: ``Callback(Recorder, lightning.Callback)``."""

import warnings
from functools import partial

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import pidnet as pn

with warnings.catch_warnings():  # what Lightning and its parts warn of when imported is theirs
    warnings.simplefilter("ignore")
    lightning = pytest.importorskip("pytorch_lightning")


class Module(lightning.LightningModule):
    """A network of the zoo, trained by Lightning on batches in a fixed order."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.net = pn.zoo.mlp(64, (8, 6), 10)

    def forward(self, x):
        return self.net(x)

    def training_step(self, batch, _):
        return torch.nn.functional.cross_entropy(self(batch[0]), batch[1])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-2)


class Callback(pn.Recorder, lightning.Callback):
    pass


def fit(digits, callbacks, epochs=4):
    module = Module()
    loader = DataLoader(TensorDataset(digits.x_train[:300], digits.y_train[:300]), batch_size=64)
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pytorch_lightning|lightning_fabric")
        trainer = lightning.Trainer(
            max_epochs=epochs, accelerator="cpu", enable_model_summary=False, callbacks=callbacks, **quiet
        )
        trainer.fit(module, loader)
    return module


def test_lightning_calls_the_recorder_and_trains_as_it_would_without(digits):
    maps = partial(pn.layer_maps, measure="i_min", correction="none", null="none")
    callback = Callback((digits.x_test, digits.y_test), ["net.fc1", "net.fc2"], every=2, maps=maps)
    module = fit(digits, [callback])
    assert callback.steps == [2, 4]
    assert callback.to_pandas().shape[0] == 4
    now = pn.quantize(pn.capture(module, (digits.x_test, digits.y_test), ["net.fc1", "net.fc2"]))
    assert callback.profiles[-1].pair_information == pytest.approx(pn.profile(maps(now)).pair_information)
    assert callback.profiles[0].pair_information != pytest.approx(callback.profiles[1].pair_information)
    assert len(pn.plots.plot_training(callback).axes) == 3
    alone = fit(digits, [])
    for left, right in zip(module.parameters(), alone.parameters(), strict=True):
        assert torch.equal(left, right)
    assert module.training == alone.training


class Stopping(pn.training.Stopper, lightning.Callback):
    pass


def test_lightning_stops_when_the_rule_fires_and_takes_the_network_back(digits):
    rule = pn.training.StoppingRule("second", ("loss",), lambda history, _: 2 if len(history) == 3 else None)
    callback = Stopping((digits.x_train[:300], digits.y_train[:300]), rule)
    module = fit(digits, [callback], epochs=6)
    assert callback.history.epochs == (1, 2, 3)
    assert callback.epoch == 2
    for left, right in zip(module.parameters(), fit(digits, [], epochs=2).parameters(), strict=True):
        assert torch.equal(left, right)
