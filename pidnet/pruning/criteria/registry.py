"""All criteria by name."""

from __future__ import annotations

from functools import partial

from pidnet.pruning.criteria.baselines import bn_scale, chip, fpgm, l1, l2, random, taylor
from pidnet.pruning.criteria.dependence import correlation, mrmr, pivoted_qr
from pidnet.pruning.criteria.graph_cover import graph_cover
from pidnet.pruning.criteria.pid import obs, pid
from pidnet.pruning.plans.partial_plan import Criterion

CRITERIA: dict[str, Criterion] = {
    "pid": pid,
    "graph_i_min": partial(graph_cover, measure="i_min"),
    "graph_i_broja": partial(graph_cover, measure="i_broja"),
    "graph_i_ccs": partial(graph_cover, measure="i_ccs"),
    "graph_gaussian": partial(graph_cover, measure="gaussian_i_broja"),
    "random": random,
    "l1": l1,
    "l2": l2,
    "bn_scale": bn_scale,
    "taylor": taylor,
    "fpgm": fpgm,
    "chip": chip,
    "mrmr": mrmr,
    "correlation": correlation,
    "pivoted_qr": pivoted_qr,
    "obs": obs,
}


def find_criterion(criterion: str | Criterion) -> Criterion:
    """The criterion of that name, or the function itself. Raises ValueError for an unknown name."""
    if not isinstance(criterion, str):
        return criterion
    if criterion not in CRITERIA:
        raise ValueError(f"unknown criterion {criterion!r}; the known ones are {', '.join(sorted(CRITERIA))}")
    return CRITERIA[criterion]
