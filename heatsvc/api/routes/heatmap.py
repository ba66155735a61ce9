"""POST /heatmap: keypoints in, heatmaps out."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any, Generic, TypeVar

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from heatsvc import __version__
from heatsvc.api import metrics
from heatsvc.api.cancellation import cancel_on_disconnect
from heatsvc.api.heatmap_schemas import REQUEST, RESPONSES
from heatsvc.api.limits import UNBUDGETED_BYTES, BodyReader
from heatsvc.api.negotiation import choose_coding, choose_format
from heatsvc.api.problems import RequestError
from heatsvc.api.renderer import SLICE_BYTES, RenderResponse
from heatsvc.api.request import BODIES, FORM, HeatmapRequest, from_files, working_bytes
from heatsvc.api.service import Service, service_of
from heatsvc.bounds import Bounds
from heatsvc.cancel import CancelToken
from heatsvc.encode.job import RenderJob
from heatsvc.pose.readers import NamedBytes

Parsed = TypeVar("Parsed")
FormParser = Callable[[Sequence[NamedBytes], bytes, bytes, Bounds, CancelToken], Parsed]
"""A function such as `heatsvc.api.request.from_files`, which takes files, options, query, bounds and token."""


class RequestRoute(APIRoute):
    """A route whose function takes only the request: FastAPI's parsing of parameters, which takes 28 µs, is skipped."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's function, unwrapped."""
        return self.endpoint


router = APIRouter(tags=["heatmaps"], route_class=RequestRoute)

# Bodies up to this size are parsed on the event loop, which takes about half a millisecond.
_INLINE_BYTES = UNBUDGETED_BYTES  # nothing is reserved for these, so nothing is released
# Looked up once instead of for each request.
_STAGES = {stage: metrics.stage_seconds.labels(stage) for stage in ("read", "pipeline", "render", "encode")}
_CLIPS_WITHOUT_FINDINGS = metrics.clips.labels("none")
_REQUEST_BYTES, _RESPONSE_BYTES = (
    metrics.body_bytes.labels("/heatmap", direction) for direction in ("request", "response")
)
_HEADERS = {name.encode(): name for name in ("accept", "accept-encoding", "content-type", "content-encoding")}


@router.post(
    "/heatmap",
    summary="Render heatmaps",
    operation_id="create_heatmaps",
    response_class=Response,
    responses=RESPONSES,
    openapi_extra=REQUEST,
)
async def create_heatmaps(request: Request) -> Response:
    """Run the pipeline on each clip, and respond with its heatmaps.

    By default one clip becomes .npy, and several become safetensors; `Accept` selects. `image/png`, `image/gif`,
    `image/webp` and `video/mp4` show one clip as the option `picture` says.
    """
    service = service_of(request)
    service.check_ready()
    headers = read_headers(request)
    accept, accept_encoding = headers.get("accept"), headers.get("accept-encoding")
    # Headers that cannot be satisfied are refused before the body is read.
    is_picture = choose_format(accept, many=False).is_picture
    choose_coding(accept_encoding)
    token = CancelToken(service.settings.request_seconds)
    started, times = perf_counter(), dict.fromkeys(_STAGES, 0.0)

    def plan(parsed: HeatmapRequest) -> RenderJob:
        format = choose_format(accept, many=len(parsed.clips) > 1)
        if not format.is_available():
            format = choose_format(accept, many=len(parsed.clips) > 1, without=format.media_type)
        coding = choose_coding(accept_encoding, format.compressed, parsed.options.compression)
        plan_started = perf_counter()
        job = parsed.plan(
            format,
            coding,
            service.settings.bounds,
            token,
            whole_volumes=service.renderer.gpu is not None,
            caption_font=service.settings.caption_font,
            kernels=service.renderer.kernels,
        )
        times["pipeline"] = perf_counter() - plan_started
        return job

    body = await receive_body(request, headers, service, token, from_files)
    size = body.size
    parsed: HeatmapRequest | None = None
    job: RenderJob | None = None
    if body.is_small:
        parsed = body.parse()
        times["read"] = perf_counter() - started
        # Pictures are never planned on the event loop, since their captions need fonts.
        if parsed.is_light and not is_picture:
            job = plan(parsed)
            if job.is_light and service.renderer.gpu is None:
                return await _whole(job.render(), job, parsed, size, times, service)
    async with AsyncExitStack() as stack:
        stack.callback(body.reader.release)
        async with cancel_on_disconnect(request, token):
            memory = stack.enter_context(await service.working_memory.reserve(body.working_bytes, token))
            with await service.compute_slots.reserve(1, token):
                if parsed is None:
                    parsed = await service.in_thread(body.parse)
                    times["read"] = perf_counter() - started
                if job is None:
                    job = await service.in_thread(partial(plan, parsed))
            body.reader.release()
            del body  # its bytes are not needed while the response is rendered and sent
            memory.shrink(job.point_bytes)
            if job.writer.buffer_bytes:
                pictures = await service.renderer.picture_memory.reserve(job.writer.buffer_bytes, token)
                stack.enter_context(pictures)
                content = await service.renderer.render(job)
                pictures.shrink(len(content))
                return await _whole(content, job, parsed, size, times, service, stack)
            if job.is_whole:
                return await _whole(await service.renderer.render(job), job, parsed, size, times, service)
            chunks = service.renderer.stream(job)
            first = await anext(chunks)
        stack.callback(_observe, job, parsed, size, times)
        return RenderResponse(first, chunks, _response_headers(job, parsed, times, service), stack.pop_all())


@dataclass(frozen=True, slots=True)
class RequestBody(Generic[Parsed]):
    """A body that has been received.

    Attributes:
        reader: the reader that received it.
        size: its size in bytes.
        parse: parses it into clips and options.
        is_small: whether parsing takes less time than passing it to a thread.
        working_bytes: maximum memory for parsing.
    """

    reader: BodyReader
    size: int
    parse: Callable[[], HeatmapRequest | Parsed]
    is_small: bool
    working_bytes: int


async def receive_body(
    request: Request, headers: dict[str, str], service: Service, token: CancelToken, parse_form: FormParser[Parsed]
) -> RequestBody[Parsed]:
    """Receive a body of any supported type. A small body takes nothing from the budget.

    Args:
        request: a request whose body has not been read.
        headers: the result of `read_headers`.
        service: has the budgets and bounds.
        token: the request's token.
        parse_form: parses the files and options of a form.

    Raises:
        RequestError: 415, the body has an unsupported type, or a content coding.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestError(
            415, "Content-Encoding is not supported in requests: send the body without it", field="Content-Encoding"
        )
    if media_type != FORM and media_type not in BODIES:
        raise RequestError(
            415,
            f"Content-Type {media_type[:100] or 'is missing'}: it must be one of {', '.join([*BODIES, FORM])}",
            field="Content-Type",
            headers={"Accept": ", ".join([*BODIES, FORM])},
        )
    query: bytes = request.scope["query_string"]
    bounds = service.settings.bounds
    reader = BodyReader(request, service.settings, token=token, budget=service.body_memory)
    try:
        if media_type == FORM:
            files, options = await _receive_form(request, reader, service)
            parse: Callable[[], HeatmapRequest | Parsed] = partial(parse_form, files, options, query, bounds, token)
        else:
            parse = partial(BODIES[media_type], await reader.read(), query, bounds, token)
    except BaseException:
        reader.release()
        raise
    # Files may be compressed: even small ones are never unpacked on the event loop.
    is_small = reader.size <= _INLINE_BYTES and media_type not in (FORM, "application/x-npz")
    return RequestBody(reader, reader.size, parse, is_small, working_bytes(media_type, reader.size, bounds))


