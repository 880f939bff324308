"""`pidnet prune`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from pidnet.cli.import_path import check_folder
from pidnet.cli.networks import Model, Weights, check_fit, find_model, made_note
from pidnet.cli.output import AsJson, Out, bar, print_json, say, show, steps
from pidnet.cli.samples import Data, SampleCount, find_data

DEFAULT_SHARE = 0.5
REPAIRS = ("none", "fold", "refit", "reconstruct")
INFORMATION = ("pid", "graph_i_min", "graph_i_broja", "graph_i_ccs", "graph_gaussian")
BASELINES = (
    "random",
    "l1",
    "l2",
    "bn_scale",
    "taylor",
    "fpgm",
    "chip",
    "mrmr",
    "correlation",
    "pivoted_qr",
    "obs",
)

Criterion = Annotated[
    str,
    typer.Option(
        help=f"How the units that stay are chosen: by information, {', '.join(INFORMATION)} (pid: what the output "
        f"would lose, in bits); or by a baseline, {', '.join(BASELINES)}.",
        autocompletion=lambda: [*INFORMATION, *BASELINES],
    ),
]


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
    criterion: Criterion = "pid",
    repair: Annotated[
        str,
        typer.Option(
            help="What is done to the weights that stay: none; fold (each unit that goes is replaced by a sum of "
            "those that stay); refit (then all layers from there on are fitted again, by least squares); "
            "reconstruct (the units that stay move as well: seconds a layer, for deep cuts).",
            autocompletion=lambda: list(REPAIRS),
        ),
    ] = "refit",
    search: Annotated[
        bool,
        typer.Option(help="For pid: repair several proposals and keep the best, or take the first ranking."),
    ] = True,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say of every unit that goes what it costs and who takes over.")
    ] = False,
    samples: SampleCount = 1000,
    seed: Annotated[int, typer.Option(help="Seed of criteria and weights that are drawn at random.")] = 0,
    out: Out = Path("runs/prune"),
    as_json: AsJson = False,
) -> None:
    """Make a network really smaller: choose units, cut them out, repair what stays, compare energy.

    Example: pidnet prune --model mine.py:network --weights mine.safetensors --data mine.py:loader --keep 0.25
    """
    with steps("starting") as tell:
        check_folder(out)
        budgets = _budgets(keep=keep, macs=macs, energy=energy)
        from pidnet.pruning import plan_pruning
        from pidnet.runs import carry_out, rows, write_pruned, write_settings

        network, found = find_model(model, weights, seed), find_data(data, samples)
        check_fit(network, found, data)
        pruned, counted = [], bar(len(budgets), "budgets", "budget")
        for budget in budgets:
            tell(f"pruning by {criterion}, " + ", ".join(f"{kind} {share}" for kind, share in budget.items()))
            plan = plan_pruning(
                network,
                found.calibration,
                budget.get("keep"),
                criterion,
                macs=budget.get("macs"),
                energy=budget.get("energy"),
                search=search,
                seed=seed,
            )
            pruned.append(carry_out(network, plan, found.calibration, found.test, repair=repair))
            counted.update()
        counted.close()
        write_pruned(out, pruned, found.calibration[0])
        settings = {"model": model, "weights": weights and str(weights), "data": data, "seed": seed}
        settings |= {
            "samples": len(found.calibration[1]),
            "criterion": criterion,
            "repair": repair,
            "search": search,
        }
        write_settings(out, "prune", settings)
    if as_json:
        plans = [asdict(one.plan) for one in pruned]
        print_json({"folder": str(out), "budgets": rows(pruned), "plans": plans})
        return
    show(f"The network, pruned by {criterion}, repair: {repair}", rows(pruned))
    if found.test is None:
        say("Accuracy not measured: the data have no test part; return (x_train, y_train, x_test, y_test).")
    for one in pruned if explain else ():
        say(f"\nBudget {one.name}: {one.plan.explain(most=None)}")
    for note in made_note(model, weights):
        say(note)
    say(f"Written to {out}. Next: pidnet report {out}")


def _budgets(**asked: list[float] | None) -> list[dict[str, float]]:
    """One budget a number, all of one kind; half of the units where none is asked for."""
    given = {kind: shares for kind, shares in asked.items() if shares}
    if len(given) > 1:
        raise ValueError(f"--{' and --'.join(given)} are different kinds of budget; give one of them")
    for kind, shares in given.items():
        if wrong := [share for share in shares if not 0 < share <= 1]:
            raise ValueError(f"--{kind} {wrong[0]:g} is no share; expected a number above 0 and at most 1")
    return [
        {kind: share} for kind, shares in (given or {"keep": [DEFAULT_SHARE]}).items() for share in shares
    ]
