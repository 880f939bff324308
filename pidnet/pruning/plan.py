"""Stage 8: which units go, what that costs and who takes over. Deciding is apart from doing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from pidnet import __version__
from pidnet.files import write_text
from pidnet.pruning.baselines import l1, l2, random
from pidnet.pruning.cover import graph_cover
from pidnet.pruning.evidence import Evidence
from pidnet.pruning.local_channel import obs, pid, ridged
from pidnet.pruning.ranking import Ranking
from pidnet.pruning.structure import find_prunable

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
    Raises ValueError for an unknown criterion, calibration data that do not fit, or a budget that leaves a layer
    without a unit.
    """
    rank = _find_criterion(criterion)
    evidence = _gather(model, calibration, seed)
    if (keep is None) == (macs is None):
        raise ValueError("give one budget: keep= or macs=")
    share = keep if keep is not None else _share_for_macs(evidence, macs)
    counts = {name: _units_kept(name, p.units, share) for name, p in evidence.prunable.items()}
    rankings = {name: rank(evidence, name) for name in counts}
    kept = {name: sorted(rankings[name].order[len(rankings[name].order) - n :].tolist()) for name, n in counts.items()}
    return PruningPlan(
        keep=kept,
        removed={name: _removals(evidence, name, rankings[name], kept[name]) for name in kept},
        criterion=criterion if isinstance(criterion, str) else criterion.__name__,
        settings={
            "keep": keep,
            "macs": macs,
            "seed": seed,
            "calibration_samples": len(evidence.x),
            "pidnet": __version__,
        },
    )
