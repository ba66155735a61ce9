"""POST /clips: the clips of an upload, and their points before and after the pipeline."""

from __future__ import annotations

from contextlib import AsyncExitStack
from time import perf_counter

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from heatsvc.api.cancellation import cancel_on_disconnect
from heatsvc.api.clip_list import describe_clips, describe_headers, headers_or_clips
from heatsvc.api.clip_schemas import CLIPS_RESPONSES, ClipList
from heatsvc.api.heatmap_schemas import REQUEST
from heatsvc.api.negotiation import choose_coding, choose_media
from heatsvc.api.request import HeatmapRequest
from heatsvc.api.routes.heatmap import RequestRoute, read_headers, receive_body
from heatsvc.api.service import service_of
from heatsvc.cancel import CancelToken

router = APIRouter(tags=["heatmaps"], route_class=RequestRoute)

_JSON = "application/json"


@router.post(
    "/clips",
    summary="List the clips of an upload",
    response_model=ClipList,
    response_description="The clips. Chosen clips, or a single clip, include their points.",
    responses=CLIPS_RESPONSES,
    openapi_extra=REQUEST,
)
async def list_clips(request: Request) -> Response:
    """Lists the clips of a body for `POST /heatmap`, with the same options, and renders nothing.

    For an annotation pickle with several clips, only their names and sizes are listed unless `frame_dir` chooses some.
    Chosen clips include their points, before and after the pipeline.
    """
    service = service_of(request)
    headers = read_headers(request)
    choose_media(headers.get("accept"), (_JSON,))
    coding = choose_coding(headers.get("accept-encoding"))
    bounds, token = service.settings.bounds, CancelToken(service.settings.request_seconds)
    started = perf_counter()
    body = await receive_body(request, headers, service, token, headers_or_clips)

    def describe() -> bytes:
        parsed = body.parse()
        if isinstance(parsed, HeatmapRequest):
            content = describe_clips(parsed, bounds, token)
        else:
            content = describe_headers(parsed)
        compressor = coding.compressor()
        return compressor.compress(content) + compressor.flush()

    async with AsyncExitStack() as stack:
        stack.callback(body.reader.release)
        async with cancel_on_disconnect(request, token):
            stack.enter_context(await service.working_memory.reserve(body.working_bytes, token))
            with await service.compute_slots.reserve(1, token):
                content = await service.in_thread(describe)
    response = {"Vary": "Accept, Accept-Encoding", "Server-Timing": f"clips;dur={1e3 * (perf_counter() - started):.3f}"}
    if coding.name != "identity":
        response["Content-Encoding"] = coding.name
    return Response(content, headers=response, media_type=_JSON)
