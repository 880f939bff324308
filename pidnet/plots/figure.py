"""Figures that notebooks show, whether pyplot has been used or not."""

from __future__ import annotations

import io

from matplotlib.axes import Axes
from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A figure that gives notebooks its picture when they ask for it."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()


def new_figure(size: tuple[float, float]) -> NotebookFigure:
    """An empty figure, in inches."""
    return NotebookFigure(figsize=size, layout="constrained")


def figure_of(ax: Axes) -> Figure:
    """The figure that holds the axes."""
    if not isinstance(ax, Axes):
        raise TypeError(f"ax is a {type(ax).__name__}; expected axes of matplotlib, or none")
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("the axes were removed from their figure; pass ax= of a figure, or none")
    return figure


def given_or_new(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    """The axes to draw in, a single new one where none are given, and their figure."""
    ax = ax if ax is not None else new_figure(size).subplots()
    return figure_of(ax), ax
