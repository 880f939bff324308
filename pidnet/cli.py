"""The command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pidnet.maps import LayerMap

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
    samples = result.maps[0].samples
    title = f"All pairs of units about the label, {samples:,} samples: means, in bits"
    show(title, [_short(map) for map in result.maps])
    show(f"The network, pruned by {criterion} and repaired by least squares", result.rows())
    console.print(
        f"Sampling bias corrected by {result.maps[0].correction}; "
        "floor: the synergy that 95 % of pairs which know nothing stay below.",
        highlight=False,
    )
    for note in dict.fromkeys(note for map in result.maps for note in map.notes):
        console.print(f"Note: {note}", highlight=False)
    console.print(f"Open {result.folder / 'report.html'}", highlight=False)


@app.command()
def energy(
    model: Annotated[str, typer.Argument(help="Where the network comes from: module:name or file.py:name.")],
    shape: Annotated[str, typer.Argument(help="Shape of one input without the batch, such as 1,28,28.")],
    small: Annotated[Path | None, typer.Option(help="A pruned network of it, to compare with.")] = None,
    dtype: Annotated[
        str | None, typer.Option(help="fp32, fp16, bf16, int8 or binary; else as it is.")
    ] = None,
    grid: Annotated[float | None, typer.Option(help="Grams of CO2 per kWh, for an estimate.")] = None,
    measure: Annotated[bool, typer.Option(help="Measure as well, where a counter exists (2 min).")] = False,
) -> None:
    """What a network costs per sample, layer by layer; with --small, what a pruned one of it saves."""
    import torch

    from pidnet.energy import add_measured, co2_grams, compare_energy, count, energy_rows
    from pidnet.pruning import load_pruned

    dense = _find_model(model)
    example = torch.zeros(1, *_sizes(shape))
    if small is None:
        counts = count(dense, example)
        show(f"{model}, per sample; energy is modelled (Horowitz 2014)", energy_rows(counts, dtype=dtype))
        for name, reason in counts.unknown.items():
            typer.echo(f"Not counted in full: {name or '(model)'}: {reason}.")
        return
    pruned = load_pruned(dense, small)
    report = compare_energy(dense, pruned, example, dtype=dtype)
    if measure:
        report = add_measured(report, (dense, pruned), example)
    typer.echo(str(report))
    if grid is not None:
        for where, (before, after) in co2_grams(report, grid).items():
            typer.echo(
                f"CO2, estimated from {where}: {before * 1e6:.4g} -> {after * 1e6:.4g} g per million samples"
            )


def _find_model(source: str) -> Any:
    """The network, or what a function without arguments returns, named as module:name or file.py:name."""
    from importlib import import_module
    from runpy import run_path

    place, _, name = source.partition(":")
    try:
        found = run_path(place)[name] if place.endswith(".py") else getattr(import_module(place), name)
    except (ImportError, AttributeError, KeyError) as error:
        raise ValueError(
            f"no network at {source!r} ({error}); expected module:name or file.py:name"
        ) from error
    from torch import nn

    return found if isinstance(found, nn.Module) else found()


def _sizes(shape: str) -> list[int]:
    try:
        return [int(size) for size in shape.split(",")]
    except ValueError:
        raise ValueError(f"shape is {shape!r}; expected numbers with commas, such as 1,28,28") from None


def _short(map: LayerMap) -> dict[str, Any]:
    """The columns of a layer's summary that fit a terminal of 80 characters."""
    rows = map.summary()
    rows["floor"] = rows.pop("synergy_floor")
    shown = (
        "layer",
        "measure",
        "redundancy",
        "unique",
        "synergy",
        "floor",
        "information",
        "pairs",
        "samples",
    )
    return {name: rows[name] for name in shown}


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """A table with one line a row."""
    table = Table(
        title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    for name, value in rows[0].items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*map(_figure, row.values()))
    console.print(table)


def _figure(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else value


def main() -> None:
    """Entry point: a bad input is one sentence and exit code 2, not a traceback."""
    try:
        app()
    except (ValueError, FileNotFoundError) as error:
        Console(stderr=True).print(f"pidnet: {error}", highlight=False)
        raise SystemExit(2) from None
