"""The main job on scikit-learn's digits: from a trained network to a smaller one and the energy it saves."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pidnet import __version__, data, zoo
from pidnet.activations import capture
from pidnet.energy import EnergyReport, compare_energy
from pidnet.files import replacing, write_text
from pidnet.graph import redundancy_graph, save_graph
from pidnet.maps import LayerMap, layer_maps
from pidnet.plots import plot_graph, plot_map
from pidnet.pruning import PruningPlan, apply_plan, plan_pruning, save_pruned
from pidnet.quantization import quantize, zero_level
from pidnet.report import write_report

WIDTHS = (256, 256)
MEASURES = ("i_min", "i_mmi")
GRAPH_MEASURE = "i_min"
BUDGETS = (0.5, 0.25, 0.1)
CALIBRATION = 1000


@dataclass(frozen=True, eq=False)
class Pruned:
    """One budget carried out."""

    keep: float
    plan: PruningPlan
    model: nn.Module
    report: EnergyReport

    def row(self, side: int = 1) -> dict[str, Any]:
        """The figures that people compare, of the pruned network, or of the dense one (side 0)."""
        report = self.report
        return {
            "units kept": self.keep if side else 1.0,
            "accuracy": report.accuracy[side] if report.accuracy else float("nan"),
            "parameters": report.parameters[side],
            "MACs": report.macs[side],
            "modelled nJ (SRAM)": report.energy[0].joules[side] * 1e9,
            "modelled nJ (DRAM)": report.energy[1].joules[side] * 1e9,
        }


@dataclass(frozen=True, eq=False)
class Demo:
    """Everything the demo found, and the folder where it stands."""

    folder: Path
    maps: list[LayerMap]
    pruned: list[Pruned]

    def rows(self) -> list[dict[str, Any]]:
        """The dense network and each budget, one row each."""
        return [self.pruned[0].row(0), *(pruned.row() for pruned in self.pruned)]


def run_demo(
    folder: str | Path = "runs/demo",
    *,
    criterion: str = "graph_i_min",
    seed: int = 0,
    tell: Callable[[str], None] = lambda step: None,
) -> Demo:
    """Train or load an MLP, map it, draw its redundancy graph, prune it at three budgets, write it all down.

    folder: where the results go. criterion: how the plan chooses units. tell: called with each step in words.
    """
    folder = Path(folder)
    samples = data.load("digits")
    dense = _trained(folder, samples, seed, tell)
    calibration = samples.x_train[:CALIBRATION], samples.y_train[:CALIBRATION]
    tell(f"capturing {CALIBRATION} samples and mapping all pairs of units")
    hidden = [f"fc{depth + 1}" for depth in range(len(WIDTHS))]
    codes = quantize(capture(dense, calibration, hidden), how=zero_level)
    maps = [map for measure in MEASURES for map in layer_maps(codes, measure).values()]
    pruned = []
    for keep in BUDGETS:
        tell(f"pruning to {keep:.0%} of the units by {criterion}")
        plan = plan_pruning(dense, calibration, keep, criterion, seed=seed)
        small = apply_plan(dense, plan, calibration, repair="fold")
        before, after = (zoo.accuracy(model, samples.x_test, samples.y_test) for model in (dense, small))
        report = compare_energy(dense, small, samples.x_test[:1], accuracy=(before, after))
        pruned.append(Pruned(keep, plan, small, report))
    demo = Demo(folder, maps, pruned)
    tell(f"writing {folder}")
    _write(demo, {"seed": seed, "criterion": criterion, "repair": "fold", "calibration": CALIBRATION})
    return demo


def _trained(folder: Path, samples: data.Samples, seed: int, tell: Callable[[str], None]) -> nn.Module:
    """The dense network: read from the folder where it was trained before with the same settings."""
    from safetensors.torch import load_file, save_file

    path = folder / f"dense-seed{seed}.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = zoo.mlp(64, WIDTHS, 10)
    if path.is_file():
        tell(f"loading {path}")
        model.load_state_dict(load_file(path))
        return model.eval()
    tell("training an MLP 64-256-256-10 on digits")
    zoo.train(model, samples.x_train, samples.y_train, seed=seed)
    with replacing(path) as temporary:
        save_file(model.state_dict(), temporary)
    return model


def _write(demo: Demo, settings: dict[str, Any]) -> None:
    """The run folder: tables, maps, graphs, pictures, plans, pruned networks, and the report."""
    folder = demo.folder
    settings |= {"data": "digits", "pidnet": __version__, "torch": torch.__version__}
    layers = [map.summary() for map in demo.maps]
    budgets = demo.rows()
    write_text(folder / "settings.json", json.dumps(settings, indent=1))
    for name, rows in (("layers", layers), ("budgets", budgets)):
        write_text(folder / f"{name}.json", json.dumps(rows, indent=1))
        write_text(folder / f"{name}.csv", _csv(rows))
    pictures = [path for map in demo.maps for path in _write_map(folder, map)]
    for pruned in demo.pruned:
        name = f"pruned-{pruned.keep:g}"
        save_pruned(pruned.model, pruned.plan, torch.zeros(1, 64), folder / f"{name}.safetensors")
        pruned.plan.save(folder / f"{name}.plan.json")
        write_text(folder / f"{name}.energy.json", pruned.report.to_json())
    write_report(folder / "report.html", layers, budgets, pictures, settings)


def _write_map(folder: Path, map: LayerMap) -> list[Path]:
    """One map and, for one measure, its redundancy graph, as data and as pictures; returns the pictures."""
    name = f"{map.layer}-{map.measure}"
    map.save(folder / f"{name}.npz")
    figures = {f"{name}-{atom}.png": plot_map(map, atom) for atom in ("redundancy", "synergy")}
    if map.measure == GRAPH_MEASURE:
        graph = redundancy_graph(map)
        save_graph(graph, folder / f"{name}.graphml")
        figures[f"{name}-graph.png"] = plot_graph(graph)
    for file, figure in figures.items():
        with replacing(folder / file) as temporary:
            figure.savefig(temporary, dpi=110)
    return [folder / file for file in figures]


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
