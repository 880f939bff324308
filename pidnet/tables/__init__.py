"""Stage 3: codes -> joint tables of pairs; activations -> joint covariances of pairs."""

from pidnet.tables import shannon
from pidnet.tables.covariances import PairCovariances, group_covariances, pair_covariances
from pidnet.tables.discrete import PairTables, iterate_pair_tables, pair_tables

__all__ = [
    "PairCovariances",
    "PairTables",
    "group_covariances",
    "iterate_pair_tables",
    "pair_covariances",
    "pair_tables",
    "shannon",
]
