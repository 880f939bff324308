"""Where the files of the named data sets come from, and how to tell that they are the right ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Origin:
    """One .npz file. keys: the arrays that ``load`` reads, by key. sha256: of those arrays, see ``content_hash``."""

    source: str
    keys: dict[str, str]
    sha256: str


_IMAGES = {
    "x_train": "uint8 (10000, 28, 28), 1,000 training images a class drawn by numpy's default_rng(0), in file order",
    "y_train": "uint8 (10000,)",
    "x_test": "uint8 (10000, 28, 28), the whole test set",
    "y_test": "uint8 (10000,)",
}
ORIGINS: dict[str, Origin] = {
    "mnist.npz": Origin(
        "MNIST of LeCun, Cortes & Burges",
        _IMAGES,
        "01442f817b55e5e0b02593af00e85b8bc6d2afdfca0028f517491274c4919090",
    ),
    "fashion_mnist.npz": Origin(
        "Fashion-MNIST of Zalando, MIT license",
        _IMAGES,
        "8f8cc678a092cfc77948beed03d595102036bf11a46b16476b998c59f7ba365a",
    ),
    **{
        f"cifar10_{part}5k.npz": Origin(
            "CIFAR-10 of Krizhevsky 2009",
            {
                "x": f"uint8 (5000, 32, 32, 3), 500 images a class of the {part} split drawn by numpy's default_rng(0)",
                "y": "uint8 (5000,)",
            },
            sha256,
        )
        for part, sha256 in (
            ("train", "edeb14efec4b91cddf651ef58394cf4f32d87f0532b27654dcdee848c3050ab4"),
            ("test", "217ab7af896841ac77da5ad200a8ceba6499d6baff52111849ec1bfbb9bb371f"),
        )
    },
    "names.npz": Origin(
        "github.com/spro/practical-pytorch, commit c520c52e, data/names/*.txt, MIT license",
        {
            "name": "text (20050,), a line of a file each",
            "y": "uint8 (20050,), the file in order of its name",
        },
        "66044720d8d49b524ade959aad25d49a1afa739012c24b2ab891c41f4e88e842",
    ),
}


def content_hash(path: str | Path, keys: dict[str, str]) -> str:
    """SHA-256 of some arrays of an .npz file, in order of key: of type, shape and values, not of the archive."""
    digest = hashlib.sha256()
    with np.load(path, allow_pickle=False) as stored:
        for key in sorted(keys):
            array = np.ascontiguousarray(stored[key])
            digest.update(f"{key} {array.dtype.str} {array.shape}".encode())
            digest.update(array.tobytes())
    return digest.hexdigest()


def check_file(folder: str | Path, name: str) -> str:
    """State of one file in a folder: "right", "missing", or what differs."""
    path, origin = Path(folder) / name, ORIGINS[name]
    if not path.is_file():
        return "missing"
    try:
        return (
            "right"
            if content_hash(path, origin.keys) == origin.sha256
            else "other arrays than behind the results"
        )
    except KeyError as error:
        return f"lacks {error}"
