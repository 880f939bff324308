"""`pidnet prune`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pidnet.cli.networks import Data, Model, SampleCount, Weights, find_data, find_model
from pidnet.cli.output import AsJson, print_json, say, show, steps

DEFAULT_SHARE = 0.5


def prune(
    model: Model,
    data: Data,
    weights: Weights = None,
    keep: Annotated[
        list[float] | None,
        typer.Option(
            help="Share of the units of each layer that stay, above 0 to 1; give it again for a curve."
        ),
    ] = None,
    macs: Annotated[
        list[float] | None, typer.Option(help="Or the share of the multiply-accumulates that may stay.")
    ] = None,
    energy: Annotated[
        list[float] | None, typer.Option(help="Or the share of the modelled energy (all in SRAM).")
    ] = None,
    criterion: Annotated[
        str, typer.Option(help="How units are chosen: pid, graph_i_min, l1, random ...")
    ] = "pid",
    repair: Annotated[
        str, typer.Option(help="What is done to the weights that stay: none, fold, refit.")
    ] = "refit",
    explain: Annotated[
        bool, typer.Option("--explain", help="Say of every unit that goes what it costs and who takes over.")
    ] = False,
    samples: SampleCount = 1000,
    seed: Annotated[int, typer.Option(help="Seed of criteria that draw random numbers.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for the results.")] = Path("runs/prune"),
    as_json: AsJson = False,
) -> None:
    """Make a network really smaller: choose units, cut them out, repair what stays, compare energy.

    Example: pidnet prune --model mine.py:network --weights mine.safetensors --data mine.py:loader --keep 0.25
    """
    with steps("starting") as tell:
        from pidnet.pruning import plan_pruning
        from pidnet.runs import carry_out, rows, write_pruned, write_settings

        network, found = find_model(model, weights), find_data(data, samples)
        pruned = []
        for budget in _budgets(keep=keep, macs=macs, energy=energy):
            tell(f"pruning by {criterion}, " + ", ".join(f"{kind} {share}" for kind, share in budget.items()))
            plan = plan_pruning(
                network,
                found.calibration,
                budget.get("keep"),
                criterion,
                macs=budget.get("macs"),
                energy=budget.get("energy"),
                seed=seed,
            )
            pruned.append(carry_out(network, plan, found.calibration, found.test, repair=repair))
        write_pruned(out, pruned, found.calibration[0])
        settings = {"model": model, "weights": weights and str(weights), "data": data, "seed": seed}
        settings |= {"samples": len(found.calibration[1]), "criterion": criterion, "repair": repair}
        write_settings(out, "prune", settings)
    if as_json:
        plans = [asdict(one.plan) for one in pruned]
        print_json({"folder": str(out), "budgets": rows(pruned), "plans": plans})
        return
    show(f"The network, pruned by {criterion}, repair: {repair}", rows(pruned))
    if found.test is None:
        say("Accuracy not measured: the data have no test part; return (x_train, y_train, x_test, y_test).")
    for one in pruned if explain else ():
        say(one.plan.explain(most=None))
    say(f"Written to {out}. Next: pidnet report {out}")


def _budgets(**asked: list[float] | None) -> list[dict[str, float]]:
    """One budget a number, all of one kind; half of the units where none is asked for."""
    given = {kind: shares for kind, shares in asked.items() if shares}
    if len(given) > 1:
        raise ValueError(f"--{' and --'.join(given)} are different kinds of budget; give one of them")
    return [
        {kind: share} for kind, shares in (given or {"keep": [DEFAULT_SHARE]}).items() for share in shares
    ]
