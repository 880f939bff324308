"""Stage 10: a run folder -> one HTML page that opens offline."""

from pidnet.report.page import missing_extra, write_report

__all__ = ["missing_extra", "write_report"]
