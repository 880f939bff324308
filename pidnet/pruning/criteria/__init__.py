"""Who goes first: criteria that rank the units of a layer, by name in ``CRITERIA``."""

from pidnet.pruning.criteria.criterion import Criterion
from pidnet.pruning.criteria.ranking import Ranking, ascending
from pidnet.pruning.criteria.registry import CRITERIA, find_criterion
from pidnet.pruning.criteria.statistics import CalibrationStatistics

__all__ = ["CRITERIA", "CalibrationStatistics", "Criterion", "Ranking", "ascending", "find_criterion"]
