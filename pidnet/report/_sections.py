"""What the page shows beside maps and budgets: codes by class, information plane, collapse, training, loss curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from pidnet.codes import Codes
from pidnet.planes import Plane
from pidnet.planes.collapse import SCALARS
from pidnet.report._encoding import deflate
from pidnet.runs import Run, StoredBudget

MOST_LEVELS = 16  # a square for each pair of levels
MOST_CODES = 20_000_000  # samples x units of a layer that a page carries
MOST_ROWS = 300  # of a table of a training


def codes_by_class(codes: Codes | None, layers: Sequence[str]) -> dict[str, Any] | None:
    """Codes of the mapped layers, a row per unit and a byte per sample, with the class of each sample (two bytes).

    Layers with more than 16 levels, or too large for a page, are left out; None where nothing is left.
    """
    if codes is None or codes.levels > MOST_LEVELS:
        return None
    shown = {
        name: layer.values.numpy()
        for name, layer in codes.layers.items()
        if name in layers and layer.values.numel() <= MOST_CODES
    }
    if not shown:
        return None
    return {
        "classes": [str(name) for name in codes.classes],
        "target": deflate(codes.target.numpy().astype("<u2").tobytes()),
        "levels": codes.levels,
        "layers": {name: deflate(np.ascontiguousarray(values.T).tobytes()) for name, values in shown.items()},
    }


def plane_figure(plane: Plane | None) -> dict[str, Any] | None:
    """Ends of both brackets for each layer and split that has them; None where no layer has."""
    if plane is None:
        return None
    ends = [[row.information[quantity] for quantity in ("I(X;T)", "I(T;Y)")] for row in plane.rows]
    finite = [
        {"layer": row.layer, "split": row.split, "x": [x.low, x.high], "y": [y.low, y.high]}
        for row, (x, y) in zip(plane.rows, ends, strict=True)
        if math.isfinite(x.high) and math.isfinite(y.high)
    ]
    return {"rows": finite, "left_out": len(ends) - len(finite)} if finite else None


def other_network(run: Run) -> str:
    """The network of the plane, where it is another than that of the maps and the plans; else empty."""
    if run.sections.plane is None:
        return ""
    if named := run.sections.plane.settings.get("network"):
        return str(named)
    loaded = {
        command: (settings["model"], settings.get("weights"))
        for command, settings in run.settings.items()
        if "model" in settings
    }
    own = loaded.pop("plane", None)
    if own is None or not loaded or own in loaded.values():
        return ""
    return f"{own[0]} with the weights {own[1]}" if own[1] else own[0]


def collapse_rows(run: Run) -> list[dict[str, Any]]:
    """One row per layer, of the numbers that some layer has."""
    layers = run.sections.collapse
    known = [
        name for name in SCALARS if not all(math.isnan(getattr(found, name)) for found in layers.values())
    ]
    return [
        {"layer": layer, **{name: getattr(found, name) for name in known}} for layer, found in layers.items()
    ]


def collapse_notes(run: Run) -> dict[str, list[str]]:
    """What one should hear before using the numbers: note -> its layers."""
    notes: dict[str, list[str]] = {}
    for layer, found in run.sections.collapse.items():
        for note in found.notes:
            notes.setdefault(note, []).append(layer)
    return notes


def training_rows(run: Run) -> list[dict[str, Any]]:
    """The rows of a training for a table; the last ones where there are many."""
    return run.sections.training[-MOST_ROWS:]


def loss_curves(budgets: Sequence[StoredBudget]) -> list[dict[str, Any]]:
    """Of each budget whose widths follow measured curves: layer -> shares that stay and bits lost, from few units to all.

    chosen: the share that the plan keeps, and the bits there on the line between what was measured.
    """
    return [
        {
            "name": budget.name,
            "layers": {
                layer: _loss_curve(points, len(budget.plan.kept[layer]), budget.plan.units[layer])
                for layer, points in budget.plan.curves.items()
            },
        }
        for budget in budgets
        if budget.plan.curves
    ]


def _loss_curve(points: Sequence[tuple[int, float]], kept: int, units: int) -> dict[str, list[float]]:
    widths, bits = np.array(sorted(points)).T
    return {
        "share": (widths / units).tolist(),
        "bits": bits.tolist(),
        "chosen": [kept / units, float(np.interp(kept, widths, bits))],
    }
