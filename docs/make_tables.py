"""Writes the tables in the pages of docs/ from the code. `make openapi` runs it, `tests/test_docs.py` checks the pages.

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
_DOCUMENT = json.loads((FOLDER.parent / "openapi" / "openapi.json").read_text())
_SQUARE = [[10, 10], [50, 10], [50, 50], [10, 50]]


def main() -> None:
    """Update all pages."""
    for path in sorted(FOLDER.rglob("*.md")):
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
    return _table(("Setting", "Default", "Unit", "What it is"), rows)


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
    return _table(("Format", "Files", "What it is"), rows)


def _accepted() -> str:
    rows = ((f"`{name}`", "yes" if format.many else "no", format.title) for name, format in FORMATS.items())
    return _table(("`Accept`", "Several clips", "What it is"), rows)


def _options(model: type[BaseModel]) -> str:
    rows = ((f"`{name}`", _json(field.default), field.description or "") for name, field in model.model_fields.items())
    return _table(("Option", "Default", "What it is"), rows)


def _commands() -> str:
    """The reference that cyclopts generates, with an example for each command."""
    text = make_app().generate_docs(heading_level=2, flatten_commands=True)
    for command in COMMANDS:
        example = "\n".join(command.examples)
        heading, title, rest = text.partition(f"## heatsvc {command.name}\n")
        usage, fence, more = rest.partition("\n```\n")
        text = f"{heading}{title}{usage}{fence}\n```console\n{example}\n```\n{more}"
    # The usage of --install-completion contains the path of the program that runs.
    text = re.sub(r"(--install-completion) .*?(\[OPTIONS\])", r"\1 \2", text)
    # The list of commands already has links.
    before, _, after = text.partition("## Table of Contents\n")
    return f"\n{before.replace('## heatsvc', '## Reference')}{after[after.index('**Heatmaps**') :].rstrip()}\n\n"


def _exit_statuses() -> str:
    return _table(("Status", "Meaning"), ((f"{int(status)}", text) for status, text in EXIT_STATUSES.items()))


def _json(default: object) -> str:
    if default is None or isinstance(default, BaseModel):
        return "none"
    return f"`{json.dumps(default)}`"


def _faults() -> str:
    decided = {**dict.fromkeys(MISSING, "`missing`"), **dict.fromkeys(FAULTY, "`faulty`")}
    decided |= dict.fromkeys(("in_two_splits", "in_no_split", "unknown_to_labels"), "`split_policy`")
    rows = ((f"`{kind}`", title, decided.get(kind, "reported only")) for kind, title in KINDS.items())
    return _table(("Kind", "What it is", "What decides"), rows)


def _findings() -> str:
    rows = ((f"`{code}`", found.severity, found.text, found.what_to_do) for code, found in CODES.items())
    return _table(("Code", "Severity", "What was found", "What to do"), rows)


def _artifacts() -> str:
    return _table(("File", "Media type"), ((f"`{name}`", f"`{kind}`") for name, kind in MEDIA_TYPES.items()))


def _metrics() -> str:
    rows = (
        (f"`{found.name}{'_total' if found.type == 'counter' else ''}`", found.type, found.documentation)
        for found in REGISTRY.collect()
        if found.name.startswith("heatsvc_")
    )
    return _table(("Metric", "Type", "What it is"), rows)


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
    return _table(("Layout", "Keypoints", "Limbs", "What it is", "Contains"), rows)


def _presets() -> str:
    rows = (
        (f"`{preset['name']}`", preset["title"], ", ".join(f"`{step['type']}`" for step in preset["steps"]))
        for preset in describe_pipelines()["presets"]
    )
    return _table(("Preset", "What it is for", "Steps"), rows)


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
        text += _table(("Parameter", "Default", "What it is"), rows) + "\n" if step["parameters"] else ""
    return text


def _kinds() -> str:
    rows = (
        (
            kind.tool,
            kind.file,
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
    return _table(("Tool", "File", "Gives", "Keypoint layout", "Scores", "What must be given"), rows)


def _layout_of(kind: Any) -> str:
    return f"{kind.shape[2]} points, by their names" if kind.layout is None else f"`{kind.layout}`"


def _refused() -> str:
    rows = ((kind.tool, kind.file, kind.next_step) for kind in _all_kinds().REFUSED)
    return _table(("Tool", "File", "The next step"), rows)


def _all_kinds() -> Any:
    """The tests' table of files: for each row, a test makes such a file and checks what is read."""
    if str(FOLDER.parent) not in sys.path:
        sys.path.insert(0, str(FOLDER.parent))
    return importlib.import_module("tests.cases.formats")


