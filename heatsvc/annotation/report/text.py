"""Shows the report as text in a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from heatsvc.annotation.inspection.findings import COLORS
from heatsvc.annotation.report.advice import advice

_FEW = 3


def report_text(report: dict[str, Any], typed: Callable[[str], str] = str) -> RenderableType:
    """Summary, faults by kind with their first names, and advice, from a report of `report_json`.

    Args:
        report: of a build or a check.
        typed: an advice as it is shown, which names options: ``faulty=drop``.
    """
    faults = _faults(report)
    return Group(_summary(report), *([faults] if faults else []), _advice(report, typed))


def _summary(report: dict[str, Any]) -> RenderableType:
    summary, frames = report["summary"], report["frames"]
    table = Table("split", title="Dataset", title_justify="left", title_style="bold")
    for column in ("clips", "zeros", "frames", "classes", "signers"):
        table.add_column(column, justify="right")
    for split in report["splits"]:
        row = (split[key] for key in ("clips", "zeros", "frames", "classes", "signers"))
        table.add_row(Text(split["name"]), *(f"{number:,}" for number in row))
    table.caption = (
        f"{summary['files']:,} files, {summary['labelled']:,} labeled, {summary['trimmed']:,} trimmed, "
        f"{summary['points']} points ({summary['layout'] or 'unknown layout'}), {summary['dtype']}"
    )
    if frames["count"]:
        table.caption += f"\nframes {frames['min']} to {frames['max']}, mean {frames['mean']:g}"
        if summary["zeros"]:
            table.caption += ", zeros left out"
    table.caption_justify = "left"
    return table


def _faults(report: dict[str, Any]) -> RenderableType | None:
    if not report["faults"]:
        return None
    table = Table("fault", title="Faults", title_justify="left", title_style="bold")
    table.add_column("videos", justify="right")
    for column in ("became", "such as"):
        table.add_column(column)
    for group in report["faults"]:
        names = [item["name"] or item["file"] or "" for item in group["items"][:_FEW]]
        more = ", ..." if group["count"] > _FEW else ""
        done = ", ".join(f"{number:,} {what}" for what, number in group["done"].items())
        table.add_row(Text(group["kind"]), f"{group['count']:,}", Text(done), Text(", ".join(names) + more))
    return table


def _advice(report: dict[str, Any], typed: Callable[[str], str]) -> RenderableType:
    items = advice(report)
    if not items:
        return Text("The dataset has no problems.", style="green")
    table = Table.grid(padding=(0, 2))
    for item in items:
        text = Text(item.text)
        if item.what_to_do:
            text.append(f"\n{typed(item.what_to_do)}", style="dim")
        table.add_row(Text(item.severity, style=COLORS[item.severity]), text)
    return table
