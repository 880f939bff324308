"""Stage 5: bias corrections, nulls, intervals and false-discovery control, each a named plain function."""

from __future__ import annotations

from pidnet.significance.corrections import CORRECTIONS as CORRECTIONS, Correction as Correction
from pidnet.significance.false_discovery import benjamini_hochberg as benjamini_hochberg
from pidnet.significance.intervals import find_intervals as find_intervals, interval_method as interval_method
from pidnet.significance.nulls import NULLS as NULLS, Null as Null, sampling_floor as sampling_floor
from pidnet.significance.plug_in import layer_atoms as layer_atoms, layer_pairs as layer_pairs
