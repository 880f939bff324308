"""Arms of the training benchmark: penalties and decay, cut in one shot. Strengths are chosen on a split of the training
data: an arm ``validation: ...`` trains on four of five samples and looks at the fifth ones, and at nothing else."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from scipy import stats

from benchmarks.training_nets import Bench, dropping
from benchmarks.training_table import by_arm, markdown, of_group, paired, spread
from pidnet.datasets.named import Samples
from pidnet.training import PENALTIES, train
from pidnet.training.cutting import cut_counted

Arm = Callable[[Bench], dict]
KEEPS = (0.1, 0.3)
DROPOUT = "dropout"  # no penalty: its weight is the rate
# Penalty, its weight, and the decay; the first is the training that all others are compared with.
STRENGTHS = [
    ("", 0.0, 0.0),
    ("", 0.0, 1.0),
    ("", 0.0, 3.0),
    ("foldable", 10.0, 1.0),
    ("foldable", 3.0, 1.0),
    ("foldable", 3.0, 3.0),
    ("foldable", 3.0, 0.0),
    ("foldable", 10.0, 0.0),
    ("foldable", 1.0, 0.0),
    ("foldable", 1.0, 1.0),
    ("ordered", 1.0, 0.0),
    ("ordered", 1.0, 1.0),
    ("group_lasso", 0.01, 0.0),
    ("slimming", 1e-3, 0.0),
    ("low_rank", 0.1, 0.0),
    ("decorrelated", 0.03, 0.0),
    ("growing_l2", 1.0, 0.0),
    (DROPOUT, 0.3, 0.0),
    (DROPOUT, 0.3, 1.0),
]


def arm(bench: Bench, penalty: str, weight: float, decay: float, *, held_out: bool) -> dict:
    """Train with it, cut to both widths in closed form with a refit, train nothing afterwards."""
    bench = split(bench) if held_out else bench
    model, found, options = bench.untrained(), {}, {"decay": decay, **bench.options}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if penalty not in ("", DROPOUT):
            with PENALTIES[penalty](model, weight=weight, layers=bench.net.layers) as term:
                train(model, *bench.data, penalty=term, **options)
            found = {"overhead": round(term.overhead, 4)}
        else:
            with dropping(model, weight) if penalty else nullcontext():
                train(model, *bench.data, **options)
    found["collapsed"] = any("collapses" in str(one.message) for one in caught)
    for keep in KEEPS:
        small = cut_counted(model, bench.calibration(), keep, layers=bench.net.layers).model
        found[f"keep {keep:g}"] = bench.test(small)
    trained = replace(bench.samples, x_test=bench.samples.x_train, y_test=bench.samples.y_train)
    return {
        "accuracy": bench.test(model),
        "training accuracy": replace(bench, samples=trained).test(model),
        **found,
    }


def split(bench: Bench) -> Bench:
    """Four of five training samples to train on, and the fifth ones in the place of the test samples."""
    x, y = bench.data
    held = torch.arange(len(y)) % 5 == 4
    return replace(bench, samples=Samples(x[~held], y[~held], x[held], y[held]))


def label(penalty: str, weight: float, decay: float) -> str:
    parts = [f"{penalty} {weight:g}" if penalty else "", f"decay {decay:g}" if decay else ""]
    return " + ".join(part for part in parts if part) or "plain"


ARMS: dict[str, Arm] = {
    prefix + label(*strength): partial(
        arm, penalty=strength[0], weight=strength[1], decay=strength[2], held_out=bool(prefix)
    )
    for prefix in ("", "validation: ")
    for strength in STRENGTHS
}


def takes(arm: str, net: str) -> bool:
    """Slimming is a penalty on norms, which only the convolutional network has."""
    return "slimming" not in arm or net.startswith("cnn")


def tables(cells: list[dict]) -> list[str]:
    """Every strength of a network, with what validation says of it."""
    mine = of_group(cells, "penalties")
    return [part for net in dict.fromkeys(cell["net"] for cell in mine) for part in _table(mine, net)]


def _table(cells: list[dict], net: str) -> list[str]:
    cells = [cell for cell in cells if cell["net"] == net]
    figures = ("accuracy", *(f"keep {keep:g}" for keep in KEEPS))
    found = {figure: by_arm(cells, figure) for figure in (*figures, "overhead", "collapsed")}
    rows = []
    for name in (name for name in found["accuracy"] if not name.startswith("validation")):
        held = [found[figure].get(f"validation: {name}", {}).values() for figure in figures[:2]]
        shown = [spread(found[figure][name].values()) for figure in figures]
        differences = [paired(found[figure][name], found[figure].get("plain", {})) for figure in figures]
        rows.append(
            (
                name,
                str(len(found["accuracy"][name])),
                *(f"{value} ({difference})" for value, difference in zip(shown, differences, strict=True)),
                " / ".join(spread(values) for values in held),
                f"{np.mean(list(found['overhead'].get(name, {0: 0}).values())):.0%}",
                f"{sum(found['collapsed'][name].values())}",
            )
        )
    heads = ["training", "seeds", "dense (- plain)", *(f"keep {keep:g} (- plain)" for keep in KEEPS)]
    heads += ["validation: dense / keep 0.1", "MACs of the penalty", "warned"]
    return [
        f"## {net}: penalties, cut in one shot\n",
        "Closed form and refit, nothing trained afterwards. The validation column is of networks trained on four of five "
        "training samples, at the fifth ones: a strength is to be chosen by it and not by the columns before it.\n",
        markdown(heads, rows),
        _against_decay(found),
    ]


def _against_decay(found: dict[str, dict[str, dict[int, float]]]) -> str:
    """What each training brings over decay alone, of the strengths of decay that ran, with 95 % intervals."""
    alone = [name for name in found["accuracy"] if name.startswith("decay ")]
    rows = []
    for name in found["accuracy"]:
        if "+ decay" in name and not name.startswith("validation"):
            for other in alone:
                dense, cut = (
                    [
                        found[figure][name][seed] - found[figure][other][seed]
                        for seed in _both(found, name, other)
                    ]
                    for figure in ("accuracy", f"keep {KEEPS[0]:g}")
                )
                if len(dense) > 1:
                    both = [a + b for a, b in zip(dense, cut, strict=True)]
                    rows.append((name, other, str(len(dense)), *map(_interval, (dense, cut, both))))
    if not rows:
        return ""
    heads = ["training", "against", "seeds", "dense", f"keep {KEEPS[0]:g}", "both together"]
    return "Paired differences to decay alone, with 95 % intervals (Student's t over seeds):\n\n" + markdown(
        heads, rows
    )


def _both(found: dict, name: str, other: str) -> list[int]:
    return sorted(found["accuracy"][name].keys() & found["accuracy"][other].keys())


def _interval(values: list[float]) -> str:
    half = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values)
    return f"{np.mean(values):.1f} [{np.mean(values) - half:.1f}, {np.mean(values) + half:.1f}]".replace(
        "-0.0", "0.0"
    )
