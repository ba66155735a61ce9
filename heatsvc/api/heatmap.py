"""POST /heatmap: keypoints in, heatmaps out.

The route is plain ASGI: to take a body apart that it reads itself, by a framework that looks for parameters, costs as
much as to draw a small clip. What FastAPI would have said of it in the OpenAPI document stands in `api/openapi.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from heatsvc.api import metrics
from heatsvc.api.answer import Sketch, sketch
from heatsvc.api.clips import BODIES, FORM, Asked, File, from_files
from heatsvc.api.limits import Patience, check_length, check_size, read_body, receive
from heatsvc.api.negotiation import choose_coding, choose_form
from heatsvc.api.problems import RequestError
from heatsvc.api.send import BodyResponse
from heatsvc.api.service import Service, service_of
from heatsvc.encode.body import Body
from heatsvc.encode.errand import Errand
from heatsvc.encode.formats import Form

Result = TypeVar("Result")

# Those that any route here reads itself.
_HEADERS = {
    name.encode(): name
    for name in ("accept", "accept-encoding", "content-type", "content-encoding", "content-length", "prefer")
}

_STAGES = ("read", "pipeline", "draw", "encode")

# Up to so many bytes of body, and pixels of work, a request is done where it arrives: to hand it to a thread and to
# wait for that one takes longer. Either is about a millisecond.
_SMALL_BODY = 128 << 10
_SMALL_WORK = 256 << 10


class Heatmap:
    """The endpoint: draws one clip, or many, through a pipeline of PYSKL's steps."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; what is wrong with it is raised, and becomes a problem document further out."""
        scope["route"] = route  # for the metrics; only the framework's own routes set it
        request = Request(scope, receive)
        response = await draw_heatmaps(request)
        await response(scope, receive, send)


route = Route("/heatmap", Heatmap(), methods=["POST"])


async def draw_heatmaps(request: Request) -> BodyResponse:
    """The answer to a request.

    Raises:
        InputError: the request cannot be understood or done.
        ClientGoneError: nobody waits for the answer any more.
    """
    service = service_of(request)
    service.check_ready()
    headers = header_values(request.scope)
    accept, accept_encoding = headers.get("accept"), headers.get("accept-encoding")
    # What nothing can satisfy is refused before the body is read.
    choose_form(accept, many=False)
    choose_coding(accept_encoding)
    patience = Patience(service.settings.request_seconds)

    started = perf_counter()
    size, reading = await _reading(request, headers, service, patience)
    small = size <= _SMALL_BODY
    asked = reading() if small else await _in_thread(service, request, patience, reading)
    read = perf_counter()

    form = choose_form(accept, many=len(asked.clips) > 1)
    coding = choose_coding(accept_encoding, form.compressed, asked.options.compression)
    bounds = service.settings.bounds
    describing = functools.partial(sketch, asked, form, coding, bounds, patience.check)
    small = small and asked.is_light
    made = describing() if small else await _in_thread(service, request, patience, describing)

    errand = Errand(patience.check)
    if made.work <= _SMALL_WORK and service.lanes.draws_here(made.layout):
        body = service.lanes.write(made.layout, errand)
    else:
        body = await patience.outcome(request, service.lanes.submit(made.layout, errand))
    times = (read - started, made.seconds, *errand.seconds)
    metrics.observe_heatmaps(len(asked.clips), size, body.length, dict(zip(_STAGES, times, strict=True)))
    return BodyResponse(body.chunks, _headers(made, form, body, times))


