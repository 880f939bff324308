"""Stage 8: which units go, what that costs and who takes over. Deciding is apart from doing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from pidnet import __version__
from pidnet.energy import count
from pidnet.files import write_text
from pidnet.pruning.baselines import l1, l2, random
from pidnet.pruning.cover import graph_cover
from pidnet.pruning.evidence import Evidence
from pidnet.pruning.local_channel import obs, pid, ridged
from pidnet.pruning.ranking import Ranking
from pidnet.pruning.structure import cut, find_prunable

Criterion = Callable[[Evidence, str], Ranking]

CRITERIA: dict[str, Criterion] = {
    "pid": pid,
    "graph_i_min": partial(graph_cover, measure="i_min"),
    "random": random,
    "l1": l1,
    "l2": l2,
    "obs": obs,
}


@dataclass(frozen=True)
class Removal:
    """One unit that goes: what its removal costs given the ones before it, and who takes over.

    cost is in ``unit``: bits for the information criteria, the criterion's own scale otherwise.
    substitutes: (unit, share) of the kept units with the largest shares in its least-squares replacement.
    """

    index: int
    cost: float
    unit: str
    substitutes: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class PruningPlan:
    """keep: layer -> ascending indices of the units that stay. removed: layer -> the units that go, in order.

    settings: budget, criterion's options, seed and version. A plan can be edited: what ``keep`` holds counts.
    """

    keep: dict[str, list[int]]
    removed: dict[str, list[Removal]]
    criterion: str
    settings: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> PruningPlan:
        """The plan that ``to_json`` wrote. Raises ValueError for a text that is not a plan."""
        try:
            fields = json.loads(text)
            for name, rows in fields["removed"].items():
                fields["removed"][name] = [
                    Removal(**row | {"substitutes": tuple(map(tuple, row["substitutes"]))}) for row in rows
                ]
            return PruningPlan(**fields)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this JSON is not a pruning plan: {error}") from error

    def save(self, path: str | Path) -> Path:
        """Write the plan as JSON; returns the path."""
        return write_text(path, self.to_json())

    @staticmethod
    def load(path: str | Path) -> PruningPlan:
        """Read a plan that ``save`` wrote."""
        return PruningPlan.from_json(Path(path).read_text(encoding="utf-8"))


def plan_pruning(
    model: nn.Module,
    calibration: tuple[Tensor, Tensor],
    keep: float | None = None,
    criterion: str | Criterion = "pid",
    *,
    macs: float | None = None,
    seed: int = 0,
) -> PruningPlan:
    """Decide which units to cut, the same share in every hidden layer.

    calibration: inputs and labels, tensors. keep: share of units that stay in each layer; or macs: share of
    the multiply-accumulates that may stay, met with the largest uniform share of units.
    criterion: a name in ``CRITERIA`` or a function (Evidence, layer) -> Ranking.
    Nothing is changed; ``apply_plan`` carries the plan out.
    Raises ValueError for an unknown criterion, calibration data that do not fit, or a budget that leaves a
    layer without a unit.
    """
    rank = _find_criterion(criterion)
    evidence = _gather(model, calibration, seed)
    match keep, macs:
        case float() | int(), None:
            share = keep
        case None, float() | int():
            share = _share_for_macs(evidence, macs)
        case _:
            raise ValueError(f"the budget is keep={keep}, macs={macs}; expected one of the two as a number")
    counts = {name: _units_kept(name, p.units, share) for name, p in evidence.prunable.items()}
    rankings = {name: rank(evidence, name) for name in counts}
    kept = {name: sorted(rankings[name].order[-n:].tolist()) for name, n in counts.items()}
    return PruningPlan(
        keep=kept,
        removed={name: _removals(evidence, name, rankings[name], kept[name]) for name in kept},
        criterion=criterion
        if isinstance(criterion, str)
        else getattr(criterion, "__name__", repr(criterion)),
        settings={
            "keep": keep,
            "macs": macs,
            "seed": seed,
            "calibration_samples": len(evidence.x),
            "pidnet": __version__,
        },
    )


def _find_criterion(criterion: str | Criterion) -> Criterion:
    if not isinstance(criterion, str):
        return criterion
    if criterion not in CRITERIA:
        raise ValueError(f"unknown criterion {criterion!r}; the known ones are {', '.join(sorted(CRITERIA))}")
    return CRITERIA[criterion]


def _gather(model: nn.Module, calibration: tuple[Tensor, Tensor], seed: int) -> Evidence:
    """Evidence on an untouched copy of the model in eval mode, from checked calibration data."""
    match calibration:
        case (Tensor() as x, Tensor() as y) if y.ndim > 0 and len(x) == len(y) >= 2:
            dense = copy.deepcopy(model).eval()
            return Evidence(dense, find_prunable(dense, x), x, y, seed)
        case (Tensor() as x, Tensor() as y):
            shapes = f"{tuple(x.shape)} and {tuple(y.shape)}"
            raise ValueError(
                f"calibration has shapes {shapes}; expected one label for each of at least 2 samples"
            )
        case _:
            raise ValueError("calibration is not a pair (x, y) of tensors")


def _units_kept(layer: str, units: int, share: float) -> int:
    """The number of units that a share leaves, at least one."""
    if not 0 < share <= 1:
        raise ValueError(f"the budget {share} is not a share above 0 and at most 1")
    if round(share * units) < 1:
        raise ValueError(f"keeping {share} of the {units} units of layer {layer!r} leaves none; keep more")
    return round(share * units)


def _share_for_macs(evidence: Evidence, macs: float) -> float:
    """The largest uniform share of units whose network needs at most ``macs`` of the dense one's MACs.

    Which units go does not change the count, so the first ones of each layer are cut from a copy.
    """
    if not 0 < macs <= 1:
        raise ValueError(f"the budget {macs} is not a share above 0 and at most 1")
    example = evidence.x[:1]
    dense = count(evidence.model, example).macs
    low, high = 0.0, 1.0
    for _ in range(12):
        share = (low + high) / 2
        trial = copy.deepcopy(evidence.model)
        sizes = {name: p.units - max(1, round(share * p.units)) for name, p in evidence.prunable.items()}
        cut(trial, example, {name: list(range(size)) for name, size in sizes.items()})
        low, high = (share, high) if count(trial, example).macs <= macs * dense else (low, share)
    if not low:
        raise ValueError(f"macs={macs} leaves less than one unit a layer; allow more")
    return low


def _removals(evidence: Evidence, layer: str, ranking: Ranking, kept: list[int]) -> list[Removal]:
    """The units that go, in order, with the kept units that replace them in the next layer."""
    gone = len(ranking.order) - len(kept)
    substitutes = _substitutes(evidence, layer, ranking.order[:gone], np.array(kept))
    return [
        Removal(int(unit), float(cost), ranking.unit, substitutes[int(unit)])
        for unit, cost in zip(ranking.order[:gone], ranking.cost[:gone], strict=True)
    ]


def _substitutes(
    evidence: Evidence, layer: str, gone: np.ndarray, kept: np.ndarray, most: int = 3
) -> dict[int, tuple[tuple[int, float], ...]]:
    """For each unit that goes, the kept units with the largest standardized weights in its regression."""
    if not len(gone):
        return {}
    consumer = evidence.outgoing(layer)[0]
    covariance = ridged(evidence.covariances[consumer])
    owned = evidence.owned(layer, consumer)
    stays, goes = owned[kept].ravel(), owned[gone].ravel()
    weight = np.linalg.solve(covariance[np.ix_(stays, stays)], covariance[np.ix_(stays, goes)])
    strength = np.abs(weight) * np.sqrt(np.diag(covariance)[stays])[:, None]
    share = strength.reshape(len(kept), owned.shape[1], len(gone), -1).sum((1, 3))
    share /= share.sum(0).clip(min=np.finfo(float).tiny)
    best = np.argsort(-share, axis=0, kind="stable")[:most]
    return {
        int(unit): tuple((int(kept[k]), round(float(share[k, column]), 4)) for k in best[:, column])
        for column, unit in enumerate(gone)
    }
