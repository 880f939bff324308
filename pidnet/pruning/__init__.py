"""Stage 8: decide which units go, repair what stays, and make the network really smaller."""

from pidnet.pruning.criteria import CRITERIA
from pidnet.pruning.evidence import Evidence
from pidnet.pruning.finetuning import fine_tune
from pidnet.pruning.plan import PruningPlan, Removal
from pidnet.pruning.planning import plan_pruning
from pidnet.pruning.ranking import Ranking
from pidnet.pruning.storage import load_pruned, save_pruned
from pidnet.pruning.surgery import REPAIRS, apply_plan

__all__ = [
    "CRITERIA",
    "REPAIRS",
    "Evidence",
    "PruningPlan",
    "Ranking",
    "Removal",
    "apply_plan",
    "fine_tune",
    "load_pruned",
    "plan_pruning",
    "save_pruned",
]
