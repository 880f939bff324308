"""Decompositions as stacked bars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pidnet.plots._drawable import check_drawable
from pidnet.plots.styles import ATOM_COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Decomposed(Protocol):
    """What is drawn of ``Atoms``."""

    @property
    def redundancy(self) -> np.ndarray: ...
    @property
    def unique1(self) -> np.ndarray: ...
    @property
    def unique2(self) -> np.ndarray: ...
    @property
    def synergy(self) -> np.ndarray: ...


def plot_atoms(atoms: Mapping[str, Decomposed], ax: Axes | None = None) -> Figure:
    """A stacked bar for each named decomposition, bits; negative atoms hang below 0.

    Parameters
    ----------
    atoms : mapping of str to Atoms
        Name -> what ``decompose`` returned; the bars are means over its pairs.
    ax : Axes, optional
        Where to draw.

    Returns
    -------
    Figure
        The bar above 0 less the bar below it is I(Y;X1X2), marked by a line.

    Raises
    ------
    TypeError
        For what has not the attributes that are drawn.
    ValueError
        Without any name.

    Examples
    --------
    >>> import numpy as np, pidnet as pn
    >>> p = np.random.default_rng(0).dirichlet(np.ones(8)).reshape(2, 2, 2)
    >>> figure = pn.plots.plot_atoms({name: pn.decompose(p, name) for name in ("i_min", "i_broja")})
    >>> [text.get_text() for text in figure.axes[0].get_xticklabels()]
    ['i_min', 'i_broja']
    """
    from pidnet.plots.figure import given_or_new

    if not isinstance(atoms, Mapping):
        raise TypeError(
            f"a {type(atoms).__name__} cannot be drawn; expected a mapping from names to Atoms, from decompose"
        )
    for found in atoms.values():
        check_drawable(found, Decomposed, "Atoms, from decompose")
    if not atoms:
        raise ValueError("no atoms to draw; expected a mapping from names to what decompose returned")
    figure, ax = given_or_new(ax, (max(3.6, 1.6 + 0.8 * len(atoms)), 3.2))
    place = np.arange(len(atoms))
    above, below = np.zeros(len(atoms)), np.zeros(len(atoms))
    for name, color in ATOM_COLORS.items():
        bits = np.array([float(getattr(found, name).mean()) for found in atoms.values()])
        ax.bar(place, bits, bottom=np.where(bits >= 0, above, below), color=color, label=name)
        above, below = above + bits.clip(min=0), below + bits.clip(max=0)
    ax.hlines(above + below, place - 0.45, place + 0.45, color="black", linewidth=1.5, label="I(Y;X1X2)")
    ax.axhline(0, color="0.6", linewidth=0.8)
    ax.set_ylabel("bits")
    long = max(len(line) for name in atoms for line in name.split("\n")) > 9
    ax.set_xticks(place, list(atoms), rotation=30 if long else 0, ha="right" if long else "center")
    ax.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
