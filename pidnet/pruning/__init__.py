"""Stage 8: decide which units go, repair what stays, and make the network really smaller."""

from pidnet.pruning.applying import REPAIRS, apply_plan
from pidnet.pruning.criteria.evidence import Evidence
from pidnet.pruning.criteria.ranking import Ranking
from pidnet.pruning.criteria.registry import CRITERIA
from pidnet.pruning.files import load_pruned, save_pruned
from pidnet.pruning.plans.plan import PruningPlan, RemovedUnit
from pidnet.pruning.plans.planning import plan_pruning
from pidnet.training.fine_tuning import fine_tune

__all__ = [
    "CRITERIA",
    "REPAIRS",
    "Evidence",
    "PruningPlan",
    "Ranking",
    "RemovedUnit",
    "apply_plan",
    "fine_tune",
    "load_pruned",
    "plan_pruning",
    "save_pruned",
]
