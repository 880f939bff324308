"""The figure of ``collapse_plane``."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.collapse_statistics import Rows

TITLES = {
    "mlp": "MLPs on Fashion-MNIST",
    "lenet": "LeNet on MNIST",
    "conv": "a convolutional encoder on mnist1d",
    "densenet": "DenseNet-121 on CIFAR-10",
    "dropout": "Gaussian dropout in place of a bottleneck",
    "factorial": "width, samples, label noise and weight decay",
}


def figure(rows: Rows) -> Any:
    """Sampled code, mean code, accuracy against I(X;Z|Y): brackets as lines, the trained bound as open circles."""
    from matplotlib import colormaps

    from pidnet.plots.figure import new_figure

    made = new_figure((12.5, 3.8))
    panels = made.subplots(1, 3)
    betas = sorted({row["cell"]["beta"] for row in rows})
    colors = dict(zip(betas, colormaps["viridis"](np.linspace(0, 0.95, len(betas))), strict=True))
    for row in rows:
        train, color = row["train"], colors[row["cell"]["beta"]]
        spots = [train["cdnv_sampled"], train["cdnv_mean"], row["test"]["accuracy"]]
        for panel, spot in zip(panels, spots, strict=True):
            low = max(train["given_label_low"], 1e-3)
            panel.plot([low, train["given_label_high"]], [spot, spot], color=color, linewidth=2.5)
            panel.plot(train["given_label"], spot, "o", color=color, markersize=5)
        panels[0].plot(train["bound"], spots[0], "o", markerfacecolor="none", color=color, markersize=5)
        panels[2].plot(
            train["given_label"], row["test"]["accuracy_mean"], "s", markerfacecolor="none", color=color
        )
    for beta in betas:
        panels[0].plot([], [], "o", color=colors[beta], label=f"{beta:g}")
    panels[0].legend(title="beta", fontsize=7, title_fontsize=7, frameon=False)
    titles = [
        "sampled code (open: trained bound)",
        "mean code of the same networks",
        "open: from the mean code",
    ]
    labels = ["CDNV of sampled z, train", "CDNV of the mean of z, train", "test accuracy"]
    for panel, title, label in zip(panels, titles, labels, strict=True):
        panel.set(xscale="log", xlabel="I(X;Z|Y), bits (train)", ylabel=label)
        panel.set_title(title, fontsize=9)
    for panel in panels[:2]:
        panel.set_yscale("log")
    return made


def units_figure(rows: Rows) -> Any:
    """Redundancy (upper rows) and synergy of all pairs of units of the code, at the most and the least beta."""
    from pidnet.plots.figure import new_figure

    made = new_figure((4.0 * len(rows), 7.2))
    panels = made.subplots(2, len(rows), squeeze=False)
    for line, atom in zip(panels, ("redundancy", "synergy"), strict=True):
        most = max(max(row["units"]["pairs"][atom]) for row in rows)
        for panel, row in zip(line, rows, strict=True):
            drawn = panel.imshow(_square(row["units"]["pairs"][atom]), vmin=0, vmax=most)
            panel.set_title(f"{atom}, beta {row['cell']['beta']:g}", fontsize=9)
            panel.set(xlabel="unit of the code", ylabel="unit")
        made.colorbar(drawn, ax=list(line), label="bits")
    return made


def _square(pairs: list[float]) -> np.ndarray:
    """Symmetric, nan on the diagonal."""
    units = round((1 + (1 + 8 * len(pairs)) ** 0.5) / 2)
    found = np.full((units, units), np.nan)
    found[np.triu_indices(units, 1)] = found[np.triu_indices(units, 1)[::-1]] = pairs
    return found
