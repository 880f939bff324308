"""Stage 10: results -> one HTML page that opens offline."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pidnet.files import write_text


def write_report(
    path: str | Path,
    layers: Sequence[Mapping[str, Any]],
    budgets: Sequence[Mapping[str, Any]],
    pictures: Sequence[Path],
    settings: Mapping[str, Any],
) -> Path:
    """Write one self-contained page; returns its path.

    layers: rows of ``LayerMap.summary``. budgets: rows of figures, one a budget. pictures: PNG files that are
    embedded. settings: what made the run. Every text is escaped.
    """
    from jinja2 import Environment

    page = resources.files("pidnet.report").joinpath("page.html.j2").read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(page)
    images = {file.stem: base64.b64encode(file.read_bytes()).decode() for file in pictures}
    return write_text(
        path, template.render(layers=layers, budgets=budgets, images=images, settings=settings, cell=_cell)
    )


def _cell(value: Any) -> str:
    """A figure as people read it."""
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
