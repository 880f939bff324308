"""`pidnet prune`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pidnet.choices import check_name
from pidnet.cli import _options as options
from pidnet.cli._import_path import check_folder
from pidnet.cli._networks import digest, find_both, made_note
from pidnet.cli._output import print_json, say, show, steps
from pidnet.names import ALLOCATIONS, CRITERIA, READINGS, REPAIRS
from pidnet.progress import shown

if TYPE_CHECKING:
    from torch import nn

    from pidnet.cli._samples import UserData
    from pidnet.runs import PrunedRun

DEFAULT_SHARE = 0.5


def prune(
    context: typer.Context,
    model: options.Model,
    data: options.Data,
    weights: options.Weights = None,
    device: options.Device = "cpu",
    keep: options.Keep = None,
    macs: options.Macs = None,
    energy: options.Energy = None,
    latency: options.Latency = None,
    criterion: options.Criterion = "pid",
    repair: options.Repair = "refit",
    allocation: options.Allocation = None,
    search: options.Search = True,
    output: options.Output = None,
    explain: options.Explain = False,
    samples: options.SampleCount = 1000,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            callback=options.fitting_seed,
            help="Seed of criteria and weights that are drawn at random.",
        ),
    ] = 0,
    out: options.Out = Path("runs/prune"),
    as_json: options.AsJson = False,
) -> None:
    """Make a network really smaller: choose units, cut them out, repair the rest, compare energy.

    Example: pidnet prune --model mine.py:network --weights mine.safetensors --data mine.py:loader --keep 0.25
    """
    check_name("criterion", criterion, CRITERIA)
    check_name("repair", repair, REPAIRS)
    if allocation is not None:
        check_name("allocation", allocation, ALLOCATIONS)
    if output is not None:
        check_name("output", output, READINGS)
    if allocation == "global":
        options.refuse(context, ("search",), "with --allocation global, which takes the first ranking")
    if criterion != "pid":
        options.refuse(context, ("search",), f"with --criterion {criterion}: only pid searches")
    if as_json:
        options.refuse(context, ("explain",), "with --json, which holds the plans in full")
    budgets = _budgets(keep=keep, macs=macs, energy=energy, latency=latency)
    with steps("starting") as tell:
        check_folder(out)
        network, found = find_both(model, data, weights=weights, samples=samples, device=device, seed=seed)
        chosen = {
            "criterion": criterion,
            "allocation": allocation,
            "search": search and allocation != "global",
            "output": output,
            "seed": seed,
        }
        settings = {"model": model, "weights": weights and str(weights), "data": data, "repair": repair}
        looked_at = {"samples": len(found.calibration[1]), "digest": digest(network, found)}
        pruned = _carried_out(
            network, found, budgets, chosen, settings | chosen | looked_at, out=out, tell=tell
        )
    if as_json:
        _print_json(out, pruned)
        return
    _show(pruned, f"The network, pruned by {criterion}, repair: {repair}", explain=explain)
    if found.test is None:
        say("Accuracy not measured: the data have no test part; return (x_train, y_train, x_test, y_test).")
    elif pruned[0].report.accuracy is None:
        say("Accuracy not measured: the outputs are numbers, not one class for each label.")
    for note in made_note(model, weights):
        say(note)
    say(f"Written to {out}. Next: pidnet report {out}")


def _carried_out(
    network: nn.Module,
    found: UserData,
    budgets: list[dict[str, Any]],
    chosen: dict[str, Any],
    settings: dict[str, Any],
    *,
    out: Path,
    tell: Callable[[str], None],
) -> list[PrunedRun]:
    """Each budget planned, carried out and written down; those that a run that was stopped has done are taken. A run
    that came to its end is done again, and stays in the folder until then.

    chosen: options of ``plan_pruning``. settings: all of the command.
    """
    from pidnet.files import one_change
    from pidnet.pruning import plan_pruning
    from pidnet.runs import carry_out, done_before, write_pruned, write_settings
    from pidnet.runs.carried_out import budget_name

    names = [budget_name(*item) for budget in budgets for item in budget.items()]
    settings = settings | {"budgets": names}
    pruned = done_before(out, settings, names, network)
    if whole := len(pruned) == len(names):
        pruned = []
    if pruned:
        tell(f"going on after budget {pruned[-1].name}, where {out} was stopped")
    with shown(doing="budgets", total=len(budgets), unit="budget") as counted:
        counted.update(len(pruned))
        for budget in budgets[len(pruned) :]:
            ((kind, share),) = budget.items()
            tell(f"pruning by {chosen['criterion']}, {kind} {share}")
            plan = plan_pruning(network, found.calibration, **budget, **chosen)
            pruned.append(carry_out(network, plan, found.calibration, found.test, repair=settings["repair"]))
            if not whole or len(pruned) == len(names):
                with one_change(out):
                    write_settings(out, "prune", settings)
                    write_pruned(out, pruned, found.calibration[0])
            counted.update()
    return pruned


def _print_json(out: Path, pruned: list[PrunedRun]) -> None:
    from pidnet.runs import rows

    print_json({"folder": str(out), "budgets": rows(pruned), "plans": [asdict(one.plan) for one in pruned]})


def _show(pruned: list[PrunedRun], title: str, *, explain: bool) -> None:
    """The table, and the plans in words where they are asked for."""
    from pidnet.runs import rows

    show(title, rows(pruned))
    for one in pruned if explain else ():
        for line in f"\nBudget {one.name}: {one.plan.explain(most=None)}".splitlines():
            say(line)


def _budgets(**asked: list[float] | None) -> list[dict[str, Any]]:
    """One budget per number, all of one kind; half of the units where none is asked for."""
    given = {kind: shares for kind, shares in asked.items() if shares}
    if len(given) > 1:
        raise ValueError(f"--{' and --'.join(given)} are different kinds of budget; give one of them")
    for kind, shares in given.items():
        if wrong := [share for share in shares if not 0 < share <= 1]:
            raise ValueError(f"--{kind} {wrong[0]:g} is no share; expected a number above 0 and at most 1")
        if len({f"{share:g}" for share in shares}) < len(shares):
            raise ValueError(f"--{kind} is given twice with the same six digits; give each budget once")
    return [
        {kind: share} for kind, shares in (given or {"keep": [DEFAULT_SHARE]}).items() for share in shares
    ]
