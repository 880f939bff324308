"""Figures over the layers and over the budgets: what the page draws as lines and bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pidnet.energy import accuracy_energy, pareto_front
from pidnet.maps import LayerMap
from pidnet.maps.profiles import ATOMS, profile
from pidnet.runs import StoredBudget


def layer_profile(maps: Sequence[LayerMap]) -> dict[str, Any]:
    """Shares of redundancy, unique information and synergy of the layers by one measure, as ``profile`` gives them.

    noise_floor: as a share of the mean I(Y;X1X2); None where the maps have none.
    """
    made = profile({layer_map.layer: layer_map for layer_map in maps})
    atoms = {
        atom: {
            "share": made.shares[atom].tolist(),
            "low": made.low[atom].tolist(),
            "high": made.high[atom].tolist(),
            "noise_floor": [None if np.isnan(share) else float(share) for share in made.noise_floor[atom]],
        }
        for atom in ATOMS
    }
    return {"measure": made.measure, "layers": made.layers, "interval": made.interval, "atoms": atoms}


def accuracy_curve(budgets: Sequence[StoredBudget]) -> list[dict[str, Any]]:
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


def energy_by_layer(budgets: Sequence[StoredBudget]) -> list[dict[str, Any]]:
    """Modelled nanojoules of each layer that multiplies or moves weights, the dense network first."""
    if not budgets:
        return []
    dense = {"name": "dense", **_joules(budgets[0], 0)}
    return [dense, *({"name": budget.name, **_joules(budget, 1)} for budget in budgets)]


def _joules(budget: StoredBudget, side: int) -> dict[str, list]:
    shown = [row for row in budget.report.layers if row.kind != "elementwise"]
    return {
        "layers": [row.layer or "(model)" for row in shown],
        "sram": [row.sram_joules[side] * 1e9 for row in shown],
        "dram": [row.dram_joules[side] * 1e9 for row in shown],
    }
