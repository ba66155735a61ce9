"""The OpenAPI document describes what /annotation does."""

from __future__ import annotations

from typing import Any

import pytest

from heatsvc.annotation.options import AnnotationOptions
from tests.api.annotation.conftest import Bench
from tests.api.annotation.forms import Form, dataset
from tests.api.client import JSON, PROBLEM

UNKNOWN = "/annotation/" + "0" * 32


@pytest.fixture(scope="module")
def document(bench: Bench) -> Any:
    return bench.client.get("/openapi.json").json()


@pytest.fixture(scope="module")
def schemas(document: Any) -> Any:
    return document["components"]["schemas"]


def test_every_part_and_every_option_is_described(document: Any, schemas: Any):
    for path in ("/annotation", "/annotation/check"):
        body = document["paths"][path]["post"]["requestBody"]["content"]
        assert list(body) == ["multipart/form-data"]
        assert body["multipart/form-data"]["schema"] == {"$ref": "#/components/schemas/AnnotationForm"}
    form = schemas["AnnotationForm"]
    assert set(form["properties"]) == {"keypoints", "labels", "split", "trim", "options"}
    assert "required" not in form
    body = document["paths"]["/annotation/inspect"]["post"]["requestBody"]["content"]
    assert body["multipart/form-data"]["schema"] == {"$ref": "#/components/schemas/InspectionForm"}
    assert set(schemas["InspectionForm"]["properties"]) == {"keypoints", "labels", "split", "options"}
    options = schemas["AnnotationOptions"]["properties"]
    assert set(options) == set(AnnotationOptions.model_fields)
    assert all(option["description"] for option in options.values())


def test_the_example_s_options_are_valid(document: Any):
    body = document["paths"]["/annotation"]["post"]["requestBody"]["content"]["multipart/form-data"]
    AnnotationOptions.model_validate(body["example"]["options"])


@pytest.mark.parametrize("accept", ["application/x-pickle", "application/octet-stream", "application/zip", JSON])
def test_every_media_type_of_the_response_is_described(bench: Bench, document: Any, accept: str):
    response = bench.send(dataset(), accept=accept)
    assert response.headers["content-type"] in document["paths"]["/annotation"]["post"]["responses"]["200"]["content"]


def test_the_build_s_document_is_as_described(bench: Bench, schemas: Any):
    build = bench.send(dataset(), accept=JSON).json()
    assert set(build) == set(schemas["BuildInfo"]["properties"])
    assert set(build["progress"]) == set(schemas["ProgressInfo"]["properties"])
    assert set(build["links"]) == set(schemas["BuildLinks"]["properties"])
    assert set(build["artifacts"][0]) == set(schemas["ArtifactInfo"]["properties"])


def test_what_is_in_the_files_is_as_described(bench: Bench, schemas: Any):
    contents = bench.send(dataset(keypoints={"a.npy": b"broken"}), "/annotation/inspect").json()
    assert set(contents) == set(schemas["DatasetContents"]["properties"])
    for part, schema in (("keypoints", "KeypointContents"), ("labels", "LabelContents"), ("videos", "VideoContents")):
        assert set(contents[part]) == set(schemas[schema]["properties"])
    assert set(contents["keypoints"]["samples"][0]) == set(schemas["KeypointSample"]["properties"])
    assert set(contents["labels"]["files"][0]) == set(schemas["LabelSourceInfo"]["properties"])


@pytest.mark.parametrize(
    ("method", "path", "sent", "headers", "status"),
    [
        ("post", "/annotation", Form(b"x"), {}, 400),
        ("post", "/annotation", dataset(), {"accept": "image/png"}, 406),
        ("post", "/annotation", dataset(), {"content-length": str(1 << 50)}, 413),
        ("post", "/annotation", Form(b"{}", JSON), {}, 415),
        ("post", "/annotation", dataset("broken"), {}, 422),
        ("post", "/annotation", dataset("faulty"), {}, 422),
        ("post", "/annotation", dataset("bug"), {}, 500),
        ("post", "/annotation/check", dataset("broken"), {}, 422),
        ("post", "/annotation/inspect", Form(b"x"), {}, 400),
        ("post", "/annotation/inspect", Form(b"{}", JSON), {}, 415),
        ("post", "/annotation/inspect", dataset(options={"dtype": "int8"}), {}, 422),
        ("get", "/annotation?limit=0", None, {}, 422),
        ("get", UNKNOWN, None, {}, 404),
        ("delete", UNKNOWN, None, {}, 404),
        ("get", UNKNOWN + "/events", None, {}, 404),
        ("get", UNKNOWN + "/files/report.json", None, {}, 404),
    ],
)
def test_problems_are_described(
    bench: Bench,
    document: Any,
    schemas: Any,
    method: str,
    path: str,
    sent: Form | None,
    headers: dict[str, str],
    status: int,
):
    described = path.partition("?")[0].replace("0" * 32, "{id}").replace("report.json", "{name}")
    content = document["paths"][described][method]["responses"][str(status)]["content"]
    assert set(content) == {PROBLEM}
    schema = schemas[content[PROBLEM]["schema"]["$ref"].rpartition("/")[2]]
    body = {} if sent is None else {"content": sent.body}
    typed = {} if sent is None else {"content-type": sent.media_type}
    problem = bench.client.request(method.upper(), path, **body, headers={**typed, **headers}).problem(status)
    assert set(schema["required"]) <= set(problem) <= set(schema["properties"])
