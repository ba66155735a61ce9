"""Writes the tables of these pages from the code: `make openapi` runs it, `tests/test_docs.py` checks the pages.

A table is between `<!-- table: NAME -->` and `<!-- /table -->`; NAME is a key of TABLES.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from prometheus_client import REGISTRY
from pydantic import BaseModel
from starlette.testclient import TestClient

from heatsvc.annotation.artifacts import MEDIA_TYPES
from heatsvc.annotation.faults import FAULTY, KINDS, MISSING
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.api.heatmap_schemas import HeatmapOptions
from heatsvc.app import create_app
from heatsvc.cli.main import COMMANDS, EXIT_STATUSES, make_app
from heatsvc.encode.formats import FORMATS
from heatsvc.pipeline import describe_pipelines
from heatsvc.pose.findings import CODES
from heatsvc.pose.readers import READERS
from heatsvc.render.picture_options import PictureOptions
from heatsvc.settings import Settings, describe_settings

FOLDER = Path(__file__).parent
_TABLE = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- /table -->)", re.DOTALL)
_SQUARE = [[10, 10], [50, 10], [50, 50], [10, 50]]


def main() -> None:
    """Bring every page of this folder up to date."""
    for path in sorted(FOLDER.glob("*.md")):
        text = path.read_text()
        filled = fill(text)
        if filled != text:
            path.write_text(filled)


def fill(text: str) -> str:
    """A page with up-to-date tables."""
    return _TABLE.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)


def _settings() -> str:
    rows = (
        (f"`{row['name']}`", _shown(row["default"], row["unit"]), row["unit"], row["description"])
        for row in describe_settings()
    )
    return _table(("setting", "default", "unit", "what it is"), rows)


def _shown(default: object, unit: str) -> str:
    if default in ((), None, ""):
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, int) and unit == "bytes":
        return f"`{default}` ({default >> 20:,} MiB)"
    return f"`{default}`"


def _formats() -> str:
    rows = ((f"`{reader.name}`", ", ".join(reader.extensions), reader.title) for reader in READERS)
    return _table(("format", "files", "what it is"), rows)


def _accepted() -> str:
    rows = ((f"`{name}`", "yes" if format.many else "no", format.title) for name, format in FORMATS.items())
    return _table(("`Accept`", "several clips", "what it is"), rows)


def _options() -> str:
    rows = (
        (f"`{name}`", _json(field.default), field.description or "")
        for name, field in HeatmapOptions.model_fields.items()
    )
    return _table(("option", "default", "what it is"), rows)


def _picture_options() -> str:
    rows = (
        (f"`{name}`", _json(field.default), field.description or "")
        for name, field in PictureOptions.model_fields.items()
    )
    return _table(("option", "default", "what it is"), rows)


def _annotation_options() -> str:
    rows = (
        (f"`{name}`", _json(field.default), (field.description or "").replace("|", "\\|"))
        for name, field in AnnotationOptions.model_fields.items()
    )
    return _table(("option", "default", "what it is"), rows)


def _commands() -> str:
    """The reference that cyclopts writes, with the examples of each command."""
    text = make_app().generate_docs(heading_level=2, flatten_commands=True)
    for command in COMMANDS:
        example = "\n".join(command.examples)
        heading, title, rest = text.partition(f"## heatsvc {command.name}\n")
        usage, fence, more = rest.partition("\n```\n")
        text = f"{heading}{title}{usage}{fence}\n```console\n{example}\n```\n{more}"
    # The list of commands has the links, too.
    before, _, after = text.partition("## Table of Contents\n")
    return f"\n{before.replace('## heatsvc', '## Reference')}{after[after.index('**Heatmaps**') :].rstrip()}\n\n"


def _exit_statuses() -> str:
    return _table(("status", "meaning"), ((f"{int(status)}", text) for status, text in EXIT_STATUSES.items()))


def _json(default: object) -> str:
    if default is None or isinstance(default, BaseModel):
        return "none"
    return f"`{json.dumps(default)}`"


def _faults() -> str:
    decided = {**dict.fromkeys(MISSING, "`missing`"), **dict.fromkeys(FAULTY, "`faulty`")}
    decided |= dict.fromkeys(("in_two_splits", "in_no_split", "unknown_to_labels"), "`split_policy`")
    rows = ((f"`{kind}`", title, decided.get(kind, "reported only")) for kind, title in KINDS.items())
    return _table(("kind", "what it is", "what decides"), rows)


def _findings() -> str:
    rows = ((f"`{code}`", found.severity, found.text, found.what_to_do) for code, found in CODES.items())
    return _table(("code", "severity", "what was found", "what to do"), rows)


def _artifacts() -> str:
    return _table(("file", "media type"), ((f"`{name}`", f"`{kind}`") for name, kind in MEDIA_TYPES.items()))


def _metrics() -> str:
    rows = (
        (f"`{found.name}{'_total' if found.type == 'counter' else ''}`", found.type, found.documentation)
        for found in REGISTRY.collect()
        if found.name.startswith("heatsvc_")
    )
    return _table(("metric", "type", "what it is"), rows)


def _layouts() -> str:
    with TestClient(create_app(Settings.model_construct(access_log=False))) as client:
        found = client.get("/layouts").json()
    rows = (
        (
            f"`{layout['name']}`",
            layout["count"],
            len(layout["limbs"]),
            layout["title"],
            ", ".join(f"`{name}`" for name in layout["contains"]),
        )
        for layout in found
    )
    return _table(("layout", "keypoints", "limbs", "what it is", "contains"), rows)


def _presets() -> str:
    rows = (
        (f"`{preset['name']}`", preset["title"], ", ".join(f"`{step['type']}`" for step in preset["steps"]))
        for preset in describe_pipelines()["presets"]
    )
    return _table(("preset", "what it is for", "steps"), rows)


def _steps() -> str:
    text = ""
    for step in describe_pipelines()["steps"]:
        text += f"### {step['type']}\n\n{step['description']}\n\n"
        rows = (
            (
                f"`{parameter['name']}`",
                "required" if parameter["required"] else f"`{json.dumps(parameter['default'])}`",
                parameter["description"],
            )
            for parameter in step["parameters"]
        )
        text += _table(("parameter", "default", "what it is"), rows) + "\n" if step["parameters"] else ""
    return text


def _kinds() -> str:
    rows = (
        (
            kind.tool,
            _cell(kind.file),
            "several clips" if kind.clips > 1 else "one clip" if kind.shape[1] > 1 else "one clip of a frame",
            _layout_of(kind),
            kind.score,
            ", ".join(
                f"`{name}`" if name == "img_shape" else f"`{name}: {value}`" for name, value in kind.options.items()
            )
            or "nothing",
        )
        for kind in _all_kinds().KINDS
    )
    return _table(("tool", "file", "gives", "keypoint layout", "scores", "what must be given"), rows)


def _layout_of(kind: Any) -> str:
    return f"{kind.shape[2]} points, by their names" if kind.layout is None else f"`{kind.layout}`"


def _refused() -> str:
    rows = ((kind.tool, _cell(kind.file), kind.next_step) for kind in _all_kinds().REFUSED)
    return _table(("tool", "file", "the next step"), rows)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _all_kinds() -> Any:
    """The table of kinds, which is the tests': each of its rows makes such a file, and checks what is read of it."""
    if str(FOLDER.parent) not in sys.path:
        sys.path.insert(0, str(FOLDER.parent))
    return importlib.import_module("tests.cases.formats")


