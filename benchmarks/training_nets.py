"""The networks of the training benchmark, and what has been trained of one seed so far."""

from __future__ import annotations

import copy
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import nn
from torch.nn.functional import dropout

from benchmarks.pruning_nets import NETS as SCOREBOARD, Net
from pidnet import training
from pidnet.datasets.named import Samples
from pidnet.energy import count

# Shorter trainings than the scoreboard's, with its data, widths and rates.
NETS = {
    "mlp/mnist1d": (replace(SCOREBOARD["mlp/mnist1d"], epochs=24, rate=2e-3), 128),
    "cnn/digits": (replace(SCOREBOARD["cnn/digits"], epochs=16), 64),
    "lstm/digits": (replace(SCOREBOARD["lstm/digits"], epochs=30), 64),
}
SETTINGS = "; ".join(
    f"{name}: widths {net.widths}, {net.epochs} epochs, batches of {batch}, rate {net.rate:g}"
    for name, (net, batch) in NETS.items()
)


@dataclass(eq=False)
class Bench:
    """One network and seed. dense: decay -> state of the dense network after each epoch, the first untrained."""

    net: Net
    batch: int
    samples: Samples
    seed: int
    states: dict[float, list[dict]] = field(default_factory=dict)

    @property
    def data(self) -> tuple[torch.Tensor, torch.Tensor]:
        return self.samples.x_train, self.samples.y_train

    @property
    def options(self) -> dict:
        """Of ``train_epochs`` and ``train_narrowing``."""
        return {"epochs": self.net.epochs, "rate": self.net.rate, "batch": self.batch, "seed": self.seed}

    def untrained(self, widths: tuple[int, ...] | None = None, seed: int | None = None) -> nn.Module:
        torch.manual_seed(self.seed if seed is None else seed)
        return self.net.build(self.net.widths if widths is None else widths)

    def widths(self, keep: float) -> tuple[int, ...]:
        return tuple(max(1, round(keep * width)) for width in self.net.widths)

    def dense(self, decay: float, epoch: int | None = None) -> nn.Module:
        """The dense network after an epoch, the last one by default, in eval mode."""
        model = self.untrained()
        if decay not in self.states:
            states = [copy.deepcopy(model.state_dict())]
            for _ in training.train_epochs(model, *self.data, decay=decay, **self.options):
                states.append(copy.deepcopy(model.state_dict()))
            self.states[decay] = states
        model.load_state_dict(self.states[decay][-1 if epoch is None else epoch])
        return model.eval()

    def train(self, model: nn.Module, decay: float = 0.0, times: float = 1) -> nn.Module:
        """With a schedule of its own, ``times`` the epochs."""
        return training.train(
            model,
            *self.data,
            decay=decay,
            **self.options | {"epochs": max(1, round(times * self.net.epochs))},
        )

    def test(self, model: nn.Module) -> float:
        return round(100 * training.accuracy(model, self.samples.x_test, self.samples.y_test), 3)

    def macs(self, model: nn.Module) -> int:
        return count(model, self.samples.x_test[:1]).macs

    @cached_property
    def dense_macs(self) -> int:
        """Of the whole training of the dense network."""
        return 3 * len(self.samples.y_train) * self.net.epochs * self.macs(self.untrained())

    def energy(self, model: nn.Module, times: float = 1) -> float:
        """Of a training of this network, as a share of the dense network's."""
        return 3 * len(self.samples.y_train) * self.net.epochs * times * self.macs(model) / self.dense_macs

    def calibration(self, number: int = 1000) -> tuple[torch.Tensor, torch.Tensor]:
        chosen = torch.randperm(len(self.samples.y_train), generator=torch.Generator().manual_seed(self.seed))
        return self.samples.x_train[chosen[:number]], self.samples.y_train[chosen[:number]]

    def figures(self, model: nn.Module, energy: float, **more: object) -> dict:
        return {
            "accuracy": self.test(model),
            "energy": round(energy, 4),
            "macs": self.macs(model),
            **more,
        }


@contextmanager
def dropping(model: nn.Module, rate: float) -> Generator[None]:
    """Dropout, while it trains, of what every layer but the first reads; of an LSTM of what its head reads."""

    def drop(module: nn.Module, inputs: tuple) -> tuple | None:
        return (dropout(inputs[0], rate), *inputs[1:]) if module.training else None

    readers = [module for module in model.modules() if isinstance(module, nn.Linear | nn.Conv2d | nn.LSTM)]
    hooks = [module.register_forward_pre_hook(drop) for module in readers[1:]]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
