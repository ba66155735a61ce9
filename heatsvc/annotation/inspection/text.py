"""Shows an inspection as text in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from heatsvc.annotation.inspection.findings import COLORS
from heatsvc.annotation.inspection.inspection import Inspection, Span
from heatsvc.pose.layouts import LAYOUTS

_LONGEST = 200


def inspection_text(inspection: Inspection) -> RenderableType:
    """The contents of the pickle, its splits, and the findings with advice."""
    facts = Table.grid(padding=(0, 2))
    for name, text in _facts(inspection):
        facts.add_row(Text(name, style="bold"), Text(text))
    splits = Table("split", box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("names", "annotations", "frames"):
        splits.add_column(column, justify="right")
    for split in inspection.splits:
        splits.add_row(Text(_shown(split.name)), f"{split.names:,}", f"{split.annotations:,}", f"{split.frames:,}")
    parts = [facts, splits, _findings(inspection)] if inspection.splits else [facts, _findings(inspection)]
    return Group(*(Padding(part, (0, 0, 1, 0)) for part in parts))


def _facts(inspection: Inspection) -> Iterator[tuple[str, str]]:
    yield "file", f"{_shown(inspection.file)}, {inspection.size:,} bytes ({inspection.array_bytes:,} of them arrays)"
    readers = "NumPy 2" if "numpy._core" in inspection.numpy else "NumPy 1 and 2"
    named = f", for {readers} ({' and '.join(inspection.numpy)})" if inspection.numpy else ""
    yield "pickle", f"protocol {inspection.protocol}{named}"
    keys = [(_shown(key), count) for key, count in inspection.keys.items()]
    every = [key for key, count in keys if count == inspection.annotations]
    some = [f"{key} ({count:,})" for key, count in keys if count != inspection.annotations]
    yield "annotations", f"{inspection.annotations:,} of {', '.join([*every, *some][:20]) or 'nothing'}"
    if inspection.labels:
        yield "classes", f"{inspection.classes:,}, labels {inspection.labels[0]} to {inspection.labels[1]}"
    if inspection.points:
        dtypes = ", ".join(inspection.dtypes)
        yield "points", f"{', '.join(_points(count) for count in list(inspection.points)[:5])}, {dtypes}"
    for name, span in (("persons", inspection.persons), ("frames", inspection.frames)):
        if span:
            yield name, _span(span)
    if inspection.img_shapes:
        yield "img_shape", ", ".join(f"{sides} ({count:,})" for sides, count in inspection.img_shapes.items())


def _points(count: int) -> str:
    names = " or ".join(layout.name for layout in LAYOUTS.values() if len(layout.points) == count)
    return f"{count} (as in {names})" if names else str(count)


def _shown(text: str) -> str:
    """Text of an untrusted pickle, shortened and without control characters, which a terminal would interpret."""
    plain = text[:_LONGEST]
    if not plain.isprintable():
        plain = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in plain)
    return plain if len(text) <= _LONGEST else f"{plain}…"


def _span(span: Span) -> str:
    return str(span.low) if span.low == span.high else f"{span.low:,} to {span.high:,}, mean {span.mean:g}"


def _findings(inspection: Inspection) -> RenderableType:
    if not inspection.findings:
        return Text("PYSKL and MMAction2 can train from it.", style="green")
    table = Table.grid(padding=(0, 2))
    for finding in inspection.findings:
        often = f" ({finding.count:,})" if finding.count > 1 else ""
        text = Text(f"{finding.text}{often}\n")
        if finding.examples:
            more = ", ..." if finding.count > len(finding.examples) else ""
            text.append(f"{', '.join(map(_shown, finding.examples))}{more}\n", style="dim")
        text.append(finding.what_to_do, style="dim")
        table.add_row(Text(finding.severity, style=COLORS[finding.severity]), text)
    return table