def _problems() -> str:
    """Invalid requests and their responses."""
    clip = {"keypoint": _SQUARE, "img_shape": [64, 64]}
    ragged: Any = {**clip, "keypoint": [_SQUARE, [*_SQUARE[:3], [10]]]}
    requests: list[tuple[str, str, bytes, dict[str, str]]] = [
        ("A point with one number.", "/heatmap", json.dumps(ragged).encode(), {}),
        ("A step that does not exist.", "/heatmap", json.dumps({**clip, "pipeline": [{"type": "Blur"}]}).encode(), {}),
        ("A response larger than allowed.", "/heatmap", json.dumps({**clip, "pipeline": [_scaled(900)]}).encode(), {}),
        ("A format that the service does not have.", "/heatmap", json.dumps(clip).encode(), {"Accept": "text/html"}),
    ]
    text = ""
    with TestClient(create_app(Settings.model_construct(access_log=False))) as client:
        while client.get("/health/ready").status_code != 200:
            time.sleep(0.05)
        for title, path, body, headers in requests:
            response = client.post(path, content=body, headers={"Content-Type": "application/json", **headers})
            sent = body.decode() if not headers else ", ".join(f"{name}: {value}" for name, value in headers.items())
            text += f"{title}\n\n```text\n{sent}\n```\n\n"
            text += f"```json\n{json.dumps(response.json(), indent=2)}\n```\n\n"
    return text


def _scaled(scaling: float) -> dict[str, Any]:
    return {"type": "GeneratePoseTarget", "scaling": scaling}


def _table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


TABLES: dict[str, Callable[[], str]] = {
    "accepted": _accepted,
    "annotation_options": _annotation_options,
    "artifacts": _artifacts,
    "commands": _commands,
    "exit_statuses": _exit_statuses,
    "faults": _faults,
    "findings": _findings,
    "formats": _formats,
    "kinds": _kinds,
    "layouts": _layouts,
    "metrics": _metrics,
    "options": _options,
    "picture_options": _picture_options,
    "presets": _presets,
    "problems": _problems,
    "refused": _refused,
    "settings": _settings,
    "steps": _steps,
}

if __name__ == "__main__":
    main()
