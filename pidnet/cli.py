"""The command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(
    help="Partial information decomposition of neural networks: map, graph, prune, and the energy saved.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
console = Console()


@app.callback()
def pidnet() -> None:
    """Partial information decomposition of neural networks."""


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("runs/demo"),
    criterion: Annotated[str, typer.Option(help="How the units to keep are chosen.")] = "graph_i_min",
    seed: Annotated[int, typer.Option(help="Seed of the initial weights and the training.")] = 0,
) -> None:
    """The main job on scikit-learn's digits: train, map, draw the graph, prune, compare energy."""
    import torch

    from pidnet.demo import run_demo

    # One thread is enough for a small network, and gives the same digits on every number of cores.
    torch.set_num_threads(1)
    with console.status("starting") as status:

        def tell(step: str) -> None:
            console.print(f"[dim]{step}[/dim]", highlight=False)
            status.update(step)

        result = run_demo(out, criterion=criterion, seed=seed, tell=tell)
    show(
        "All pairs of units of each layer about the label: means, in bits", [m.summary() for m in result.maps]
    )
    show(f"Pruned by {criterion}, repaired by least squares", [pruned.row() for pruned in result.pruned])
    for note in dict.fromkeys(note for map in result.maps for note in map.notes):
        console.print(f"Note: {note}", highlight=False)
    console.print(f"Open {result.folder / 'report.html'}", highlight=False)


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """A table with one line a row."""
    table = Table(title=title, title_justify="left")
    for name, value in rows[0].items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*map(_figure, row.values()))
    console.print(table)


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if value >= 10 else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else value


def main() -> None:
    """Entry point: a bad input is one sentence and exit code 2, not a traceback."""
    try:
        app()
    except (ValueError, FileNotFoundError) as error:
        Console(stderr=True).print(f"pidnet: {error}", highlight=False)
        raise SystemExit(2) from None
