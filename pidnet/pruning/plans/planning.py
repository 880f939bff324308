"""Stage 8: decide which units go. Nothing is changed here; ``apply_plan`` carries a plan out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor, nn

from pidnet import __version__
from pidnet.names import ALLOCATIONS
from pidnet.networks.batches import labelled
from pidnet.networks.expanded import expand
from pidnet.networks.running import check_runs
from pidnet.pruning.applying import check_layer
from pidnet.pruning.criteria.evidence import Evidence
from pidnet.pruning.criteria.pid import pid, ridged
from pidnet.pruning.criteria.registry import find_criterion
from pidnet.pruning.plans.budget import Budget
from pidnet.pruning.plans.partial_plan import Criterion, Draft, Gone, at_once, globally
from pidnet.pruning.plans.plan import PruningPlan, RemovedUnit
from pidnet.pruning.plans.search import find_plan
from pidnet.pruning.structure.discovery import Prunable, find_prunable, survey


def plan_pruning(
    model: nn.Module,
    calibration: tuple[Tensor, Tensor],
    keep: float | None = None,
    criterion: str | Criterion = "pid",
    *,
    macs: float | None = None,
    energy: float | None = None,
    allocation: str = "uniform",
    layers: Sequence[str] | None = None,
    round_to: int = 1,
    search: bool = True,
    seed: int = 0,
) -> PruningPlan:
    """Decide which units to cut.

    calibration: inputs and labels, tensors. One budget: keep, the share of units that stay; macs, the share
    of the multiply-accumulates; energy, the share of the modelled joules (every word in SRAM).
    criterion: a name in ``CRITERIA`` or a function (Evidence, layer) -> Ranking. "pid" proposes several plans,
    repairs each, and takes the one that loses the fewest measured bits of output (``pidnet.pruning.plans.search``);
    search: False leaves that out and takes the first ranking, for networks where some 40 repairs are too many.
    allocation: "uniform" cuts the same share of every layer; "global" spends bits where they save most, with
    no layer below half of its uniform width, and needs a criterion in bits.
    layers: which layers to cut; None for all that can be. round_to: widths are multiples of this.
    Raises ValueError for an unknown criterion, calibration data that do not fit, a layer that cannot be cut
    (with the reason), or a budget that leaves a layer without a unit. Warns when there are fewer samples than
    units: the ridge then decides part of the ranking.
    """
    rank = find_criterion(criterion)
    if allocation not in ALLOCATIONS:
        raise ValueError(f"allocation={allocation!r}; expected one of {', '.join(ALLOCATIONS)}")
    evidence = gather(model, calibration, layers, seed)
    budget = Budget.of(evidence, {"keep": keep, "macs": macs, "energy": energy}, round_to)
    _warn_of_few_samples(evidence)
    measured: dict[str, float] = {}
    if allocation == "global":
        draft = globally(evidence, rank, budget)
    elif rank is pid and search:
        draft, measured = find_plan(evidence, budget)
    else:
        draft = at_once(evidence, rank, budget)
    return PruningPlan(
        kept=draft.keep,
        removed={name: _removals(evidence, name, draft) for name in draft.keep},
        criterion=criterion
        if isinstance(criterion, str)
        else getattr(criterion, "__name__", repr(criterion)),
        settings=_settings(evidence, budget, allocation, layers)
        | {"search": bool(measured), "measured_bits": {k: round(v, 6) for k, v in measured.items()}},
    )


def _settings(
    evidence: Evidence, budget: Budget, allocation: str, layers: Sequence[str] | None
) -> dict[str, Any]:
    return {
        "budget": {budget.resource: budget.share},
        "allocation": allocation,
        "layers": None if layers is None else list(layers),
        "round_to": budget.round_to,
        "seed": evidence.seed,
        "calibration_samples": len(evidence.x),
        "pidnet": __version__,
    }


def gather(
    model: nn.Module, calibration: tuple[Tensor, Tensor], layers: Sequence[str] | None = None, seed: int = 0
) -> Evidence:
    """Evidence on an untouched, expanded copy of the model, from checked calibration data."""
    x, y = labelled(calibration)
    dense = expand(model).requires_grad_(True)
    check_runs(dense, x[:2])
    return Evidence(dense, _chosen(dense, x, layers), x, y, seed)


def _chosen(dense: nn.Module, x: Tensor, layers: Sequence[str] | None) -> dict[str, Prunable]:
    if layers is None:
        return find_prunable(dense, x)
    prunable, refused = survey(dense, x)
    for name in layers:
        check_layer(name, prunable, refused)
    sizes = {prunable[name].same_size for name in layers} - {""}
    return {name: p for name, p in prunable.items() if name in layers or p.same_size in sizes}


def _warn_of_few_samples(evidence: Evidence) -> None:
    widest = max(evidence.prunable.values(), key=lambda p: p.units)
    if len(evidence.x) < widest.units:
        warnings.warn(
            f"{len(evidence.x)} calibration samples are fewer than the {widest.units} units of layer "
            f"{widest.name!r}: the ridge decides part of what they say of each other; use more samples",
            stacklevel=3,
        )


def _removals(evidence: Evidence, layer: str, draft: Draft) -> list[RemovedUnit]:
    """The units that go, in order, with the kept units that replace them in the next layer."""
    gone = draft.gone[layer]
    substitutes = _substitutes(evidence, layer, gone, draft.alive[layer])
    return [
        RemovedUnit(unit.unit, unit.cost, unit.scale, shares, unit.redundancy)
        for unit, shares in zip(gone, substitutes, strict=True)
    ]


def _substitutes(
    evidence: Evidence, layer: str, gone: Sequence[Gone], kept: np.ndarray, most: int = 3
) -> list[tuple[tuple[int, float], ...]]:
    """For each unit that goes, the kept units with the largest standardized weights in its regression, and their
    shares; none for a dead unit, which nobody replaces."""
    if not gone:
        return []
    consumer = evidence.outgoing(layer)[0]
    covariance = ridged(evidence.covariance(consumer))
    owned = evidence.owned(layer, consumer)
    stays, goes = owned[kept].ravel(), owned[[unit.unit for unit in gone]].ravel()
    weight = np.linalg.solve(covariance[np.ix_(stays, stays)], covariance[np.ix_(stays, goes)])
    strength = np.abs(weight) * np.sqrt(np.diag(covariance)[stays])[:, None]
    share = strength.reshape(len(kept), owned.shape[1], len(gone), -1).sum((1, 3))
    share = (share / share.sum(0).clip(min=np.finfo(float).tiny)).round(4)
    best = np.argsort(-share, axis=0, kind="stable")[:most]
    return [
        tuple((int(kept[k]), float(share[k, column])) for k in best[:, column] if share[k, column])
        for column in range(len(gone))
    ]
