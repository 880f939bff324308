"""Stage 10: a run folder -> one HTML page that opens offline, and one unit of it in words."""

from pidnet.report._unit import explain_unit
from pidnet.report.page import missing_extra, write_report

__all__ = ["explain_unit", "missing_extra", "write_report"]
