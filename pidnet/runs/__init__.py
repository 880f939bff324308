"""A run folder: what demo, map and prune write, and what the report reads."""

from pidnet.runs.carried_out import PrunedRun, carry_out, rows
from pidnet.runs.reading import Run, StoredBudget, done_before, read_run, unchanged_run
from pidnet.runs.sections import Sections, write_sections
from pidnet.runs.whole import write_run
from pidnet.runs.writing import map_file, write_maps, write_pictures, write_pruned, write_settings

__all__ = [
    "PrunedRun",
    "Run",
    "Sections",
    "StoredBudget",
    "carry_out",
    "done_before",
    "map_file",
    "read_run",
    "rows",
    "unchanged_run",
    "write_maps",
    "write_pictures",
    "write_pruned",
    "write_run",
    "write_sections",
    "write_settings",
]
