"""Terms of the loss that make later pruning easier, behind one interface."""

from pidnet.printing import Registry
from pidnet.training.penalties.activity import Decorrelated, LowRank
from pidnet.training.penalties.foldable import Foldable
from pidnet.training.penalties.ordered import Ordered
from pidnet.training.penalties.penalty import Penalty
from pidnet.training.penalties.weights import GroupLasso, GrowingL2, Slimming

PENALTIES: dict[str, type[Penalty]] = Registry(
    "penalties",
    {
        "foldable": Foldable,
        "ordered": Ordered,
        "group_lasso": GroupLasso,
        "slimming": Slimming,
        "low_rank": LowRank,
        "decorrelated": Decorrelated,
        "growing_l2": GrowingL2,
    },
)

__all__ = ["PENALTIES", "Foldable", "Penalty"]
