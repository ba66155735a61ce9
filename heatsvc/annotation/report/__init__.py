"""Report: what a dataset is like and what was wrong with it, as JSON, as a page and as text for a terminal."""

from __future__ import annotations

from heatsvc.annotation.report.document import report_json
from heatsvc.annotation.report.page import report_page
from heatsvc.annotation.report.text import report_text

__all__ = ["report_json", "report_page", "report_text"]
