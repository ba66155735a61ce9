"""A method that a path does not have is refused with 405, and `Allow` names all methods that it has."""

from __future__ import annotations

import pytest

from tests.api.client import Client

BUILD = "/annotation/" + "0" * 32


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/heatmap", "POST"),
        ("/annotation/check", "POST"),
        ("/annotation/inspect", "POST"),
        ("/annotation", "GET, POST"),
        (BUILD, "DELETE, GET"),
        (BUILD + "/events", "GET"),
        (BUILD + "/files/report.json", "GET, HEAD"),
        ("/layouts", "GET"),
        ("/openapi.json", "GET, HEAD"),
    ],
)
def test_allow_names_all_methods_of_the_path(client: Client, path: str, methods: str) -> None:
    refused = client.request("PATCH", path)
    assert refused.headers["allow"] == methods
    assert methods in refused.problem(405)["detail"]


def test_an_unknown_path_is_404_whatever_the_method(client: Client) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        client.request(method, "/nothing").problem(404)
