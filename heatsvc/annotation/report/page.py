"""Makes the report as one self-contained HTML page."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined

from heatsvc.annotation.report.advice import advice
from heatsvc.annotation.report.plots import class_plot, frame_plot, score_plot

# Maximum number of rows of all tables together, so that the page is below a megabyte. report.json has all rows.
_ROWS = 3000
_TEXT = 240


def report_page(report: dict[str, Any]) -> bytes:
    """A report of `report_json` as HTML. It loads no resources and has no scripts; all text is escaped."""
    tables = 6 + len(report["faults"]) + len(report["findings"]) + len(report["splits"])
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            report=report,
            summary=report["summary"],
            advice=advice(report),
            class_plot=class_plot(report),
            frame_plot=frame_plot(report),
            score_plot=score_plot(report),
            options=orjson.dumps(report["options"], option=orjson.OPT_INDENT_2).decode(),
            rows=max(100, _ROWS // tables),
        )
        .encode()
    )


def _cut(text: object) -> str:
    """Text shortened for a table."""
    whole = str(text)
    return whole if len(whole) <= _TEXT else whole[: _TEXT - 1] + "…"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("heatsvc.annotation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": lambda value: f"{value:,}", "cut": _cut}
    return environment
