"""DirectRoute: a route whose function takes the request and gives the response, with nothing between."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response


class DirectRoute(APIRoute):
    """FastAPI's place in the OpenAPI document without its reading of parameters: body and query are the route's own.

    Taking the dependencies of a single `Request` apart costs as long as drawing a small clip.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The function itself."""
        return self.endpoint