async def _receive_form(request: Request, reader: BodyReader, service: Service) -> tuple[list[NamedBytes], bytes]:
    """The files and the options of a form.

    Raises:
        RequestError: 422, a part has an unknown name, or `options` is repeated; 400, the form is malformed, or its
            charset is not UTF-8.
        LimitError: there are more files than `max_clips`.
    """
    settings = service.settings

    async def receive() -> Message:
        return {"type": "http.request", "body": await reader.receive(), "more_body": reader.more}

    try:
        form = await Request(request.scope, receive).form(
            max_files=settings.max_clips, max_fields=16, max_part_size=settings.max_body_bytes
        )
    except UnicodeError:
        raise RequestError(400, "the form's charset is not supported: send UTF-8", field="Content-Type") from None
    except HTTPException as error:
        if error.detail.startswith("Too many files"):
            settings.bounds.check("max_clips", settings.max_clips + 1, "files or more", field="file")
        raise
    try:
        return await _read_parts(form)
    finally:
        await form.close()


async def _read_parts(form: FormData) -> tuple[list[NamedBytes], bytes]:
    """A form's files, and its `options`, which are empty if absent."""
    files: list[NamedBytes] = []
    options = b""
    for name, part in form.multi_items():
        data = await part.read() if isinstance(part, UploadFile) else part.encode()
        if name == "file":
            files.append(NamedBytes((part.filename or "") if isinstance(part, UploadFile) else "", data))
        elif name == "options" and not options:
            options = data
        else:
            raise RequestError(
                422,
                f'the form has an unknown part {name!r:.60}: use "file", which can be repeated, and one "options"',
                field=name[:60],
            )
    return files, options


