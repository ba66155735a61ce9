"""POST /annotation/inspect: the contents of a dataset's files, before it is built."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import structlog
from fastapi import APIRouter, Request
from starlette.responses import Response

from heatsvc.api import metrics
from heatsvc.api.build_schemas import form_body
from heatsvc.api.build_submission import check_no_query, find_dataset, form_parts, parse_options, sort_files
from heatsvc.api.cancellation import cancel_on_disconnect, wait_shielded
from heatsvc.api.inspection_schemas import DatasetContents
from heatsvc.api.problems import RequestError, problem_responses
from heatsvc.api.service import Service, service_of
from heatsvc.api.upload import UploadedForm, form_boundary, save_form
from heatsvc.cancel import CancelToken
from heatsvc.child import ChildError, run_in_child

log = structlog.get_logger("heatsvc.inspection")
router = APIRouter(tags=["datasets"], responses=problem_responses(400, 401, 408, 413, 415, 422, 500, 503, 507))

_PARTS = ("keypoints", "labels", "split", "options")

# A child process reads the files: the limit of its address space, of which the interpreter and NumPy take 128 MiB, and
# the memory that is reserved for it.
_ADDRESS_BYTES, _MEMORY_BYTES = 512 << 20, 256 << 20


@router.post(
    "/annotation/inspect",
    summary="Inspect a dataset's files",
    response_model=DatasetContents,
    response_description="The contents of the files.",
    openapi_extra=form_body("InspectionForm"),
)
async def inspect_annotation(request: Request) -> Response:
    """Describes keypoint files, labels and splits: names, rows, encodings, splits, and how many of the names match.

    All parts are optional. Nothing is built or stored. Only some files are read; checking the dataset reads them all.
    """
    service = service_of(request)
    form_boundary(request)  # refuses other bodies before an upload slot is taken
    check_no_query(request)
    token = CancelToken()
    with service.uploads.slot():
        folder = await wait_shielded(service.on_disk(service.builds.directory.new_upload))
        try:
            parts = {name: part for name, part in form_parts(service.settings).items() if name in _PARTS}
            form = await save_form(request, service, folder, parts)
            async with cancel_on_disconnect(request, token):
                with await service.working_memory.reserve(_MEMORY_BYTES, token):
                    read = partial(_read, service, folder, form, token)
                    contents = await wait_shielded(service.on_disk(read))
        finally:
            token.cancel()
            await wait_shielded(service.on_disk(partial(service.builds.directory.discard, folder)))
    metrics.body_bytes.labels("/annotation/inspect", "request").inc(form.size)
    return Response(contents.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store"})


def _read(service: Service, folder: Path, form: UploadedForm, token: CancelToken) -> DatasetContents:
    # Not needed to start the service: it imports the readers of labels and splits.
    from heatsvc.annotation.contents import describe_contents

    settings = service.settings
    options = parse_options(form.texts.get("options", b""), settings)
    dataset = None if options.dataset is None else find_dataset(settings, options.dataset)
    work = folder / "work"
    work.mkdir()
    try:
        found = run_in_child(
            describe_contents,
            sort_files(form.files, dataset),
            options,
            work,
            settings.bounds,
            memory_bytes=_ADDRESS_BYTES,
            seconds=settings.request_seconds,
            token=token,
        )
    except ChildError as error:
        log.warning("a dataset was not inspected", reason=str(error))
        raise RequestError(
            422, f"the files cannot be inspected: {error}. Checking the dataset may take more time and memory"
        ) from None
    return DatasetContents.model_validate(found)
