"""`pidnet demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pidnet.cli import _options as options
from pidnet.cli._import_path import check_folder
from pidnet.cli._output import print_json, say, show, show_maps, steps


def demo(
    out: options.Out = Path("runs/demo"),
    criterion: options.Criterion = "pid",
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            callback=options.fitting_seed,
            help="Seed of the initial weights and the training.",
        ),
    ] = 0,
    as_json: options.AsJson = False,
) -> None:
    """The main job on scikit-learn's digits: train, map, draw the graph, prune, compare energy, say what came out."""
    with steps("starting") as tell:
        check_folder(out)
        import torch

        from pidnet.cli._demo_run import REPAIR, run_demo

        # One thread is enough for a small network, and gives the same digits on every number of cores.
        torch.set_num_threads(1)
        result = run_demo(out, criterion=criterion, seed=seed, tell=tell)
    from pidnet.report import conclusion
    from pidnet.runs import read_run

    conclusions = conclusion(read_run(out))
    if as_json:
        print_json(
            {
                "folder": str(result.folder),
                "layers": [layer_map.summary() for layer_map in result.maps],
                "budgets": result.rows(),
                "plane": result.plane.records(),
                "conclusion": conclusions,
            }
        )
        return
    show_maps(result.maps)
    show(f"The network, pruned by {criterion}, repair: {REPAIR}", result.rows())
    brackets = [{name: row[name] for name in row if name != "how"} for row in result.plane.brackets()]
    show("A narrow network with noise: its information, [low, high] in bits", brackets)
    for sentence in [*map(str, result.plane.findings), *conclusions, f"Open {result.folder / 'report.html'}"]:
        say(sentence)
