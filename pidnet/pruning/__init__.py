"""Stage 8: decide which units go, repair what stays, and make the network really smaller."""

from pidnet.pruning.applying import apply_plan
from pidnet.pruning.criteria import (
    CRITERIA,
    CalibrationStatistics,
    Criterion,
    Ranking,
    ascending,
)
from pidnet.pruning.files import load_pruned, save_pruned
from pidnet.pruning.plans.curves import LossCurve
from pidnet.pruning.plans.plan import PruningPlan, RemovedUnit
from pidnet.pruning.plans.planning import gather, plan_pruning
from pidnet.pruning.repair.running import REPAIRS
from pidnet.pruning.tickets import Overlap, plan_overlap, random_plan, rewind

__all__ = [
    "CRITERIA",
    "REPAIRS",
    "CalibrationStatistics",
    "Criterion",
    "LossCurve",
    "Overlap",
    "PruningPlan",
    "Ranking",
    "RemovedUnit",
    "apply_plan",
    "ascending",
    "gather",
    "load_pruned",
    "plan_overlap",
    "plan_pruning",
    "random_plan",
    "rewind",
    "save_pruned",
]
