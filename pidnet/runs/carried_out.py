"""One budget carried out: the plan, the smaller network, and what it costs and still can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from pidnet import training
from pidnet.arguments import check_arguments
from pidnet.energy import EnergyReport, compare_energy
from pidnet.networks.batches import Data, maybe_labelled
from pidnet.networks.inputs import take
from pidnet.networks.outputs import IGNORED, class_axis
from pidnet.networks.running import class_scores, run_or_say
from pidnet.printing import Printed
from pidnet.pruning import PruningPlan, apply_plan

Labelled = tuple[Tensor, Tensor]


class CarriedOut(Protocol):
    """What a row of figures is made of: a ``PrunedRun``, or a budget read from a run folder."""

    @property
    def name(self) -> str: ...
    @property
    def plan(self) -> PruningPlan: ...
    @property
    def report(self) -> EnergyReport: ...


@dataclass(frozen=True, eq=False, repr=False)
class PrunedRun(Printed):
    """A plan that was carried out.

    Attributes
    ----------
    plan : PruningPlan
        What was decided.
    model : torch.nn.Module
        The smaller network.
    report : EnergyReport
        Its comparison with the dense one.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> plan = pn.plan_pruning(net, data, keep=0.25, criterion="l1")
    >>> pn.runs.carry_out(net, plan, data, repair="none")
    PrunedRun 0.25: 4 of 16 units, 25.0% of the MACs
    """

    plan: PruningPlan
    model: nn.Module
    report: EnergyReport

    @property
    def name(self) -> str:
        """The budget in short, as ``budget_name``."""
        ((resource, share),) = self.plan.settings["budget"].items()
        return budget_name(resource, share)

    def _lines(self) -> list[str]:
        return [f"PrunedRun {summary_line(self)}"]


def carry_out(
    dense: nn.Module,
    plan: PruningPlan,
    data: Data,
    test: Labelled | None = None,
    *,
    repair: str = "refit",
) -> PrunedRun:
    """Apply a plan and compare the smaller network with the dense one.

    Parameters
    ----------
    dense : torch.nn.Module
        The network that the plan was made for.
    plan : PruningPlan
        Which units are kept.
    data : (x, y), list of such batches, or DataLoader
        What the repair is fitted to.
    test : (Tensor, Tensor), optional
        Samples that the accuracy is measured on; it stays None where the outputs are numbers and no classes.
    repair : str
        As for ``apply_plan``.

    Returns
    -------
    PrunedRun
        The smaller network and what it costs.

    Examples
    --------
    >>> import torch
    >>> import pidnet as pn
    >>> from pidnet.runs.carried_out import carry_out
    >>> data = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)), torch.arange(200) % 3
    >>> net = pn.zoo.mlp(8, (16,), 3)
    >>> carry_out(net, pn.plan_pruning(net, data, keep=0.25, criterion="l1"), data)
    PrunedRun 0.25: 4 of 16 units, 25.0% of the MACs
    """
    check_arguments(carry_out, locals())
    small = apply_plan(dense, plan, data, repair)
    one = take(maybe_labelled(data)[0], slice(1))
    return PrunedRun(plan, small, compare_energy(dense, small, one, **accuracies(dense, small, test)))


def accuracies(dense: nn.Module, small: nn.Module, test: Labelled | None) -> dict[str, Any]:
    """What ``compare_energy`` is told about the accuracy of both; nothing where none can be measured."""
    if test is None:
        return {}
    x, y = test
    with torch.no_grad():
        scores = class_scores(run_or_say(dense, take(x, slice(2))))
    if class_axis(scores.shape, y) is None:
        return {}
    known = y[y != IGNORED]
    return {"accuracy": (training.accuracy(dense, x, y), training.accuracy(small, x, y)), "labels": known}


def budget_name(resource: str, share: float) -> str:
    """The budget in short: "0.25" for a share of the units, "macs-0.25" for a share of the MACs."""
    return f"{share:g}" if resource == "keep" else f"{resource}-{share:g}"


def rows(budgets: Sequence[CarriedOut]) -> list[dict[str, Any]]:
    """The figures that people compare: the dense network and each budget, one row each.

    Parameters
    ----------
    budgets : sequence of PrunedRun
        Of one dense network; or the budgets of a run folder.

    Returns
    -------
    list of dict
        The dense network first: budget, units kept, accuracy (None where it was not measured), parameters, MACs,
        and nanojoules with their kind.

    Examples
    --------
    >>> from pidnet.runs.carried_out import rows
    >>> rows([])
    []
    """
    if not budgets:
        return []
    small = (_row(one.name, one.plan.share_kept, one.report, 1) for one in budgets)
    return [_row("dense", 1.0, budgets[0].report, 0), *small]


def summary_line(budget: CarriedOut) -> str:
    """A budget in one line."""
    kept, units = sum(budget.plan.widths.values()), sum(budget.plan.units.values())
    return f"{budget.name}: {kept:,} of {units:,} units, {budget.report.macs.kept:.1%} of the MACs"


def _row(name: str, kept: float, report: EnergyReport, side: int) -> dict[str, Any]:
    """One row. side: 1 for the pruned network, 0 for the dense one."""
    return {
        "budget": name,
        "units kept": kept,
        "accuracy": report.accuracy[side] if report.accuracy else None,
        "parameters": report.parameters[side],
        "MACs": report.macs[side],
        **{f"{one.kind} nJ ({one.where.upper()})": one.joules[side] * 1e9 for one in report.energy},
    }
