"""Beyond pairs: the information of groups of units about the target."""

from pidnet.groups.complexity import representational_complexity
from pidnet.groups.invariants import GroupInvariants, group_invariants, random_groups
from pidnet.groups.rest import unit_against_rest

__all__ = [
    "GroupInvariants",
    "group_invariants",
    "random_groups",
    "representational_complexity",
    "unit_against_rest",
]
