"""Arms of the training benchmark: how the information of pairs is made up while a network learns, plainly and under what
is said to make it redundant, and what a tenth of its units is worth at the same epochs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import numpy as np
from scipy import stats
from torch import nn

from benchmarks.training_nets import Bench, dropping
from benchmarks.training_table import markdown, of_group, spread
from pidnet.activations import capture
from pidnet.codes import quantize
from pidnet.maps import LayerMap, layer_maps, profile
from pidnet.maps.claims import holm
from pidnet.networks.batches import Data
from pidnet.networks.naming import Layers
from pidnet.pruning import gather
from pidnet.training import PENALTIES, Recorder, train_epochs
from pidnet.training.cutting import cut_counted

NETS = ("mlp/mnist1d", "cnn/digits")
MOMENTS = (0, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1)
UNITS = 48  # of a layer, drawn once, whose pairs are decomposed
ATOMS = ("redundancy", "unique_sum", "synergy")
MEASURES = ("i_min",)  # maps of the others, corrected, would take longer than the training
KEEP = 0.1


def course(bench: Bench, decay: float = 0.0, penalty: float = 0.0, rate: float = 0.0) -> dict:
    """Shares of the atoms on test samples, and the accuracy of a tenth of the units, by epoch."""
    model, data = bench.untrained(), (bench.samples.x_test, bench.samples.y_test)
    layers = list(gather(model, bench.calibration(), bench.net.layers).layers)
    recorders = {
        name: Recorder(data, layers, what=partial(maps_of, measure=name, seed=bench.seed))
        for name in MEASURES
    }
    found: dict = {
        "epochs": [round(moment * bench.net.epochs) for moment in MOMENTS],
        "accuracy": [],
        "tenth": [],
    }

    def look(epoch: int) -> None:
        if epoch not in found["epochs"]:
            return
        for recorder in recorders.values():
            recorder(model, epoch)
        cut = cut_counted(model, bench.calibration(), KEEP, layers=bench.net.layers)
        found["accuracy"].append(bench.test(model))
        found["tenth"].append(bench.test(cut.model))

    look(0)
    with ExitStack() as stack:
        term = None
        if penalty:
            term = stack.enter_context(PENALTIES["foldable"](model, weight=penalty, layers=bench.net.layers))
        if rate:
            stack.enter_context(dropping(model, rate))
        for epoch in train_epochs(model, *bench.data, decay=decay, penalty=term, **bench.options):
            look(epoch)
    return found | {name: _seen(recorder) for name, recorder in recorders.items()}


def maps_of(model: nn.Module, data: Data, layers: Layers, measure: str, seed: int) -> dict[str, LayerMap]:
    """The maps of some units of each layer."""
    codes = quantize(capture(model, data, layers))
    found = {}
    for name, layer in codes.layers.items():
        drawn = np.random.default_rng(seed).permutation(layer.values.shape[1])[:UNITS]
        found |= layer_maps(codes.take_layer(name, np.sort(drawn)), measure, null="none")
    return found


def _seen(recorder: Recorder) -> dict:
    """The shares by layer and epoch."""
    profiles = [profile(maps) for maps in recorder.snapshots]
    return {
        "layers": list(profiles[0].layers),
        "shares": {atom: [one.shares[atom].round(4).tolist() for one in profiles] for atom in ATOMS},
        "bits": [one.pair_information.round(4).tolist() for one in profiles],
    }


ARMS: dict[str, Callable[[Bench], dict]] = {
    "course, plain": course,
    "course, decay 1": partial(course, decay=1.0),
    "course, foldable 3": partial(course, penalty=3.0),
    "course, foldable 3 + decay 1": partial(course, penalty=3.0, decay=1.0),
    "course, dropout 0.3": partial(course, rate=0.3),
}


def tables(cells: list[dict]) -> list[str]:
    """By network and measure."""
    mine = of_group(cells, "redundancy")
    parts = []
    for net in dict.fromkeys(cell["net"] for cell in mine):
        chosen = [cell for cell in mine if cell["net"] == net]
        parts += [f"## {net}: redundancy while it learns\n", INTRODUCTION, _worth(chosen)]
        parts += [f"By `{measure}`:\n\n{_shares(chosen, measure)}" for measure in MEASURES]
    return parts


INTRODUCTION = (
    f"Shares of the information of the pairs of {UNITS} drawn units of each layer (fewer where some are constant) on test "
    "samples, at the start, after a fourth of the epochs and at the end, mean over networks. The last columns are the changes "
    "from the start to the end: mean over networks, and the p-value of a paired t-test over networks, corrected by Holm for "
    "all tests of the table; this is what `epoch_claims` does for several networks.\n"
)


def _worth(cells: list[dict]) -> str:
    epochs = cells[0]["epochs"]
    rows = []
    for arm in dict.fromkeys(cell["arm"] for cell in cells):
        mine = [cell for cell in cells if cell["arm"] == arm]
        training = arm.removeprefix("course, ")
        for name, key in (("whole", "accuracy"), ("a tenth of the units", "tenth")):
            rows.append(
                (
                    training,
                    str(len(mine)),
                    name,
                    *(spread(values) for values in np.array([c[key] for c in mine]).T),
                )
            )
    return markdown(["training", "seeds", "accuracy", *(f"epoch {epoch}" for epoch in epochs)], rows)


def _shares(cells: list[dict], measure: str) -> str:
    rows, changes = [], []
    for arm in dict.fromkeys(cell["arm"] for cell in cells):
        mine = [cell[measure] for cell in cells if cell["arm"] == arm]
        for k, layer in enumerate(mine[0]["layers"]):
            bits = np.mean([one["bits"] for one in mine], 0)[:, k]
            row = [arm.removeprefix("course, "), layer, " / ".join(f"{bits[at]:.2f}" for at in SHOWN)]
            for atom in ATOMS:
                share = np.array([one["shares"][atom] for one in mine], float)[:, :, k]
                row.append(" / ".join(f"{share[:, at].mean():.3f}" for at in SHOWN))
                if atom in TESTED:
                    changes.append(share[:, -1] - share[:, 0])
            rows.append(row)
    adjusted = holm(np.array([stats.ttest_1samp(change, 0).pvalue for change in changes]))
    shown = [f"{c.mean():+.3f} (p = {p:.2g})" for c, p in zip(changes, adjusted, strict=True)]
    pairs = [shown[k : k + len(TESTED)] for k in range(0, len(shown), len(TESTED))]
    heads = ["training", "layer", "bits of a pair", *ATOMS, *(f"change of {atom}" for atom in TESTED)]
    return markdown(heads, [(*row, *pair) for row, pair in zip(rows, pairs, strict=True)])


SHOWN = (0, 2, -1)
TESTED = ("redundancy", "synergy")
