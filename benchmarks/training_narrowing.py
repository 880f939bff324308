"""Arms of the training benchmark: dense and one-shot with decay, cutting in mid-training, fresh small networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.training_nets import Bench
from benchmarks.training_table import by_arm, markdown, of_group, paired, spread
from pidnet.training import train_narrowing
from pidnet.training.cutting import cut_counted

Arm = Callable[[Bench], dict]
DECAYS = (0.0, 1.0, 3.0)
KEEP = 0.1


def dense(bench: Bench, decay: float) -> dict:
    return bench.figures(bench.dense(decay), 1.0)


def one_shot(bench: Bench, decay: float, keep: float) -> dict:
    """Closed form and refit on 1,000 samples, nothing trained afterwards."""
    cut = cut_counted(bench.dense(decay), bench.calibration(), keep, layers=bench.net.layers)
    return bench.figures(cut.model, 1 + cut.macs / bench.dense_macs)


def narrowing(bench: Bench, decay: tuple[float, float], keep: float = KEEP, **options) -> dict:
    found = train_narrowing(
        bench.untrained(), bench.data, keep, decay=decay, layers=bench.net.layers, **bench.options | options
    )
    joules = {f"joules {where}": round(found.joules(where).kept, 4) for where in ("sram", "dram")}
    return bench.figures(found.model, found.macs.kept, **joules)


def longer(bench: Bench, cut: float, times: float, decay: tuple[float, float], **options) -> dict:
    """After the cut as many epochs as the dense network gets in all, times a factor."""
    return narrowing(bench, decay, cuts=(cut,), last=round(times * bench.net.epochs), **options)


def fresh(bench: Bench, times: float, decay: float, keep: float = KEEP) -> dict:
    """A small network from the start, with so many times the epochs."""
    model = bench.untrained(bench.widths(keep), bench.seed + 100)
    return bench.figures(bench.train(model, decay, times), bench.energy(model, times))


def pair(decay: tuple[float, float]) -> str:
    return " then ".join(f"{one:g}" for one in decay)


ARMS: dict[str, Arm] = {f"dense, decay {decay:g}": partial(dense, decay=decay) for decay in DECAYS}
ARMS |= {
    f"one-shot, decay {decay:g}, keep {keep:g}": partial(one_shot, decay=decay, keep=keep)
    for keep in (KEEP, 0.3)
    for decay in DECAYS
}
ARMS |= {
    f"narrowing, cut at {cut}, then {times:g} x the epochs, decay {pair(decay)}": partial(
        longer, cut=cut, times=times, decay=decay
    )
    for cut, times, decay in (
        (0.42, 2.3, (1.0, 1.0)),
        (0.42, 2.3, (1.0, 0.3)),
        (0.42, 2.3, (0.0, 0.3)),
        (0.33, 4.0, (1.0, 1.0)),
        (0.25, 5.0, (1.0, 1.0)),
        (0.5, 2.3, (1.0, 1.0)),
    )
}
ARMS |= {
    f"narrowing, cut at 0.42, then 2.3 x the epochs, calibration 250, decay {pair(decay)}": partial(
        longer, cut=0.42, times=2.3, decay=decay, calibration=250
    )
    for decay in ((1.0, 1.0), (0.0, 0.0))
}
ARMS |= {
    f"narrowing, cut at {cut}, decay {pair(decay)}": partial(narrowing, decay=decay, cuts=(float(cut),))
    for cut, decay in (
        ("0.46", (1.0, 1.0)),
        ("0.5", (1.0, 1.0)),
        ("0.5", (0.0, 0.0)),
        ("0.5", (0.0, 0.3)),
        ("0.5", (1.0, 0.3)),
        ("0.5", (3.0, 0.3)),
        ("0.5", (3.0, 1.0)),
        ("0.5", (3.0, 3.0)),
        ("0.46", (0.0, 0.3)),
        ("0.375", (1.0, 1.0)),
        ("0.25", (1.0, 1.0)),
        ("0.25", (0.0, 0.3)),
        ("0.75", (1.0, 1.0)),
    )
}
ARMS |= {
    f"narrowing, cut at the moment found, decay {pair(decay)}": partial(narrowing, decay=decay, cuts="auto")
    for decay in ((1.0, 1.0), (0.0, 0.3))
}
ARMS |= {
    f"fresh, {times:g} x the epochs, decay {decay:g}": partial(fresh, times=times, decay=decay)
    for times in (1, 5, 20)
    for decay in (0.0, 0.3, 1.0)
}
ARMS |= {
    f"narrowing, {criterion} and {repair} at 0.5, decay 1 then 1": partial(
        narrowing, decay=(1.0, 1.0), criterion=criterion, repair=repair
    )
    for criterion, repair in (
        ("random", "refit"),
        ("obs", "refit"),
        ("l2", "refit"),
        ("pid", "none"),
        ("random", "none"),
    )
}
ARMS |= {
    f"narrowing, cuts at {text}, decay 1 then 1": partial(narrowing, decay=(1.0, 1.0), cuts=cuts)
    for text, cuts in (("1/4 and 1/2", (0.25, 0.5)), ("1/6, 1/3 and 1/2", (1 / 6, 1 / 3, 1 / 2)))
}
ARMS |= {
    f"narrowing, calibration {number}, decay 1 then 1": partial(
        narrowing, decay=(1.0, 1.0), calibration=number
    )
    for number in (250, 1000)
}
ARMS |= {
    "narrowing, keep 0.3, decay 1 then 1": partial(narrowing, decay=(1.0, 1.0), keep=0.3),
    "narrowing, keep 0.3, decay 0 then 0.3": partial(narrowing, decay=(0.0, 0.3), keep=0.3),
    "fresh, keep 0.3, 5 x the epochs, decay 0.3": partial(fresh, times=5, decay=0.3, keep=0.3),
}


def tables(cells: list[dict]) -> list[str]:
    """Every arm of a network by its accuracy, with its energy, and the bars."""
    mine = of_group(cells, "cutting")
    return [part for net in dict.fromkeys(cell["net"] for cell in mine) for part in _table(mine, net)]


def _table(cells: list[dict], net: str) -> list[str]:
    mine = [cell for cell in cells if cell["net"] == net]
    accuracy, energy = by_arm(mine, "accuracy"), by_arm(mine, "energy")
    plain = accuracy.get("dense, decay 0", {})
    rows = [
        (
            arm,
            spread(seeds.values()),
            str(len(seeds)),
            f"{np.mean(list(energy[arm].values())):.3f}",
            paired(seeds, plain),
        )
        for arm, seeds in sorted(accuracy.items(), key=lambda item: -np.mean(list(item[1].values())))
    ]
    heads = ["training, a tenth of the units where nothing is said", "accuracy", "seeds", "energy", "- dense"]
    return [f"## {net}: cutting in mid-training\n", markdown(heads, rows), *_duel(accuracy, energy, net)]


def _duel(accuracy: dict, energy: dict, net: str) -> list[str]:
    """The best narrowing and the best fresh network at the same energy, and whether the bars are reached."""

    def best(prefix: str, most: float) -> str:
        arms = [arm for arm in accuracy if arm.startswith(prefix) and "keep 0.3" not in arm]
        arms = [arm for arm in arms if np.mean(list(energy[arm].values())) <= most]
        return max(arms, key=lambda arm: np.mean(list(accuracy[arm].values())), default="")

    lines = []
    for most in (0.52, 0.6):
        mine, other = best("narrowing", most), best("fresh", most)
        if mine and other:
            lines.append(
                f"At an energy of at most {most:g} the best narrowing is `{mine}` with "
                f"{spread(accuracy[mine].values())}, the best fresh network `{other}` with "
                f"{spread(accuracy[other].values())}; paired difference {paired(accuracy[mine], accuracy[other])}."
            )
    return ["\n".join(lines) + "\n"] if lines else []
