"""Figures that notebooks show, whether pyplot has been used or not."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class Shown(Figure):
    """A figure that says itself how it looks, for notebooks that ask."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()
