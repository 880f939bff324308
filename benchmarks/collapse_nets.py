"""The networks of ``collapse_plane``: each is built, trained and measured here, and comes back as one row of numbers.

All information is in bits. A row has what was measured on the training and on the test data (``train``, ``test``),
and for bottlenecks what was measured on the way (``course``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn.functional import cross_entropy

import pidnet as pn
from pidnet.estimators import variational_bounds

CLASSES = 10
DRAWN = 4000  # inputs of the mixture that the bracket is made from
ROWS = 1000  # inputs that the outer mean runs over
COURSE = (1, 2, 5, 10, 20, 40, 60)  # epochs at which a bottleneck is looked at
Data = tuple[Tensor, Tensor]


@cache
def data(name: str, images: bool, samples: int, noise: float = 0.0) -> tuple[Data, Data]:
    """Training and test data, standardized; a share of the training labels drawn anew."""
    found = pn.datasets.load(name, images=images)
    mean, std = found.x_train.mean(), found.x_train.std()
    x, test = ((part - mean) / std for part in (found.x_train[:samples], found.x_test))
    y = found.y_train[:samples].clone()
    generator = torch.Generator().manual_seed(0)
    wrong = torch.rand(len(y), generator=generator) < noise
    y[wrong] = torch.randint(CLASSES, (int(wrong.sum()),), generator=generator)
    return (x, y), (test, found.y_test)


# encoder -> (data set, whether it reads images or signals, builder of a network for a width)
ENCODERS: dict[str, tuple[str, bool, Any]] = {
    "mlp": ("fashion_mnist", False, lambda width: pn.zoo.mlp(784, (width, width), CLASSES)),
    "conv": ("mnist1d", True, lambda width: pn.zoo.conv(1, (width // 4, width // 2, width), CLASSES, dims=1)),
    "lenet": ("mnist", True, lambda width: pn.zoo.lenet()),
    "densenet": ("cifar10", True, lambda width: pn.zoo.densenet_bc(3, CLASSES, small=True)),  # DenseNet-121
}


def bottleneck(cell: dict[str, Any]) -> dict[str, Any]:
    """Train an encoder with a bottleneck by CEB at one beta and measure code and mean code."""
    name, images, build = ENCODERS[cell["encoder"]]
    train, test = data(name, images, cell["samples"], cell.get("noise", 0.0))
    torch.manual_seed(cell["seed"])
    net = pn.zoo.bottlenecked(build(cell["width"]), cell["latent"]).to(device(cell))
    start, spent, course = time.process_time(), 0.0, []
    for epoch in pn.training.train_epochs(
        net,
        *train,
        epochs=cell["epochs"],
        rate=2e-3,
        batch=256,
        seed=cell["seed"],
        decay=cell.get("decay", 0.0),
        loss=pn.training.bottleneck_loss(cell["beta"]),
    ):
        if epoch in cell.get("course", ()):
            spent += time.process_time() - start
            course.append({"epoch": epoch, **_look(net.eval(), train, rows=250)})
            start = time.process_time()
    row = {"cpu_seconds": spent + time.process_time() - start, "course": course}
    codes = {"train": _codes(net.eval(), train[0]), "test": _codes(net, test[0])}
    if cell.get("units"):
        row["units"] = _units(net, test)
    best = pn.fit_backward(codes["train"], train[1])
    for split, (_, y) in (("train", train), ("test", test)):
        row[split] = _measured(net.cpu(), codes[split], y, best)
    return row


def device(cell: dict[str, Any]) -> torch.device:
    """Where a network is trained: DenseNet-121 on a GPU, all others on the CPU."""
    if cell["encoder"] != "densenet":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise RuntimeError("DenseNet-121 is trained on a GPU only, and there is none; choose another arm")
    return torch.device("cuda")


@torch.no_grad()
def _codes(net: pn.zoo.Bottlenecked, x: Tensor) -> Normal:
    where = next(net.parameters()).device
    parts = [net.encode(part.to(where)) for part in x.split(1000)]
    mean, std = (torch.cat([getattr(part, name).cpu() for part in parts]) for name in ("mean", "stddev"))
    return Normal(mean, std)


@torch.no_grad()
def _measured(
    net: pn.zoo.Bottlenecked, code: Normal, y: Tensor, best: torch.distributions.MultivariateNormal
) -> dict[str, float]:
    """Information, geometry and accuracy of the sampled code and of the mean code."""
    z = code.sample()
    trained = variational_bounds(code, y, net.bottleneck.backward_encoder())["I(X;T|Y)"]
    closed = variational_bounds(code, y, best)["I(X;T|Y)"]
    scores = net.decoder(z)
    return {
        **_information(pn.channels.Normal(code.mean, code.variance), y, ROWS),
        "bound": trained.value,
        "closed_form_bound": closed.value,
        "accuracy": _share(scores, y),
        "accuracy_mean": _share(net.decoder(code.mean), y),
        "cross_entropy": float(cross_entropy(scores, y)) / math.log(2),
        **_geometry("sampled", z, y),
        **_geometry("mean", code.mean, y),
        "effective_rank": effective_rank(code.mean),
    }


@torch.no_grad()
def _look(net: pn.zoo.Bottlenecked, part: Data, rows: int) -> dict[str, float]:
    """A cheap measurement on the way."""
    x, y = part[0][:DRAWN], part[1][:DRAWN]
    code = _codes(net, x)
    z = code.sample()
    return {
        **_information(pn.channels.Normal(code.mean, code.variance), y, rows),
        "accuracy": _share(net.decoder(z.to(next(net.parameters()).device)).cpu(), y),
        "cdnv_sampled": pn.neural_collapse(z, y).cdnv,
        "cdnv_mean": pn.neural_collapse(code.mean, y).cdnv,
    }


def _information(channel: Any, y: Tensor, rows: int) -> dict[str, float]:
    taken = torch.arange(min(DRAWN, len(channel)))
    found = pn.channel_information(channel.take(taken), y[taken], draws=1, rows=rows)
    row = {}
    for quantity, name in (("I(X;T)", "input"), ("I(X;T|Y)", "given_label"), ("I(T;Y)", "label")):
        one = found[quantity]
        row |= {name: one.value, f"{name}_low": one.low, f"{name}_high": one.high, f"{name}_state": one.state}
    return row | {"own_weight": found["I(X;T)"].settings["own_weight"]}


def _geometry(which: str, h: Tensor, y: Tensor) -> dict[str, float]:
    found = pn.neural_collapse(h, y)
    return {f"{name}_{which}": getattr(found, name) for name in ("cdnv", "nc1", "max_angle", "etf")}


def _share(scores: Tensor, y: Tensor) -> float:
    return float((scores.argmax(1) == y).double().mean())


def effective_rank(h: Tensor) -> float:
    """exp of the entropy of the normalized singular values (Roy and Vetterli, 2007)."""
    values = torch.linalg.svdvals((h - h.mean(0)).double())
    p = values / values.sum()
    return float(torch.exp(-torch.special.xlogy(p, p).sum()))


def _units(net: pn.zoo.Bottlenecked, part: Data) -> dict[str, Any]:
    """Redundancy and synergy of pairs of units of the sampled code, i_broja on four levels: means, and all pairs."""
    acts = pn.capture(net, (part[0][:2000], part[1][:2000]), ["bottleneck"])
    found = pn.layer_maps(pn.quantize(acts, 4), measure="i_broja")["bottleneck"]
    means = {name: float(np.mean(getattr(found.atoms, name))) for name in ("redundancy", "synergy")}
    total = float(np.mean(found.atoms.total))
    return {
        **means,
        "pair_information": total,
        "redundancy_share": means["redundancy"] / total,
        "pairs": {name: getattr(found.atoms, name).tolist() for name in ("redundancy", "synergy")},
    }


def dropout(cell: dict[str, Any]) -> dict[str, Any]:
    """Train a layer with Gaussian dropout at one rate and measure it noisy and clean."""
    train, test = data("fashion_mnist", False, cell["samples"])
    torch.manual_seed(cell["seed"])
    squash = {"tanh": nn.Tanh, "relu": nn.ReLU}[cell["activation"]]()
    clean = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, cell["units"]), squash)
    noise, head = pn.layers.GaussianDropout(cell["rate"]), nn.Linear(cell["units"], CLASSES)
    start = time.process_time()
    for _ in pn.training.train_epochs(
        nn.Sequential(clean, noise, head),
        *train,
        epochs=cell["epochs"],
        rate=2e-3,
        batch=256,
        seed=cell["seed"],
        loss=partial(_penalized, cell["penalty"]),
    ):
        pass
    row: dict[str, Any] = {"cpu_seconds": time.process_time() - start}
    for split, (x, y) in (("train", train), ("test", test)):
        with torch.no_grad():
            h = clean(x)
            t = noise(h)
            row[split] = {
                **_information(noise.channel(h), y, ROWS),
                "accuracy": _share(head(t), y),
                "accuracy_mean": _share(head(h), y),
                **_geometry("sampled", t, y),
                **_geometry("mean", h, y),
                "pattern": _pattern_entropy(h[:DRAWN]),
                "zeros": float((h == 0).double().mean()),
            }
    return row


def _penalized(weight: float, net: nn.Sequential, x: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy and the CDNV of the noisy layer."""
    t = net[:2](x)
    penalty = weight * pn.training.cdnv_penalty(t, y) if weight else 0.0
    return cross_entropy(net[2](t), y) + penalty


