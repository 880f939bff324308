"""Stage 5: bias corrections, nulls and intervals, each a named plain function."""

from __future__ import annotations

from pidnet.significance.corrections import CORRECTIONS, Correction
from pidnet.significance.intervals import find_intervals, interval_method
from pidnet.significance.nulls import NULLS, Null, sampling_floor
from pidnet.significance.plug_in import layer_atoms

__all__ = [
    "CORRECTIONS",
    "NULLS",
    "Correction",
    "Null",
    "find_intervals",
    "interval_method",
    "layer_atoms",
    "sampling_floor",
]