async def _reading(
    request: Request, headers: dict[str, str], service: Service, patience: Patience
) -> tuple[int, Callable[[], Asked]]:
    """The body's size, and what makes clips of it.

    Raises:
        RequestError: 415, a body of another type, or a coded one.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(415, "a coded body is not read: send it without Content-Encoding", field="Content-Encoding")
    query: bytes = request.scope["query_string"]
    bounds = service.settings.bounds
    if media_type == FORM:
        files, options = await _parts(request, headers, service, patience)
        size = sum(len(file.data) for file in files)
        # Files want unpacking: never on the event loop, however few their bytes.
        return size + _SMALL_BODY, functools.partial(from_files, files, options, query, bounds, patience.check)
    read = BODIES.get(media_type)
    if read is None:
        raise RequestError(
            415,
            f"Content-Type {media_type[:100] or 'is missing'}: the body must be {', '.join([*BODIES, FORM])}",
            field="Content-Type",
            headers={"Accept": ", ".join([*BODIES, FORM])},
        )
    body = await read_body(request, headers.get("content-length"), service.settings, patience)
    size = len(body) + (_SMALL_BODY if media_type == "application/x-npz" else 0)
    return size, functools.partial(read, body, query, bounds, patience.check)


async def _parts(
    request: Request, headers: dict[str, str], service: Service, patience: Patience
) -> tuple[list[File], bytes]:
    """The files and the options of a form, its body bounded as any other.

    Raises:
        RequestError: 422, a part of another name, or an `options` given twice; 400, no form, or in a charset that
            cannot be read.
        LimitError: more files than `max_clips`.
    """
    settings = service.settings
    check_length(headers.get("content-length"), settings)
    size = 0

    async def bounded() -> dict[str, object]:
        nonlocal size
        message = await receive(request, settings, patience)
        size += len(message.get("body", b""))
        check_size(size, settings)
        return dict(message)

    try:
        form = await Request(request.scope, bounded).form(
            max_files=settings.max_clips, max_fields=16, max_part_size=settings.max_body_bytes
        )
    except UnicodeError:
        raise RequestError(400, "the form's charset cannot be read: send UTF-8", field="Content-Type") from None
    except HTTPException as error:
        if error.detail.startswith("Too many files"):
            settings.bounds.check("max_clips", settings.max_clips + 1, "files or more", field="file")
        raise
    try:
        return await _take(form)
    finally:
        await form.close()


async def _take(form: FormData) -> tuple[list[File], bytes]:
    """A form's files, and its `options` or nothing."""
    files: list[File] = []
    options = b""
    for name, part in form.multi_items():
        data = await part.read() if isinstance(part, UploadFile) else part.encode()
        if name == "file":
            files.append(File((part.filename or "") if isinstance(part, UploadFile) else "", data))
        elif name == "options" and not options:
            options = data
        else:
            raise RequestError(
                422,
                f'the form\'s part {name!r:.60} is not known: parts are "file", as often as needed, and one "options"',
                field=name[:60],
            )
    return files, options


async def _in_thread(service: Service, request: Request, patience: Patience, work: Callable[[], Result]) -> Result:
    """What a thread makes of it; the client is watched meanwhile."""

    def awaited() -> Result:
        patience.check()  # it may have waited for a thread longer than the client waits for it
        return work()

    return await patience.watch(request, service.in_thread(awaited))


def header_values(scope: Scope) -> dict[str, str]:
    """A request's headers that are read here, by lower-case name; repeated ones joined by commas (RFC 9110, 5.3)."""
    values: dict[str, str] = {}
    for name, value in scope["headers"]:
        if name in _HEADERS:
            key, text = _HEADERS[name], value.decode("latin-1")
            values[key] = f"{values[key]}, {text}" if key in values else text
    return values


def _headers(made: Sketch, form: Form, body: Body, times: tuple[float, ...]) -> list[tuple[bytes, bytes]]:
    read, pipeline, draw, encode = times
    milliseconds = 1e3 * read, 1e3 * pipeline, 1e3 * draw, 1e3 * encode
    headers = [
        (b"content-type", form.media_type.encode()),
        (b"vary", b"Accept, Accept-Encoding"),
        (b"server-timing", b"read;dur=%.3f, pipeline;dur=%.3f, draw;dur=%.3f, encode;dur=%.3f" % milliseconds),
    ]
    if body.coding != "identity":
        headers.append((b"content-encoding", body.coding.encode()))
    if made.seed is not None:
        headers.append((b"x-heatmap-seed", str(made.seed).encode()))
    return headers
