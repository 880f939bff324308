"""Stage 10: a run folder -> one HTML page that opens offline, and its conclusion and one unit of it in words."""

from pidnet.report._text import conclusion
from pidnet.report._unit import explain_unit
from pidnet.report.page import missing_extra, write_report

__all__ = ["conclusion", "explain_unit", "missing_extra", "write_report"]
