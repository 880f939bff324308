"""The main job on scikit-learn's digits: from a trained network to a smaller one and the energy it saves.

Beside it the information plane of a narrow network with noise, since one without noise has no finite I(X;T).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pidnet import datasets, training, zoo
from pidnet.activations import capture
from pidnet.codes import Codes, quantize
from pidnet.files import one_change
from pidnet.graph import redundancy_graph, save_graph
from pidnet.maps import LayerMap, layer_maps
from pidnet.planes import Plane, information_plane
from pidnet.plots import plot_graph, plot_map
from pidnet.pruning import plan_pruning
from pidnet.pruning.criteria.registry import find_criterion
from pidnet.report import write_report
from pidnet.runs import (
    PrunedRun,
    carry_out,
    map_file,
    rows,
    write_maps,
    write_pictures,
    write_pruned,
    write_sections,
    write_settings,
)

WIDTHS = (256, 256)
NOISY_WIDTHS = (12, 8)
NOISY = f"a noisy MLP 64-{'-'.join(map(str, NOISY_WIDTHS))}-10"
MEASURES = ("i_broja", "i_min", "i_mmi", "i_ccs")
GRAPH_MEASURE = "i_broja"
REPAIR = "refit"
BUDGETS = (0.5, 0.25, 0.1)
CALIBRATION = 1000


@dataclass(frozen=True, eq=False)
class Demo:
    """Everything the demo found, and the folder where it stands."""

    folder: Path
    codes: Codes
    maps: list[LayerMap]
    pruned: list[PrunedRun]
    plane: Plane

    def rows(self) -> list[dict[str, Any]]:
        """The dense network and each budget, one row each."""
        return rows(self.pruned)


def run_demo(
    folder: str | Path = "runs/demo",
    *,
    criterion: str = "pid",
    seed: int = 0,
    tell: Callable[[str], None] = lambda step: None,
) -> Demo:
    """Train or load an MLP, map it, draw its redundancy graph, prune it at three budgets, write it all down.

    folder: where the results go. criterion: how the plan chooses units. tell: called with each step in words.
    """
    find_criterion(criterion)  # a wrong name is told before the training
    folder = Path(folder)
    samples = datasets.load("digits")
    dense = _trained(folder, samples, seed, tell)
    plane = _noisy_plane(samples, seed, tell)
    test = samples.x_test, samples.y_test
    calibration = samples.x_train[:CALIBRATION], samples.y_train[:CALIBRATION]
    hidden = [f"fc{depth + 1}" for depth in range(len(WIDTHS))]
    codes = quantize(capture(dense, calibration, hidden), how="zero_level")
    maps = []
    for measure in MEASURES:
        tell(f"mapping all pairs of units by {measure}, {CALIBRATION} samples")
        maps += layer_maps(codes, measure).values()
    pruned = []
    for keep in BUDGETS:
        tell(f"pruning to {keep:.0%} of the units by {criterion}")
        plan = plan_pruning(dense, calibration, keep, criterion, seed=seed)
        pruned.append(carry_out(dense, plan, calibration, test, repair=REPAIR))
    demo = Demo(folder, codes, maps, pruned, plane)
    tell(f"writing {folder}")
    settings = {"seed": seed, "criterion": criterion, "repair": REPAIR, "calibration": CALIBRATION}
    _write(demo, settings)
    return demo


def _trained(folder: Path, samples: datasets.Samples, seed: int, tell: Callable[[str], None]) -> nn.Module:
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
    training.train(model, samples.x_train, samples.y_train, seed=seed)
    with one_change(folder) as staged:
        save_file(model.state_dict(), staged / path.name)
    return model


def _noisy_plane(samples: datasets.Samples, seed: int, tell: Callable[[str], None]) -> Plane:
    """What the layers of a narrow Bayesian MLP tell about input and label."""
    tell(f"training {NOISY} and drawing its information plane")
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        noisy = zoo.mlp(64, NOISY_WIDTHS, 10, variant="bayesian")
        training.train(noisy, samples.x_train, samples.y_train, seed=seed)
        held_out = samples.x_test, samples.y_test
        return information_plane(noisy, (samples.x_train, samples.y_train), held_out, seed=seed)


def _write(demo: Demo, settings: dict[str, Any]) -> None:
    """The run folder, as one change: tables, maps, graphs, pictures, plans, pruned networks; then the report."""
    with one_change(demo.folder):
        write_settings(demo.folder, "demo", {"data": "digits", **settings})
        write_maps(demo.folder, demo.maps, "demo")
        write_sections(demo.folder, "demo", codes=demo.codes, plane=demo.plane, plane_of=NOISY)
        write_pruned(demo.folder, demo.pruned, torch.zeros(1, 64), "demo")
        drawings = {name: draw for one in demo.maps for name, draw in _drawings(one).items()}
        write_pictures(demo.folder, drawings, "demo")
    write_report(demo.folder)


def _drawings(layer_map: LayerMap) -> dict[str, Callable[[Path], Any]]:
    """Pictures of one map and, for one measure, its redundancy graph, as data and as a picture: name -> writer."""
    name = map_file(layer_map.layer, layer_map.measure)
    figures = {f"{name}-{atom}.png": plot_map(layer_map, atom) for atom in ("redundancy", "synergy")}
    writers: dict[str, Callable[[Path], Any]] = {}
    if layer_map.measure == GRAPH_MEASURE:
        graph = redundancy_graph(layer_map)
        writers[f"{name}.graphml"] = partial(save_graph, graph)
        figures[f"{name}-graph.png"] = plot_graph(graph)
    return writers | {file: partial(figure.savefig, dpi=110) for file, figure in figures.items()}
