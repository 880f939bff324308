"""A run folder: what demo, map and prune write, and what the report reads."""

from pidnet.pruning.result import PrunedRun, carry_out, rows
from pidnet.runs.folder import Budget, Run, map_file, read_run, write_maps, write_pruned, write_settings
from pidnet.runs.whole import write_run

__all__ = [
    "Budget",
    "PrunedRun",
    "Run",
    "carry_out",
    "map_file",
    "read_run",
    "rows",
    "write_maps",
    "write_pruned",
    "write_run",
    "write_settings",
]
