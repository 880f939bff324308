"""Named data sets as tensors: digits ships with scikit-learn, mnist1d is made by the package of that
name, the others come from a data folder."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pidnet.arguments import check_arguments
from pidnet.choices import check_name
from pidnet.datasets.origins import ORIGINS
from pidnet.names import DATA_SETS as NAMES
from pidnet.printing import Printed, number

# name -> training and test part, each (file, key of the images, key of the labels)
FILES = {
    "mnist": (("mnist.npz", "x_train", "y_train"), ("mnist.npz", "x_test", "y_test")),
    "fashion_mnist": (("fashion_mnist.npz", "x_train", "y_train"), ("fashion_mnist.npz", "x_test", "y_test")),
    "cifar10": (("cifar10_train5k.npz", "x", "y"), ("cifar10_test5k.npz", "x", "y")),
}


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Printed):
    """A data set: inputs and labels, split once into training and test data.

    Attributes
    ----------
    x_train, x_test : Tensor
        float32 (sample, feature) in [0, 1], or (sample, channel, height, width) when loaded as images; (sample,
        channel, length) for the signals of mnist1d, which are not bound to [0, 1]. The names are int64 codes of their
        characters, (sample, character), with 0 for padding at the end.
    y_train, y_test : Tensor
        int64 (sample,), the class of each sample.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.datasets.load("digits")
    Samples: 1,198 for training and 599 for testing, shape (64,), 10 classes
    """

    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor

    def _lines(self) -> list[str]:
        sizes = f"{number(len(self.y_train))} for training and {number(len(self.y_test))} for testing"
        classes = len(torch.cat([self.y_train, self.y_test]).unique())
        return [f"Samples: {sizes}, shape {tuple(self.x_train.shape[1:])}, {classes} classes"]


def load(name: str, folder: str | Path | None = None, *, images: bool = False) -> Samples:
    """Load a data set by name.

    Parameters
    ----------
    name : str
        "digits" ships with scikit-learn, "mnist1d" is made by the package of that name; "mnist", "fashion_mnist",
        "cifar10" and "names" come from files, whose origin ``pidnet.datasets.origins.ORIGINS`` tells.
    folder : str or Path, optional
        Where the .npz files are; by default the environment variable PIDNET_DATA.
    images : bool
        Keep (channel, height, width) rather than one row of features.

    Returns
    -------
    Samples
        Training and test data.

    Raises
    ------
    ValueError
        For an unknown name.
    FileNotFoundError
        When a file is not there, with where it comes from.
    ImportError
        When mnist1d is asked for and the package is not installed.

    Examples
    --------
    >>> import pidnet as pn
    >>> pn.datasets.load("digits", images=True).x_test.shape
    torch.Size([599, 1, 8, 8])
    """
    check_arguments(load, locals())
    check_name("data set", name, NAMES)
    match name:
        case "digits":
            samples = _digits()
        case "mnist1d":
            samples = _mnist1d()
        case "names":
            return _names(folder)
        case _:
            samples = _from_files(name, folder)
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


def _mnist1d() -> Samples:
    """4,000 + 1,000 signals of length 40; the package seeds all global random states, which are put back."""
    try:
        from mnist1d.data import get_dataset_args, make_dataset
    except ImportError as error:
        raise ImportError("the data set mnist1d needs its package: pip install 'pidnet[mnist1d]'") from error
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        made = make_dataset(get_dataset_args())
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        torch.set_rng_state(before[2])
    x = (torch.tensor(made[key], dtype=torch.float32).unsqueeze(1) for key in ("x", "x_test"))
    y = (torch.tensor(made[key], dtype=torch.int64) for key in ("y", "y_test"))
    (x_train, x_test), (y_train, y_test) = x, y
    return Samples(x_train, y_train, x_test, y_test)


def _names(folder: str | Path | None) -> Samples:
    """Surnames and their language. A name that occurs more than once is taken once, with its first
    language, so that no test name is in the training data; every third in the alphabet is for the test."""
    names, labels = _stored(Path(folder or os.environ.get("PIDNET_DATA", ".")) / "names.npz", "name", "y")
    names, first = np.unique(names, return_index=True)
    letters = {letter: code for code, letter in enumerate(sorted(set("".join(names))), start=1)}
    x = torch.zeros(len(names), max(map(len, names)), dtype=torch.int64)
    for row, name in zip(x, names, strict=True):
        row[: len(name)] = torch.tensor([letters[letter] for letter in name])
    y = torch.tensor(labels[first].astype(np.int64))
    test = torch.arange(len(y)) % 3 == 2
    return Samples(x[~test], y[~test], x[test], y[test])


def _from_files(name: str, folder: str | Path | None) -> Samples:
    """The two parts of a data set in .npz files."""
    root = Path(folder or os.environ.get("PIDNET_DATA", "."))
    train, test = (_part(root / file, x, y) for file, x, y in FILES[name])
    return Samples(*train, *test)


def _part(path: Path, x: str, y: str) -> tuple[Tensor, Tensor]:
    """Images and labels of one file."""
    pixels, labels = _stored(path, x, y)
    return _images(pixels), torch.tensor(labels, dtype=torch.int64)


def _stored(path: Path, *keys: str) -> list[np.ndarray]:
    """Arrays of one file."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist; set PIDNET_DATA to the folder that holds {path.name} "
            f"({ORIGINS[path.name].source}; python -m benchmarks.make_data tells what belongs in it)"
        )
    with np.load(path, allow_pickle=False) as stored:
        return [stored[key] for key in keys]


def _images(pixels: np.ndarray) -> Tensor:
    """uint8 (sample, height, width[, channel]) -> float32 (sample, channel, height, width) in [0, 1]."""
    x = torch.tensor(pixels, dtype=torch.float32) / 255
    return x.unsqueeze(1) if x.ndim == 3 else x.permute(0, 3, 1, 2).contiguous()
