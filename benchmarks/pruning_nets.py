"""The networks of the pruning scoreboard: data, architecture, training and what may be cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from pidnet import datasets, training, zoo
from pidnet.datasets.named import Samples
from pidnet.files import replacing


@dataclass(frozen=True)
class Net:
    """One row of the scoreboard. layers: names that may be cut, None for all that can be. calibration: samples
    that plans and repairs see; fewer where each has many positions. rate, decay: of those tried, the ones
    with the most accurate dense network."""

    name: str
    samples: Callable[[str | None], Samples]
    build: Callable[[tuple[int, ...]], nn.Module]
    widths: tuple[int, ...]
    epochs: int
    layers: tuple[str, ...] | None = None
    rate: float = 1e-3
    decay: float = 0.0
    calibration: int = 1000

    def train(self, model: nn.Module, samples: Samples, seed: int) -> nn.Module:
        return training.train(
            model,
            samples.x_train,
            samples.y_train,
            epochs=self.epochs,
            rate=self.rate,
            decay=self.decay,
            seed=seed,
        )


def digits(_folder: str | None) -> Samples:
    return datasets.load("digits", images=True)


def digit_rows(_folder: str | None) -> Samples:
    """Every image as a sequence of 8 rows of 8 pixels."""
    samples = datasets.load("digits", images=True)
    return Samples(samples.x_train[:, 0], samples.y_train, samples.x_test[:, 0], samples.y_test)


def mnist1d(_folder: str | None) -> Samples:
    """4,000 training and 1,000 test signals of 40 samples (Greydanus & Kobak, arXiv:2011.14439)."""
    from mnist1d.data import get_dataset_args, make_dataset

    made = make_dataset(get_dataset_args())
    arrays = (torch.tensor(made[key]) for key in ("x", "y", "x_test", "y_test"))
    x, y, x_test, y_test = arrays
    return Samples(x.float(), y.long(), x_test.float(), y_test.long())


def signals(folder: str | None) -> Samples:
    samples = mnist1d(folder)
    return Samples(samples.x_train.unsqueeze(1), samples.y_train, samples.x_test.unsqueeze(1), samples.y_test)


def patches(folder: str | None) -> Samples:
    """Signals as 10 tokens of 4 samples."""
    samples = mnist1d(folder)
    x, x_test = (x.unflatten(1, (10, 4)) for x in (samples.x_train, samples.x_test))
    return Samples(x, samples.y_train, x_test, samples.y_test)


def fashion(folder: str | None) -> Samples:
    return tested_on(2000, datasets.load("fashion_mnist", folder, images=True))


def cifar(folder: str | None) -> Samples:
    return tested_on(2000, datasets.load("cifar10", folder, images=True))


def tested_on(number: int, samples: Samples) -> Samples:
    """The first test samples only, where thousands of cells would take hours."""
    return replace(samples, x_test=samples.x_test[:number], y_test=samples.y_test[:number])


NETS = {
    net.name: net
    for net in (
        Net("mlp/mnist1d", mnist1d, lambda w: zoo.mlp(40, w, 10), (256, 256), 40),
        Net("cnn/digits", digits, lambda w: zoo.conv(1, w, 10), (32, 64, 64), 40, rate=1e-2),
        Net("cnn/mnist1d", signals, lambda w: zoo.conv(1, w, 10, dims=1), (32, 64, 64), 40, rate=3e-3),
        Net(
            "ffn/mnist1d",
            patches,
            lambda w: zoo.transformer(4, w, 10, width=64),
            (256, 256),
            60,
            ("blocks.0.ffn1", "blocks.1.ffn1"),
            rate=3e-3,
            decay=0.1,
        ),
        Net("lstm/digits", digit_rows, lambda w: zoo.lstm(8, w[0], 10), (64,), 40, rate=3e-3),
        Net(
            "cnn/fashion", fashion, lambda w: zoo.conv(1, w, 10), (32, 64, 64), 8, rate=3e-3, calibration=500
        ),
        Net(
            "resnet/cifar10",
            cifar,
            lambda w: zoo.resnet(8, 3, 10, width=w[0]),
            (8,),
            15,
            rate=3e-3,
            calibration=256,
        ),
    )
}

# The same with strong weight decay, which moves these numbers more than most choices of a plan: a table of their own.
WITH_DECAY = {
    net.name: net
    for net in (
        replace(NETS[name], name=f"{name} with decay {decay:g}", decay=decay)
        for name, decay in (("mlp/mnist1d", 1.0), ("cnn/digits", 1.0), ("lstm/digits", 1.0))
    )
}


def dense(net: Net, samples: Samples, seed: int, cache: Path) -> nn.Module:
    """The trained network of a seed, from the cache when it is there."""
    torch.manual_seed(seed)
    model = net.build(net.widths)
    path = cache / f"{net.name.replace('/', '_')}_{seed}.safetensors"
    if path.is_file():
        model.load_state_dict(load_file(path))
        return model.eval()
    net.train(model, samples, seed)
    with replacing(path) as temporary:
        save_file(model.state_dict(), temporary)
    return model