def _pattern_entropy(h: Tensor) -> float:
    """H of which units are exactly 0: what dropout can never hide."""
    if not (h == 0).any():
        return 0.0
    return pn.code_information((h != 0).to(torch.uint8))["H(T)"].value


def cells(arm: str, seeds: int, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All networks of an arm, seed by seed."""
    made = {
        "mlp": _sweep,
        "conv": _sweep,
        "lenet": _sweep,
        "densenet": _sweep,
        "dropout": _rates,
        "factorial": _factorial,
    }[arm]
    for seed in range(seeds):
        for cell in made(arm, options):
            yield {"arm": arm, "seed": seed, **cell}


def _sweep(arm: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    samples = {"mlp": 10_000, "conv": 4000, "lenet": 10_000, "densenet": 5000}[arm]
    sizes = {
        "samples": samples,
        "width": 128 if arm == "mlp" else 64,
        "latent": 32,
        "epochs": options["epochs"],
    }
    for beta in options["betas"]:
        yield {"encoder": arm, "beta": beta, **sizes, "course": COURSE, "units": True}


def _rates(arm: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    tanh = [(rate, "tanh", 0.0) for rate in (0.1, 0.3, 0.5, 0.7, 0.9)]
    relu = [(rate, "relu", 0.0) for rate in (0.1, 0.5, 0.9)]
    for rate, activation, penalty in tanh + relu + [(0.5, "tanh", weight) for weight in (0.3, 3.0)]:
        sizes = {"samples": 10_000, "units": 16, "epochs": 8}
        yield {"rate": rate, "activation": activation, "penalty": penalty, **sizes}


def _factorial(arm: str, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for width in (32, 128):
        for samples in (1000, 4000):
            for noise in (0.0, 0.2):
                for decay in (0.0, 1.0):
                    cell = {"width": width, "samples": samples, "noise": noise, "decay": decay}
                    cell["epochs"] = 60_000 // samples  # as many steps
                    yield {"encoder": "mlp", "beta": 100.0, "latent": 16, "units": True, **cell}


MEASURES = {
    "mlp": bottleneck,
    "conv": bottleneck,
    "lenet": bottleneck,
    "densenet": bottleneck,
    "factorial": bottleneck,
    "dropout": dropout,
}