def _operations() -> str:
    """Each operation of the OpenAPI document."""
    text = ""
    for path, operations in _DOCUMENT["paths"].items():
        for method, operation in operations.items():
            parts = (
                f"### {method.upper()} {path}\n",
                f"{operation['summary']}. {operation.get('description', '')}\n",
                _parameters(operation),
                _bodies(operation),
                _responses(operation),
            )
            text += "".join(f"{part}\n" for part in parts if part)
    return text


def _parameters(operation: dict[str, Any]) -> str:
    """Parameters, without the options of `POST /heatmap`, which have a table of their own."""
    parameters = operation.get("parameters", [])
    rows = [
        (f"`{parameter['name']}`", parameter["in"], parameter.get("description", ""))
        for parameter in parameters
        if parameter["name"] not in HeatmapOptions.model_fields
    ]
    if len(rows) < len(parameters):
        rows.insert(0, ("[options](options.md)", "query", "Of a body that is an array, `.npy` or `.npz`."))
    return _table(("Parameter", "In", "What it is"), rows) if rows else ""


def _bodies(operation: dict[str, Any]) -> str:
    rows = [
        (f"`{name}`", _described(content["schema"]))
        for name, content in operation.get("requestBody", {}).get("content", {}).items()
    ]
    return _table(("Body", "What it is"), rows) if rows else ""


def _responses(operation: dict[str, Any]) -> str:
    """The responses that are no errors, with their headers, and the status codes of errors."""
    rows = [
        (status, response["description"], ", ".join(map(_content, response.get("content", {}).items())))
        for status, response in operation["responses"].items()
        if int(status) < 400
    ]
    text = _table(("Status", "What it is", "Content"), rows)
    headers = operation["responses"].get("200", {}).get("headers", {})
    if headers:
        rows = [(f"`{name}`", header["description"]) for name, header in headers.items()]
        text += "\n" + _table(("Header", "What it is"), rows)
    errors = [status for status in operation["responses"] if int(status) >= 400]
    return f"{text}\nErrors: [{', '.join(errors)}](errors.md).\n"


def _schemas() -> str:
    """The JSON objects of requests and responses, with their properties."""
    text = ""
    for name, schema in sorted(_DOCUMENT["components"]["schemas"].items()):
        text += f"### {name}\n\n{schema.get('description', '')}\n\n"
        required = schema.get("required", [])
        rows = [
            (f"`{key}`" + (" (required)" if key in required else ""), _type(value), value.get("description", ""))
            for key, value in schema.get("properties", {}).items()
        ]
        text += _table(("Property", "Type", "What it is"), rows) + "\n" if rows else ""
    return text


def _content(item: tuple[str, dict[str, Any]]) -> str:
    name, content = item
    is_object = content["schema"].get("type") != "string"
    return f"`{name}` ({_type(content['schema'])})" if is_object else f"`{name}`"


def _described(schema: dict[str, Any]) -> str:
    return schema.get("description") or _type(schema)


def _type(schema: dict[str, Any]) -> str:
    """The type of a JSON Schema in a few words, with links to the objects that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema.get("enum", [schema.get("const")]))
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[key]))
    if schema.get("type") == "array":
        return f"array of {_type(schema['items'])}" if schema.get("items") else "array"
    types = schema.get("type", "")
    return " or ".join(types) if isinstance(types, list) else str(types)


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
    "annotation_options": lambda: _options(AnnotationOptions),
    "artifacts": _artifacts,
    "commands": _commands,
    "exit_statuses": _exit_statuses,
    "faults": _faults,
    "findings": _findings,
    "formats": _formats,
    "kinds": _kinds,
    "layouts": _layouts,
    "metrics": _metrics,
    "operations": _operations,
    "options": lambda: _options(HeatmapOptions),
    "picture_options": lambda: _options(PictureOptions),
    "presets": _presets,
    "problems": _problems,
    "refused": _refused,
    "schemas": _schemas,
    "settings": _settings,
    "steps": _steps,
}

if __name__ == "__main__":
    main()
