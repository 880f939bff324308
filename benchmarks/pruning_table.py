"""Cells of the pruning scoreboard as tables, ranks and a figure."""

from __future__ import annotations

import json
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.made_with import commit, machine
from benchmarks.pruning_nets import NETS, WITH_DECAY
from pidnet.files import replacing, write_text

# Panels of the figure in a row, and what it shows, in colors for color-blind readers: (criterion, repair).
PANELS = 4
CURVES = {
    ("pid", "reconstruct"): "black",
    ("pid", "refit"): "#0072B2",
    ("obs", "refit"): "#E69F00",
    ("graph_i_broja", "refit"): "#009E73",
    ("l2", "refit"): "#D55E00",
    ("random", "refit"): "#CC79A7",
    ("from scratch", "none"): "0.5",
}
PACKAGES = ("torch", "numpy", "scipy")
NOT_CRITERIA = ("dense", "from scratch")
REPAIRS = ("reconstruct", "refit", "fold", "none")
# What the design asks for without fine-tuning (net, cut): accuracy in %, or points below the dense network.
BARS = {
    ("cnn/digits", 0.5): "dense - 0.3",
    ("cnn/digits", 0.7): 97.0,
    ("cnn/digits", 0.9): 60.0,
    ("cnn/mnist1d", 0.5): 95.5,
    ("cnn/mnist1d", 0.7): 90.0,
    ("mlp/mnist1d", 0.7): 59.5,
    ("mlp/mnist1d", 0.9): 53.0,
    ("ffn/mnist1d", 0.7): "dense - 0.5",
}


