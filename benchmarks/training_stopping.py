"""Stopping rules on recorded trainings of a constant rate, clean and with wrong labels, replayed in one table.

Fixed before any of these trainings was run: the rules and their constants (``pidnet.training.stopping.rules``), the
rate (half of the largest of the one-cycle schedule of the other arms), the epochs (those of the other arms), the share
of wrong labels (a fifth of the training labels are drawn from the other classes), patience 2 and 5, the two extra
rows of ``RULES``, and the bar of ``verdict``. A rule sees training inputs and the labels that are trained on. The
validation rule pays for its split: its network is trained on nine tenths, with labels as wrong, and is compared with
the best epoch of the training on all data.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.training_nets import Bench
from benchmarks.training_table import markdown, of_group, spread
from pidnet.files import plain
from pidnet.training import STOPPING, History, Stopper, StoppingRule, replay

WRONG, HELD_OUT, CLASSES = 0.2, 0.1, 10
PATIENCE = (2, 5)
BAR = (
    "The bar: on every network at most 1 point more lost than validation of the same patience on clean labels, at least 1 "
    "point less than the plateau of the training loss of the same patience on wrong ones, and less energy than the whole "
    "training, monitors included. The energy here is "
    "processor time, measured."
)
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


def rules(whole: int) -> dict[str, StoppingRule]:
    """Those of pidnet, and the two extra rows, of a training of so many epochs."""

    def half(history: History, _patience: int) -> int | None:
        return next((epoch for epoch in history.epochs if 2 * epoch >= whole), None)

    extra = (
        StoppingRule("loss_plateau of 10 %", ("loss",), _tenth),
        StoppingRule("half of the epochs", (), half),
    )
    return STOPPING | {rule.name: rule for rule in extra}


def stopping(noise: float, bench: Bench) -> dict:
    """The history of a training on all data, and of one that holds out a tenth."""
    _warm(bench)
    x, y = bench.data
    y = wrong_labels(y, noise, bench.seed)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(bench.seed))
    held, rest = order.split([round(HELD_OUT * len(y)), len(y) - round(HELD_OUT * len(y))])
    test = bench.samples.x_test, bench.samples.y_test
    found = {
        "on_all": _recorded(bench, Stopper((x, y), None, watch=ON_ALL, test=test, seed=bench.seed), x, y)
    }
    x_rest, y_rest, held_out = x[rest], y[rest], (x[held], y[held])
    on_rest = Stopper((x_rest, y_rest), None, watch=["validation"], held_out=held_out, test=test)
    return found | {"on_rest": _recorded(bench, on_rest, x_rest, y_rest)}


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


def _warm(bench: Bench) -> None:
    """Kernels are compiled and libraries started before a clock runs."""
    x, y = bench.data
    Stopper((x, y), None, watch=ON_ALL, samples=200)(bench.untrained(), 1)


ARMS = {"clean labels": partial(stopping, 0.0), "a fifth wrong": partial(stopping, WRONG)}
CLEAN, NOISY = ARMS


def tables(cells: list[dict]) -> list[str]:
    """Every rule on every network, clean and noisy, and which of them reach the bar."""
    mine = of_group(cells, "stopping")
    parts = []
    for net in dict.fromkeys(cell["net"] for cell in mine):
        for arm in ARMS:
            chosen = [cell for cell in mine if (cell["net"], cell["arm"]) == (net, arm)]
            if chosen:
                parts += [f"## {net}, {arm}: when to stop\n", _table(chosen)]
    return [*parts, verdict(mine)]


Row = tuple[float, int, int, bool, float, float]
AT_ONCE = ("gradient_disparity", "evidence", "half of the epochs")  # whatever the patience


def replayed(cell: dict) -> dict[str, Row]:
    """Rule -> points lost, epoch kept, last epoch, fired, energy, monitors. The energy is of the training on all data."""
    whole, rest = (History(**cell[part]) for part in ("on_all", "on_rest"))
    best, seconds = float(whole.column("test_accuracy").max()), float(whole.seconds["training"].sum())
    chosen = rules(whole.epochs[-1])
    found: dict[str, Row] = {}
    for name, rule in chosen.items():
        history = rest if name == "validation" else whole
        share = float(history.seconds["training"].sum()) / seconds
        for patience in PATIENCE[: 1 if name in AT_ONCE else None]:
            one = replay(history, {name: rule}, patience=patience, best=best)
            label = name if name in AT_ONCE else f"{name}, {patience}"
            energy = share * float(one.energy[0]), share * float(one.monitors[0])
            found[label] = (one.lost[0], int(one.epoch[0]), int(one.ended[0]), bool(one.fired[0]), *energy)
    found["all epochs"] = (
        100 * (best - whole.column("test_accuracy")[-1]),
        whole.epochs[-1],
        whole.epochs[-1],
        False,
        1.0,
        0.0,
    )
    return found


def _table(cells: list[dict]) -> str:
    found = [replayed(cell) for cell in cells]
    rows = []
    for name in found[0]:
        lost, epoch, ended, fired, energy, monitors = np.array([one[name] for one in found], float).T
        rows.append(
            (
                name,
                spread(lost),
                spread(epoch),
                spread(ended),
                f"{fired.sum():.0f} of {len(found)}",
                spread(energy, 2),
                spread(monitors, 2),
            )
        )
    heads = ["rule, patience", "points lost", "epoch kept", "last epoch", "fired", "energy", "of it monitors"]
    return markdown(heads, sorted(rows, key=lambda row: float(row[1].split()[0])))


def verdict(cells: list[dict]) -> str:
    """Which rules reach ``BAR``."""
    nets = list(dict.fromkeys(cell["net"] for cell in cells))
    found = {
        (net, arm): [replayed(cell) for cell in cells if (cell["net"], cell["arm"]) == (net, arm)]
        for net in nets
        for arm in ARMS
    }
    if not all(found.values()):
        return ""

    def mean(net: str, arm: str, name: str, column: int) -> float:
        return float(np.mean([one[name][column] for one in found[net, arm]]))

    rows, passed = [], []
    for name in next(iter(found.values()))[0]:
        patience = name[-1] if name[-1].isdigit() else str(PATIENCE[0])
        worse = [mean(net, CLEAN, name, 0) - mean(net, CLEAN, f"validation, {patience}", 0) for net in nets]
        better = [
            mean(net, NOISY, f"loss_plateau, {patience}", 0) - mean(net, NOISY, name, 0) for net in nets
        ]
        energy = [mean(net, arm, name, 4) for net in nets for arm in ARMS]
        met = (*(w <= 1 for w in worse), *(b >= 1 for b in better), *(e < 1 for e in energy))
        passed += [name] * all(met)
        shown = (" / ".join(f"{value:.1f}" for value in part) for part in (worse, better))
        rows.append((name, *shown, f"{max(energy):.2f}", f"{sum(met)} of {len(met)}"))
    heads = ["rule, patience", "clean: lost - validation's", "wrong labels: plateau's lost - lost"]
    heads += ["most energy", "conditions met"]
    result = (
        f"These reach it: {', '.join(passed)}." if passed else "No rule reaches it, so none is recommended."
    )
    return f"## When to stop: the bar\n\nNetworks: {', '.join(nets)}. {BAR} {result}\n\n" + markdown(
        heads, rows
    )