def read_headers(request: Request) -> dict[str, str]:
    """The headers that the route reads, by lower-case name; repeated ones are joined by commas (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for name, value in request.scope["headers"]:
        if name in _HEADERS:
            key, text = _HEADERS[name], value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def _whole(
    content: bytes,
    job: RenderJob,
    parsed: HeatmapRequest,
    size: int,
    times: dict[str, float],
    service: Service,
    reserved: AsyncExitStack | None = None,
) -> Response:
    """A response with a rendered body, whose bytes stay reserved in a budget until they are sent if it is large.

    Args:
        content: the body.
        job, parsed, size, times, service: belong to the request.
        reserved: the memory already reserved for the content; None reserves it from the budget for tiles.

    Raises:
        RequestError: 503, the budget is used up.
    """
    _observe(job, parsed, size, times)
    headers = _response_headers(job, parsed, times, service)
    if len(content) <= SLICE_BYTES:
        return Response(content, headers=headers)
    if reserved is None:
        stack = AsyncExitStack()
        stack.enter_context(await service.renderer.tile_memory.reserve(len(content), job.token))
    else:
        stack = reserved.pop_all()
    headers["Content-Length"] = str(len(content))
    return RenderResponse(content, None, headers, stack)


def _observe(job: RenderJob, parsed: HeatmapRequest, size: int, times: dict[str, float]) -> None:
    times["render"], times["encode"] = job.seconds
    for stage, seconds in times.items():
        _STAGES[stage].observe(seconds)
    without_findings = len(parsed.clips)
    for code, count in parsed.report.worst.items():
        metrics.clips.labels(code).inc(count)
        without_findings -= count
    _CLIPS_WITHOUT_FINDINGS.inc(without_findings)
    _REQUEST_BYTES.inc(size)
    _RESPONSE_BYTES.inc(job.written)


def _response_headers(
    job: RenderJob, parsed: HeatmapRequest, times: dict[str, float], service: Service
) -> dict[str, str]:
    """Headers of a response; render and encode durations only if the response was rendered whole."""
    headers = {
        "Content-Type": job.media_type,
        "Vary": "Accept, Accept-Encoding",
        "Server-Timing": ", ".join(
            [f"{stage};dur={1e3 * seconds:.3f}" for stage, seconds in times.items() if seconds or job.is_whole]
        ),
        "X-Heatmap-Version": f'version="{__version__}", kernels={service.renderer.kernels}, '
        f'pipeline="{parsed.options.built_pipeline.id}"',
    }
    if job.writer.coding.name != "identity":
        headers["Content-Encoding"] = job.writer.coding.name
    if parsed.report:
        headers["X-Heatmap-Warning"] = parsed.report.header
    if parsed.seed is not None:
        headers["X-Heatmap-Seed"] = str(parsed.seed)
        headers["X-Heatmap-Version"] += f", seed={parsed.seed}"
    if job.writer.length is not None and not job.is_whole:
        headers["Content-Length"] = str(job.writer.length)
    return headers
