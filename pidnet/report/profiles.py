"""Figures over the layers and over the budgets: what the page draws as lines and bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pidnet.energy import accuracy_energy, pareto_front
from pidnet.maps import LayerMap
from pidnet.runs import Budget

FIELDS = {"redundancy": ("redundancy",), "unique": ("unique1", "unique2"), "synergy": ("synergy",)}


def layer_profile(map: LayerMap) -> dict[str, Any]:
    """The mean of each atom over the pairs of a layer with a low and a high end, and the sampling floor, bits.

    With intervals, the ends are the mean plus and minus the mean half width of the pairs' 95 % intervals, which
    is at least as wide as the interval of the mean, however much the pairs have in common. Without, the ends
    are the quartiles of the pairs.
    """
    return {
        "layer": map.layer,
        "measure": map.measure,
        "ends": "intervals" if map.intervals else "quartiles",
        "atoms": {atom: _mean_and_ends(map, atom, names) for atom, names in FIELDS.items()},
    }


def _mean_and_ends(map: LayerMap, atom: str, names: Sequence[str]) -> dict[str, float | None]:
    values = np.concatenate([getattr(map.atoms, name) for name in names])
    mean = float(values.mean())
    if map.intervals:
        half = float(np.mean([np.diff(map.intervals[name], axis=1).mean() / 2 for name in names]))
        low, high = mean - half, mean + half
    else:
        low, high = np.quantile(values, (0.25, 0.75)).tolist()
    return {"mean": mean, "low": low, "high": high, "floor": map.floor.get(atom)}


def accuracy_curve(budgets: Sequence[Budget]) -> list[dict[str, Any]]:
    """Accuracy against modelled energy at both ends (sram, dram), the dense network first.

    Empty where an accuracy was not measured. front: whether no other network beats the point.
    """
    reports = [budget.report for budget in budgets]
    if not reports or any(report.accuracy is None for report in reports):
        return []
    curves = []
    for where in ("sram", "dram"):
        points = accuracy_energy(reports, where)
        front = set(pareto_front(points).tolist())
        curves.append(
            {
                "where": where,
                "names": ["dense", *(budget.name for budget in budgets)],
                "nanojoules": (points[:, 0] * 1e9).tolist(),
                "accuracy": points[:, 1].tolist(),
                "front": [index in front for index in range(len(points))],
            }
        )
    return curves


def energy_by_layer(budgets: Sequence[Budget]) -> list[dict[str, Any]]:
    """Modelled nanojoules of each layer that multiplies or moves weights, the dense network first."""
    if not budgets:
        return []
    dense = {"name": "dense", **_joules(budgets[0], 0)}
    return [dense, *({"name": budget.name, **_joules(budget, 1)} for budget in budgets)]


def _joules(budget: Budget, side: int) -> dict[str, list]:
    shown = [row for row in budget.report.layers if row.kind != "elementwise"]
    return {
        "layers": [row.layer or "(model)" for row in shown],
        "sram": [row.sram_joules[side] * 1e9 for row in shown],
        "dram": [row.dram_joules[side] * 1e9 for row in shown],
    }
