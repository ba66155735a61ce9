"""The committed OpenAPI document is that of the code, and describes requests and responses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from heatsvc.api.heatmap_schemas import OPTIONS
from heatsvc.api.request import BODIES, FORM
from heatsvc.cli.main import main
from heatsvc.encode.formats import FORMATS
from tests.api.client import CLIP, JSON, PROBLEM, Client
from tests.serving import ROOT

DOCUMENT = ROOT / "openapi" / "openapi.json"


@pytest.fixture(scope="module")
def post(client: Client) -> Any:
    return client.get("/openapi.json").json()["paths"]["/heatmap"]["post"]


def test_the_committed_document_is_the_code_s(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["openapi"]) == 0
    assert capfdbinary.readouterr().out == DOCUMENT.read_bytes(), "the API has changed: run `make openapi`"


def test_settings_of_the_machine_do_not_change_it(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATSVC_API_KEYS", "first")
    monkeypatch.setenv("HEATSVC_MAX_FRAMES", "3")
    main(["openapi"])
    assert capfdbinary.readouterr().out == DOCUMENT.read_bytes()


def test_every_body_and_every_response_format_is_described(post: Any) -> None:
    assert set(post["requestBody"]["content"]) == {*BODIES, FORM}
    assert set(post["responses"]["200"]["content"]) == set(FORMATS)


def test_every_option_is_described(post: Any) -> None:
    assert set(OPTIONS) <= {parameter["name"] for parameter in post["parameters"] if parameter["in"] == "query"}


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        ("400", {"content-type": JSON}, b"{"),
        ("406", {"content-type": JSON, "accept": "text/html"}, b"{}"),
        ("413", {"content-type": JSON, "content-length": str(1 << 40)}, b"{}"),
        ("415", {"content-type": "text/csv"}, b""),
        ("422", {"content-type": JSON}, b"{}"),
    ],
)
def test_problems_are_described(client: Client, post: Any, status: str, headers: dict[str, str], body: bytes) -> None:
    assert set(post["responses"][status]["content"]) == {PROBLEM}
    problem = client.request("POST", "/heatmap", content=body, headers=headers).problem(int(status))
    schema = client.get("/openapi.json").json()["components"]["schemas"]["Problem"]
    assert set(schema["required"]) <= set(problem) <= set(schema["properties"])


def test_response_headers_are_described(client: Client, post: Any) -> None:
    described = {name.lower() for name in post["responses"]["200"]["headers"]}
    assert {"server-timing", "x-request-id"} <= described & set(client.post_json(CLIP).headers)


def test_an_api_key_can_be_sent(client: Client) -> None:
    """Swagger UI's Authorize button needs it. A service without keys needs none."""
    document = client.get("/openapi.json").json()
    [(name, scheme)] = document["components"]["securitySchemes"].items()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    assert document["security"] == [{name: []}, {}]


def test_operations_have_short_names_of_their_own(client: Client) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    names = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert len(set(names)) == len(names)
    assert {"create_annotation", "check_annotation", "list_builds", "get_build", "delete_build"} <= set(names)


def test_every_schema_that_is_referred_to_is_there(client: Client) -> None:
    text = client.get("/openapi.json").wire.decode()
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', text)) <= set(schemas)


def _schemas(node: Any) -> Iterator[dict[str, Any]]:
    """All schemas of a document's component, the nested ones too."""
    if isinstance(node, dict):
        if "type" in node or "anyOf" in node or "$ref" in node:
            yield node
        for value in node.values():
            yield from _schemas(value)
    elif isinstance(node, list):
        for value in node:
            yield from _schemas(value)


def test_schemas_are_valid_and_so_are_their_defaults(client: Client) -> None:
    """OpenAPI 3.1's schemas are JSON Schema's of 2020-12."""
    document = client.get("/openapi.json").json()
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for schema in _schemas(document):
        if "default" in schema and not isinstance(schema["default"], dict):
            whole = {**schema, "components": document["components"]}
            jsonschema.Draft202012Validator(whole).validate(schema["default"])


def test_every_operation_describes_its_problems(client: Client) -> None:
    """Health checks and metrics need no key and are never refused."""
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        is_open = path.startswith("/health/") or path == "/metrics"
        for operation in operations.values():
            assert {"500"} if is_open else {"401", "500", "503"} <= set(operation["responses"]), path
