"""All criteria by name."""

from __future__ import annotations

from functools import partial

from pidnet.printing import Registry
from pidnet.pruning.criteria.baselines import bn_scale, chip, fpgm, l1, l2, random, taylor
from pidnet.pruning.criteria.criterion import Criterion, Rank
from pidnet.pruning.criteria.dependence import correlation, mrmr, pivoted_qr
from pidnet.pruning.criteria.graph_cover import graph_cover
from pidnet.pruning.criteria.pid import obs, pid

CRITERIA: dict[str, Criterion] = Registry(
    "criteria",
    {
        criterion.name: criterion
        for criterion in (
            Criterion("pid", pid, searched=True),
            Criterion("graph_i_min", partial(graph_cover, measure="i_min")),
            Criterion("graph_i_broja", partial(graph_cover, measure="i_broja")),
            Criterion("graph_i_ccs", partial(graph_cover, measure="i_ccs")),
            Criterion("graph_gaussian", partial(graph_cover, measure="gaussian_i_broja")),
            Criterion("random", random),
            Criterion("l1", l1, source="Li et al. 2017, arXiv:1608.08710"),
            Criterion("l2", l2),
            Criterion(
                "bn_scale",
                bn_scale,
                needs="a BatchNorm after the layer",
                source="Liu et al. 2017, arXiv:1708.06519",
            ),
            Criterion(
                "taylor", taylor, needs="class labels", source="Molchanov et al. 2017, arXiv:1611.06440"
            ),
            Criterion("fpgm", fpgm, source="He et al. 2019, arXiv:1811.00250"),
            Criterion("chip", chip, source="Sui et al. 2021, arXiv:2110.13981"),
            Criterion("mrmr", mrmr, source="Peng, Long & Ding 2005"),
            Criterion("correlation", correlation),
            Criterion("pivoted_qr", pivoted_qr, source="Chee et al. 2022, arXiv:2108.00065"),
            Criterion("obs", obs, source="Hassibi & Stork 1993"),
        )
    },
)


def find_criterion(criterion: str | Rank) -> Criterion:
    """The criterion of that name, or one made of the function. Raises ValueError for an unknown name."""
    if not isinstance(criterion, str):
        return Criterion.of(criterion)
    if criterion not in CRITERIA:
        raise ValueError(f"unknown criterion {criterion!r}; the known ones are {', '.join(sorted(CRITERIA))}")
    return CRITERIA[criterion]