def write_results(cells: list[dict], folder: Path) -> None:
    """pruning.json with every cell, pruning.md with the tables, pruning.png with the figure; pruning_decay likewise,
    without a figure, of the networks trained with weight decay."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {
        "machine": f"{machine()}, commit {commit()}",
        "packages": {name: version(name) for name in PACKAGES},
    }
    for name, nets, page in (("pruning", NETS, markdown), ("pruning_decay", WITH_DECAY, decay_page)):
        mine = [cell for cell in cells if cell["net"] in nets]
        if mine:
            lines = ",\n".join(map(json.dumps, mine))
            write_text(folder / f"{name}.json", f'{{"made": {json.dumps(made)},\n"cells": [\n{lines}\n]}}\n')
            write_text(folder / f"{name}.md", page(mine, made))
            print(page(mine, made))
    if any(cell["net"] in NETS for cell in cells):
        draw(cells, folder / "pruning.png")


def decay_page(cells: list[dict], made: dict) -> str:
    """The networks trained with weight decay, after a refit."""
    groups = grouped(cells)
    parts = ["# Pruning of networks trained with weight decay\n", introduction(made)]
    return "\n".join([*parts, *(table(groups, net, "refit") for net in WITH_DECAY)])


def grouped(cells: list[dict]) -> dict[tuple, dict[int, float]]:
    """(net, repair, cut, criterion) -> seed -> accuracy."""
    groups: dict[tuple, dict[int, float]] = defaultdict(dict)
    for cell in cells:
        if "accuracy" in cell:
            place = tuple(cell[name] for name in ("net", "repair", "cut", "criterion"))
            groups[place][cell["seed"]] = cell["accuracy"]
    return groups


def markdown(cells: list[dict], made: dict) -> str:
    groups = grouped(cells)
    parts = ["# Pruning scoreboard\n", introduction(made), missing(groups), mean_ranks(groups)]
    parts += [duels(groups, "refit"), duels(groups, "reconstruct"), bars(groups), worth(groups)]
    for net in (net for net in NETS if any(place[0] == net for place in groups)):
        parts += [table(groups, net, repair) for repair in REPAIRS]
    return "\n".join(part for part in parts if part)


def introduction(made: dict) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in made["packages"].items())
    return (
        "Test accuracy in %, mean ± standard deviation over paired seeds (number of seeds in brackets where it "
        "is not 5). The same share of units is cut in every hidden layer, on 1,000 calibration samples (cnn/fashion "
        "500, resnet/cifar10 256; these two are tested on 2,000 images), without fine-tuning. `pid` proposes "
        "sixteen plans, measures the divergence of the output on the calibration data and recombines the best; "
        "`obs searched` gives the baseline the same search; `pid closed form` is the ranking alone. The repair "
        "`reconstruct` ran for `pid`, `obs` and `random`, on the networks that have a table for it. "
        "Width and training of ffn/mnist1d were set by the accuracy of the dense network, when it was known that a "
        "narrower FFN (128 units, dense 91.3) loses 1.2 points at a 70 % cut. "
        f"Made by `python -m benchmarks.pruning`; {made['machine']}; {packages}.\n"
    )


def missing(groups: dict) -> str:
    """What the tables do not hold yet."""
    left = [net for net in NETS if not any(place[0] == net and place[2] > 0 for place in groups)]
    few = {len(seeds) for place, seeds in groups.items() if place[2] > 0} - {5}
    notes = [f"No cell of {', '.join(left)} has been run yet."] if left else []
    if few:
        notes.append("Not every criterion has run on all seeds: compare rows with the same number of seeds.")
    return "\n".join(notes)


def table(groups: dict, net: str, repair: str) -> str:
    """One network under one repair: criteria by cuts, the best first."""
    cuts = sorted({p[2] for p in groups if p[0] == net and p[1] == repair and p[2] > 0})
    names = ordered(p[3] for p in groups if p[0] == net and p[1] == repair and p[2] > 0)
    names = [name for name in names if name not in NOT_CRITERIA]
    if not names:
        return ""

    def mean(name: str) -> float:
        return np.mean([np.mean(list(groups.get((net, repair, cut, name), {0: 0}).values())) for cut in cuts])

    dense = groups.get((net, "none", 0.0, "dense"), {})
    lines = [f"\n## {net}, repair {repair} (dense {text(dense)})\n"]
    lines += ["| criterion | " + " | ".join(f"{cut:.0%} cut" for cut in cuts) + " |"]
    lines += ["| --- |" + " --- |" * len(cuts)]
    for name in sorted(names, key=mean, reverse=True):
        lines.append(row(name, [groups.get((net, repair, cut, name), {}) for cut in cuts]))
    scratch = [groups.get((net, "none", cut, "from scratch"), {}) for cut in cuts]
    if any(scratch):
        lines.append(row("from scratch", scratch))
    return "\n".join(lines) + "\n"


def row(name: str, values: list[dict[int, float]]) -> str:
    return f"| {name} | " + " | ".join(map(text, values)) + " |"


def text(seeds: dict[int, float]) -> str:
    if not seeds:
        return "-"
    values = np.array(list(seeds.values()))
    spread = f" ± {values.std(ddof=1):.1f}" if len(values) > 1 else ""
    return f"{values.mean():.1f}{spread}" + (f" ({len(values)})" if len(values) != 5 else "")


def mean_ranks(groups: dict) -> str:
    """Mean rank of each criterion by mean accuracy over nets and cuts, among those that ran in all of them."""
    lines = ["\n## Mean rank (1 is best)\n", "| repair | cells | ranks |", "| --- | --- | --- |"]
    for repair in REPAIRS:
        places = ordered((p[0], p[2]) for p in groups if p[1] == repair and p[2] > 0)
        places = [place for place in places if (place[0], repair, place[1], "pid") in groups]
        ran = [
            {p[3]: p for p in groups if (p[0], p[1], p[2]) == (net, repair, cut) and p[3] not in NOT_CRITERIA}
            for net, cut in places
        ]
        common = sorted(set.intersection(*map(set, ran))) if ran else []
        if len(common) > 1:
            lines.append(f"| {repair} | {len(ran)} | {ranks(groups, ran, common)} |")
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def ranks(groups: dict, ran: list[dict], common: list[str]) -> str:
    table = []
    for places in ran:
        seeds = set.intersection(*(set(groups[places[name]]) for name in common))
        table.append([-np.mean([groups[places[name]][seed] for seed in seeds]) for name in common])
    from scipy.stats import rankdata

    mean = rankdata(table, axis=1).mean(0)
    return ", ".join(f"{common[k]} {mean[k]:.2f}" for k in np.argsort(mean))


def duels(groups: dict, repair: str) -> str:
    """pid against the others under one repair: paired differences over nets, cuts and seeds."""
    lines = [f"\n## pid minus another criterion, repair {repair}\n"]
    lines.append(
        "Points of accuracy on the same network, cut and seed. Interval: 95 %, over the means of the networks "
        "(t distribution), since cuts and seeds of a network are not independent.\n"
    )
    lines += ["| criterion | mean | interval | seeds and cuts won, tied, lost |", "| --- | --- | --- | --- |"]
    for name in ordered(p[3] for p in groups if p[1] == repair):
        differences = paired(groups, name, repair)
        if name != "pid" and len(differences) > 1:
            lines.append(f"| {name} | {duel(list(differences.values()))} |")
    return "\n".join(lines) + "\n" if len(lines) > 4 else ""


def paired(groups: dict, name: str, repair: str) -> dict[str, np.ndarray]:
    """Net -> accuracy of pid minus that of another criterion, one value a cut and seed that both have."""
    found: dict[str, list[float]] = defaultdict(list)
    for net, by, cut, criterion in groups:
        other = groups.get((net, repair, cut, name), {})
        if (by, criterion) == (repair, "pid"):
            mine = groups[net, repair, cut, criterion]
            found[net] += [mine[seed] - other[seed] for seed in mine.keys() & other.keys()]
    return {net: np.array(values) for net, values in found.items() if values}


def duel(differences: list[np.ndarray]) -> str:
    """Mean, interval and outcomes of the differences, one array a network."""
    from scipy.stats import t

    means = np.array([values.mean() for values in differences])
    half = t.ppf(0.975, len(means) - 1) * means.std(ddof=1) / len(means) ** 0.5
    every = np.concatenate(differences)
    won, lost = (every > 0).sum(), (every < 0).sum()
    interval = f"{means.mean() - half:+.1f} to {means.mean() + half:+.1f}"
    return f"{means.mean():+.1f} | {interval} | {won}, {len(every) - won - lost}, {lost}"


def bars(groups: dict) -> str:
    """What the design asks of pid, and whether it is reached."""
    lines = [
        "\n## Bars\n",
        "| net, cut | bar | dense | pid, refit | met | pid, reconstruct | met |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (net, cut), bar in BARS.items():
        dense = groups.get((net, "none", 0.0, "dense"))
        if dense:
            whole = np.mean(list(dense.values()))
            least = bar if isinstance(bar, float) else whole - float(bar.split()[-1])
            reached = [groups.get((net, repair, cut, "pid"), {}) for repair in ("refit", "reconstruct")]
            verdicts = "".join(met(seeds, least) for seeds in reached)
            lines.append(row(f"{net}, {cut:.0%} | {bar}", [dense]) + verdicts)
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def met(seeds: dict[int, float], least: float) -> str:
    """Two columns of the bars."""
    if not seeds:
        return " - | - |"
    value = np.mean(list(seeds.values()))
    return f" {text(seeds)} | {'yes' if value >= least else f'no, by {least - value:.2f}'} |"


def worth(groups: dict) -> str:
    """pid under every repair, beside training from scratch."""
    lines = [
        "\n## What a repair is worth: pid\n",
        "| net | cut | " + " | ".join(reversed(REPAIRS)) + " | from scratch | dense |",
        "| --- |" + " --- |" * (len(REPAIRS) + 3),
    ]
    for net, cut in ordered((p[0], p[2]) for p in sorted(groups, key=str) if p[1] == "reconstruct"):
        cells = [groups.get((net, repair, cut, "pid"), {}) for repair in reversed(REPAIRS)]
        cells += [
            groups.get((net, "none", cut, "from scratch"), {}),
            groups.get((net, "none", 0.0, "dense"), {}),
        ]
        lines.append(row(f"{net} | {cut:.0%}", cells))
    return "\n".join(lines) + "\n" if len(lines) > 3 else ""


def draw(cells: list[dict], path: Path) -> None:
    """Accuracy against modelled energy, mean and spread over seeds, one panel a net."""
    from matplotlib.figure import Figure

    ran = {cell["net"] for cell in cells if cell["cut"] > 0 and cell["repair"] == "refit"}
    nets = [net for net in NETS if net in ran]
    rows = max(1, -(-len(nets) // PANELS))
    figure = Figure(figsize=(3.6 * min(PANELS, max(1, len(nets))), 3.2 * rows), layout="constrained")
    for index, net in enumerate(nets):
        axes = figure.add_subplot(rows, min(PANELS, len(nets)), index + 1)
        draw_net(axes, [cell for cell in cells if cell["net"] == net and "joules" in cell])
        axes.set(title=net, xlabel="modelled energy / dense", ylabel="test accuracy, %")
    if nets:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=8, frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110)


def draw_net(axes, cells: list[dict]) -> None:
    """One curve a criterion and repair, and the dense accuracy as a line."""
    whole = [cell for cell in cells if cell["criterion"] == "dense"]
    dense = np.mean([cell["joules"] for cell in whole])
    axes.axhline(np.mean([cell["accuracy"] for cell in whole]), color="0.5", linestyle=":", label="dense")
    for (name, repair), color in CURVES.items():
        found: dict[float, list[dict]] = defaultdict(list)
        for cell in cells:
            if (cell["criterion"], cell["repair"]) == (name, repair):
                found[cell["cut"]].append(cell)
        points = [found[cut] for cut in sorted(found)]
        energy = [np.mean([cell["joules"] for cell in point]) / dense for point in points]
        values = [[cell["accuracy"] for cell in point] for point in points]
        mean, spread = [np.mean(v) for v in values], [np.std(v) for v in values]
        label = name if repair in ("refit", "none") else f"{name}, {repair}"
        axes.errorbar(energy, mean, spread, color=color, label=label, capsize=2, marker="o", markersize=3)


def ordered(values) -> list:
    return list(dict.fromkeys(values))
