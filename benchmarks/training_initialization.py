"""Arms of the training benchmark: is redundancy at the initialization what makes wide networks trainable?

Networks of several widths, and wide ones whose units are copies of fewer, with noise added to the copies. Copies act as a
larger learning rate too, so each runs at three rates; the best of them is what a network can reach.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from benchmarks.training_nets import Bench
from benchmarks.training_table import by_arm, markdown, of_group, spread
from pidnet import training
from pidnet.activations import capture
from pidnet.files import replacing

Arm = Callable[[Bench], dict]
EPOCHS = 12
WIDTHS = (8, 32, 64, 256)
NOISES = (0.0, 0.1, 0.5)
RATES = (0.25, 1.0, 4.0)
DISTINCT, COPIES = 32, 8


def begun(bench: Bench, model: nn.Module, rate: float) -> dict:
    """Redundancy and distinct features before the training, accuracy after it."""
    layers = capture(model, bench.calibration(1000), ["fc1", "fc2"]).layers
    figures = [spectrum(values.numpy()) for values in layers.values()]
    x, y = bench.data
    training.train(model, x, y, **bench.options | {"epochs": EPOCHS, "rate": bench.net.rate * rate})
    return {
        "redundancy": [round(redundancy, 4) for redundancy, _ in figures],
        "effective rank": [round(rank, 2) for _, rank in figures],
        "train": round(100 * training.accuracy(model, x, y), 2),
        "accuracy": bench.test(model),
    }


def spectrum(values: np.ndarray) -> tuple[float, float]:
    """1 - mean share of a unit's variance that the others do not explain, and the effective rank exp H(eigenvalues)
    (Roy & Vetterli 2007) of the units that are alive."""
    values = values.astype(float)
    covariance = np.cov(values[:, values.std(0) > 0].T)
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    unexplained = 1 / np.diag(np.linalg.inv(correlation + 1e-6 * np.eye(len(scale))))
    shares = np.linalg.eigvalsh(covariance).clip(min=1e-15)
    shares /= shares.sum()
    return float(1 - unexplained.mean()), float(np.exp(-(shares * np.log(shares)).sum()))


def wide(bench: Bench, width: int, rate: float) -> dict:
    return begun(bench, bench.untrained((width, width)), rate)


@torch.no_grad()
def copied(bench: Bench, noise: float, rate: float) -> dict:
    """Every unit of a network of ``DISTINCT`` several times, its outgoing weights divided among the copies; noise in units of
    the spread of a layer's weights."""
    source, model = bench.untrained((DISTINCT, DISTINCT)), bench.untrained((DISTINCT * COPIES,) * 2)
    generator = torch.Generator().manual_seed(bench.seed)
    for name in ("fc1", "fc2", "head"):
        old, new = source.get_submodule(name), model.get_submodule(name)
        weight, bias = old.weight, old.bias
        if name != "fc1":
            weight = weight.repeat(1, COPIES) / COPIES
        if name != "head":
            weight, bias = weight.repeat(COPIES, 1), bias.repeat(COPIES)
        spreads = noise * weight.std() * torch.randn(weight.shape, generator=generator)
        new.weight.copy_(weight + spreads)
        new.bias.copy_(bias)
    with torch.enable_grad():
        return begun(bench, model, rate)


ARMS: dict[str, Arm] = {
    f"{name}, rate x {rate:g}": partial(make, rate=rate)
    for rate in RATES
    for name, make in (
        *((f"width {width}", partial(wide, width=width)) for width in WIDTHS),
        *(
            (f"width 256 = {DISTINCT} x {COPIES} copies, noise {noise:g}", partial(copied, noise=noise))
            for noise in NOISES
        ),
    )
}
NETS = ("mlp/mnist1d",)


def tables(cells: list[dict]) -> list[str]:
    """One row a network: what it begins with, and what it reaches at each rate."""
    mine = of_group(cells, "initialization")
    accuracy = by_arm(mine, "accuracy")
    names = list(dict.fromkeys(cell["arm"].rpartition(", ")[0] for cell in mine))
    rows = []
    for name in names:
        first = [cell for cell in mine if cell["arm"].startswith(f"{name}, ")]
        rows.append(
            [
                name,
                *(
                    " / ".join(f"{value:.{digits}f}" for value in np.mean([cell[key] for cell in first], 0))
                    for key, digits in (("redundancy", 2), ("effective rank", 0))
                ),
                *(spread(accuracy.get(f"{name}, rate x {rate:g}", {}).values()) for rate in RATES),
            ]
        )
    seeds = sorted({len(found) for found in accuracy.values()})
    heads = ["network", "redundancy", "effective rank", *(f"accuracy, rate x {rate:g}" for rate in RATES)]
    return [
        "## mlp/mnist1d: redundancy at the initialization\n\n"
        f"{EPOCHS} epochs, {' to '.join(map(str, seeds))} seeds. Redundancy: 1 - the mean share of a unit's variance that "
        "the other units of its layer do not explain; effective rank: exp of the entropy of the covariance's "
        "eigenvalues; both of fc1 / fc2 before the training. The figure is training_initialization.png (rate x 1).\n\n"
        + markdown(heads, rows)
    ]


def draw(cells: list[dict], path: Path) -> None:
    """Accuracy against redundancy and against distinct features at the start; widths and planted copies."""
    mine = [cell for cell in of_group(cells, "initialization") if cell["arm"].endswith("rate x 1")]
    figure = Figure(figsize=(7.2, 3.0), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, name in zip(panels, ("redundancy", "effective rank"), strict=True):
        for kind, color in (("copies", "#D55E00"), ("width", "#0072B2")):
            some = [cell for cell in mine if ("copies" in cell["arm"]) == (kind == "copies")]
            values = [np.mean(cell[name]) for cell in some]
            axes.plot(values, [cell["accuracy"] for cell in some], "o", color=color, label=kind)
        axes.set(xlabel=f"{name} before the training")
    panels[0].set_ylabel(f"test accuracy after {EPOCHS} epochs, %")
    panels[0].legend(["256 units, 32 of them copied", "8 to 256 units"], frameon=False, fontsize=8)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=100)
