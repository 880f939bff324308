"""Stopping rules on recorded trainings of a constant rate, clean and with wrong labels, replayed in one table.

Fixed before any of these trainings was run: the rules and their constants (``pidnet.training.stopping.rules``), the
rate (half of the largest of the one-cycle schedule of the other arms), the epochs (those of the other arms), the share
of wrong labels (a fifth of the training labels are drawn from the other classes), patience 2 and 5, the two extra
rows of ``RULES``, and the bar of ``verdict``. A rule sees training inputs and the labels that are trained on. The
validation rule pays for its split: its network is trained on nine tenths, with labels as wrong, and is compared with
the best epoch of the training on all data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.training_nets import Bench
from benchmarks.training_table import markdown, spread
from pidnet.maps import layer_maps
from pidnet.codes import Codes
from pidnet.files import plain
from pidnet.training import STOPPING, History, Stopper, StoppingRule, replay

WRONG, HELD_OUT, CLASSES = 0.2, 0.1, 10
PATIENCE = (2, 5)
ON_ALL = [name for name in STOPPING if name != "validation"]


def _tenth(history: History, patience: int) -> int | None:
    """The training loss has not fallen by a tenth of itself for ``patience`` records."""
    loss, last = history.column("loss"), 0
    for k in range(1, len(loss)):
        if loss[k] < 0.9 * loss[last]:
            last = k
        elif k - last >= patience:
            return history.epochs[last]
    return None


def _half(history: History, _patience: int) -> int | None:
    """Half of the epochs, known beforehand."""
    return next((epoch for epoch in history.epochs if 2 * epoch >= history.whole), None)


def stopping(noise: float, bench: Bench) -> dict:
    """The history of a training on all data, and of one that holds out a tenth."""
    _warm()
    x, y = bench.data
    y = wrong_labels(y, noise, bench.seed)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(bench.seed))
    held, rest = order.split([round(HELD_OUT * len(y)), len(y) - round(HELD_OUT * len(y))])
    test = bench.samples.x_test, bench.samples.y_test
    on_all = Stopper((x, y), None, watch=ON_ALL, test=test, seed=bench.seed)
    on_rest = Stopper((x[rest], y[rest]), None, watch=["validation"], held_out=(x[held], y[held]), test=test)
    return {
        "on_all": _recorded(bench, on_all, x, y),
        "on_rest": _recorded(bench, on_rest, x[rest], y[rest]),
    }


def wrong_labels(y: Tensor, share: float, seed: int) -> Tensor:
    """The labels, this share of them drawn from the other classes."""
    generator = torch.Generator().manual_seed(1000 + seed)
    wrong = torch.randperm(len(y), generator=generator)[: round(share * len(y))]
    y = y.clone()
    y[wrong] = (y[wrong] + torch.randint(1, CLASSES, (len(wrong),), generator=generator)) % CLASSES
    return y


def _recorded(bench: Bench, stopper: Stopper, x: Tensor, y: Tensor) -> dict:
    model = bench.untrained()
    for epoch in constant_rate(model, x, y, bench):
        stopper(model, epoch)
    history = stopper.history
    parts = {"columns": history.columns, "seconds": history.seconds}
    rounded = {
        part: {name: [float(f"{value:.5g}") for value in values] for name, values in found.items()}
        for part, found in parts.items()
    }
    return plain({"epochs": history.epochs, **rounded})


def constant_rate(model: nn.Module, x: Tensor, y: Tensor, bench: Bench) -> Iterator[int]:
    """AdamW at half of the rate of the bench, one epoch at a time."""
    generator = torch.Generator().manual_seed(bench.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=bench.net.rate / 2, weight_decay=0.0)
    for epoch in range(1, bench.net.epochs + 1):
        model.train()
        for part in torch.randperm(len(y), generator=generator).split(bench.batch):
            optimizer.zero_grad()
            cross_entropy(model(x[part]), y[part]).backward()
            optimizer.step()
        yield epoch


@cache
def _warm() -> None:
    """The kernels are compiled before a clock runs."""
    x = np.random.default_rng(0).integers(4, size=(200, 4))
    layer_maps(Codes.of({"fc": x}, x[:, 0]), "i_min", null="none")


ARMS = {"clean labels": partial(stopping, 0.0), "a fifth wrong": partial(stopping, WRONG)}
