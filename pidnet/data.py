"""Named data sets as tensors: digits ships with scikit-learn, the others come from a data folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

# name -> training and test part, each (file, key of the images, key of the labels)
FILES = {
    "mnist": (("mnist.npz", "x_train", "y_train"), ("mnist.npz", "x_test", "y_test")),
    "fashion_mnist": (("fashion_mnist.npz", "x_train", "y_train"), ("fashion_mnist.npz", "x_test", "y_test")),
    "cifar10": (("cifar10_train5k.npz", "x", "y"), ("cifar10_test5k.npz", "x", "y")),
}
NAMES = ("digits", *FILES)


@dataclass(frozen=True, eq=False)
class Samples:
    """A data set: float32 inputs in [0, 1] and int64 labels, split once into training and test data.

    x: (sample, feature), or (sample, channel, height, width) when loaded as images. y: (sample,).
    """

    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor


def load(name: str, folder: str | Path | None = None, *, images: bool = False) -> Samples:
    """Load a data set by name.

    name: one of ``NAMES``. folder: where the .npz files are; by default the environment variable
    PIDNET_DATA. images: keep (channel, height, width) rather than one row of features.
    Raises ValueError for an unknown name, FileNotFoundError when the files are not there.
    """
    if name not in NAMES:
        raise ValueError(f"unknown data set {name!r}; the known ones are {', '.join(NAMES)}")
    samples = _digits() if name == "digits" else _from_files(name, folder)
    if images:
        return samples
    return Samples(samples.x_train.flatten(1), samples.y_train, samples.x_test.flatten(1), samples.y_test)


def _digits() -> Samples:
    """scikit-learn's 1,797 handwritten digits, every third one held out for the test."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = torch.tensor(digits.images / 16, dtype=torch.float32).unsqueeze(1)
    y = torch.tensor(digits.target, dtype=torch.int64)
    test = torch.arange(len(y)) % 3 == 2
    return Samples(x[~test], y[~test], x[test], y[test])


def _from_files(name: str, folder: str | Path | None) -> Samples:
    """The two parts of a data set that stands in .npz files."""
    root = Path(folder or os.environ.get("PIDNET_DATA", "."))
    train, test = (_part(root / file, x, y) for file, x, y in FILES[name])
    return Samples(*train, *test)


def _part(path: Path, x: str, y: str) -> tuple[Tensor, Tensor]:
    """Images and labels of one file."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; pass folder= or set PIDNET_DATA to the folder that holds {path.name}"
        )
    with np.load(path, allow_pickle=False) as stored:
        return _images(stored[x]), torch.tensor(stored[y], dtype=torch.int64)


def _images(pixels: np.ndarray) -> Tensor:
    """uint8 (sample, height, width[, channel]) -> float32 (sample, channel, height, width) in [0, 1]."""
    x = torch.tensor(pixels, dtype=torch.float32) / 255
    return x.unsqueeze(1) if x.ndim == 3 else x.permute(0, 3, 1, 2).contiguous()
