"""Shares of the atoms over depth and over training, and means at other settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pidnet.plots._drawable import check_drawable
from pidnet.plots.styles import STYLES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHARE = "share of I(Y;X1X2)"
WITH_INTERVALS = 4
LAYER_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#000000")


class Profiled(Protocol):
    """What is drawn of a ``Profile``."""

    @property
    def layers(self) -> Sequence[str]: ...
    @property
    def shares(self) -> Mapping[str, np.ndarray]: ...
    @property
    def low(self) -> Mapping[str, np.ndarray]: ...
    @property
    def high(self) -> Mapping[str, np.ndarray]: ...
    @property
    def noise_floor(self) -> Mapping[str, np.ndarray]: ...
    @property
    def pair_information(self) -> np.ndarray: ...
    @property
    def interval(self) -> str: ...
    @property
    def measure(self) -> str: ...


class Recorded(Protocol):
    """What is drawn of a ``Recorder``."""

    @property
    def steps(self) -> Sequence[int]: ...
    @property
    def profiles(self) -> Sequence[Profiled]: ...


class Tried(Protocol):
    """What is drawn of a ``Sensitivity``."""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def layers(self) -> Sequence[str]: ...
    @property
    def measure(self) -> str: ...


def plot_profile(profile: Profiled, ax: Axes | None = None) -> Figure:
    """Shares of redundancy, unique information and synergy over depth, with their intervals.

    Parameters
    ----------
    profile : Profile
        What ``profile`` returned.
    ax : Axes, optional
        Where to draw the shares; a new figure has the information of a pair, in bits, below them.

    Returns
    -------
    Figure
        Bands are the intervals of the profile, dotted lines its noise floor.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (200, 4), generator=torch.Generator().manual_seed(0))
    >>> acts = pn.Activations({"fc1": x.float()}, x[:, 0] ^ x[:, 1], {"fc1": "none"})
    >>> figure = plot_profile(pn.profile(pn.layer_maps(pn.quantize(acts, 2), "i_min")))
    >>> figure.axes[0].get_title()
    'i_min, 95 % over units'
    """
    from pidnet.plots.figure import figure_of, new_figure

    check_drawable(profile, Profiled, "a Profile, from profile")
    if ax is not None:
        _draw_shares(ax, profile)
        _name_layers(ax, profile.layers)
        return figure_of(ax)
    figure = new_figure((max(6.0, 2.5 + 0.4 * len(profile.layers)), 4.6))
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    _draw_shares(upper, profile)
    lower.bar(np.arange(len(profile.layers)), profile.pair_information, color="0.5")
    lower.set_ylabel("bits per pair")
    _name_layers(lower, profile.layers)
    return figure


def plot_training(recorder: Recorded, ax: Sequence[Axes] | None = None) -> Figure:
    """How the shares of each layer move over training: a panel for each atom, lighter lines for deeper layers.

    Parameters
    ----------
    recorder : Recorder
        With the steps and profiles of a training.
    ax : sequence of three Axes, optional
        Where to draw redundancy, unique information and synergy.

    Returns
    -------
    Figure
        Up to 4 layers are drawn with their intervals.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (200, 4), generator=torch.Generator().manual_seed(0))
    >>> acts = pn.Activations({"fc1": x.float()}, x[:, 0] ^ x[:, 1], {"fc1": "none"})
    >>> profile = pn.profile(pn.layer_maps(pn.quantize(acts, 2), "i_min"))
    >>> recorder = pn.Recorder((x, x[:, 0]))
    >>> recorder.steps, recorder.profiles = [1, 2], [profile, profile]
    >>> [axes.get_title() for axes in plot_training(recorder).axes]
    ['redundancy', 'unique_sum', 'synergy']
    """
    from matplotlib import colormaps

    from pidnet.plots.figure import new_figure

    check_drawable(recorder, Recorded, "a Recorder after a training")
    panels: Any = ax
    if ax is None:
        panels = new_figure((9.6, 3.2)).subplots(1, len(STYLES), sharex=True, sharey=True)
    layers = list(dict.fromkeys(layer for made in recorder.profiles for layer in made.layers))
    colors = colormaps["viridis"](np.linspace(0, 0.9, len(layers)))
    for panel, atom in zip(panels, STYLES, strict=True):
        for k, layer in enumerate(layers):
            share, low, high = _course(recorder.profiles, atom, layer)
            panel.plot(recorder.steps, share, color=colors[k], label=layer)
            if len(layers) <= WITH_INTERVALS:
                panel.fill_between(recorder.steps, low, high, color=colors[k], alpha=0.15, linewidth=0)
        panel.set(title=atom, xlabel="epoch")
    panels[0].set_ylabel(SHARE)
    panels[-1].legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    return panels[0].figure


def plot_sensitivity(found: Tried, atom: str = "redundancy", ax: Axes | None = None) -> Figure:
    """The mean of one atom in each layer at every setting that was tried.

    Parameters
    ----------
    found : Sensitivity
        What ``sensitivity`` returned.
    atom : str
        "redundancy", "unique_mean" or "synergy".
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        Dots in bits; short lines are the noise floor. A conclusion about layers holds where the dots keep their order.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.

    Examples
    --------
    >>> import torch, pidnet as pn
    >>> x = torch.randint(2, (200, 4), generator=torch.Generator().manual_seed(0))
    >>> acts = pn.Activations({"fc1": x.float()}, x[:, 0] ^ x[:, 1], {"fc1": "none"})
    >>> figure = plot_sensitivity(pn.sensitivity(acts, "i_min", levels=(2, 3), shares=()), "synergy")
    >>> figure.axes[0].get_ylabel()
    'mean synergy, bits'
    """
    from pidnet.plots.figure import given_or_new

    check_drawable(found, Tried, "a Sensitivity, from sensitivity")
    first = [row for row in found.rows if row["layer"] == found.layers[0]]
    figure, ax = given_or_new(ax, (max(4.0, 1.5 + 0.8 * len(first)), 3.2))
    for k, layer in enumerate(found.layers):
        rows = [row for row in found.rows if row["layer"] == layer]
        color, place = LAYER_COLORS[k % len(LAYER_COLORS)], np.arange(len(rows))
        ax.plot(place, [row[atom] for row in rows], "o", color=color, label=layer)
        ax.plot(place, [row[f"{atom}_noise_floor"] for row in rows], "_", color=color, markersize=14)
    ax.set_xticks(
        range(len(first)), [f"{row['levels']} levels\n{row['samples']}" for row in first], fontsize=8
    )
    ax.set(ylabel=f"mean {atom}, bits", title=f"{found.measure}: levels and samples")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def _draw_shares(ax: Axes, profile: Profiled) -> None:
    depth = np.arange(len(profile.layers))
    for atom, (color, marker) in STYLES.items():
        ax.plot(depth, profile.shares[atom], color=color, marker=marker, label=atom)
        ax.fill_between(depth, profile.low[atom], profile.high[atom], color=color, alpha=0.2, linewidth=0)
    for atom, (color, _) in STYLES.items():
        ax.plot(depth, profile.noise_floor[atom], color=color, linestyle=":", label="_noise floor")
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.set(ylabel=SHARE, title=f"{profile.measure}, 95 % over {profile.interval}")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def _name_layers(ax: Axes, layers: Sequence[str]) -> None:
    ax.set_xticks(np.arange(len(layers)), layers, rotation=45, ha="right", fontsize=8)


def _course(profiles: Sequence[Profiled], atom: str, layer: str) -> np.ndarray:
    """Share, low and high of one atom of one layer over the steps, (3, step); nan where it had no map."""
    ends = np.full((3, len(profiles)), np.nan)
    for step, made in enumerate(profiles):
        if layer in made.layers:
            place = list(made.layers).index(layer)
            ends[:, step] = [part[atom][place] for part in (made.shares, made.low, made.high)]
    return ends
