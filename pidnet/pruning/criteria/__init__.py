"""Who goes first: criteria that rank the units of a layer, by name in ``CRITERIA``."""

from pidnet.pruning.criteria.registry import CRITERIA, find_criterion

__all__ = ["CRITERIA", "find_criterion"]
