"""Submission: a form on disk, made into what is to be built."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import orjson
from starlette.requests import Request

from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.api import metrics
from heatsvc.api.annotation.content import content_id, in_order
from heatsvc.api.annotation.datasets import digest_of, mounted
from heatsvc.api.clips import parse_object
from heatsvc.api.limits import finished
from heatsvc.api.options import validated
from heatsvc.api.problems import RequestError, busy
from heatsvc.api.service import Service
from heatsvc.api.spool import Part, Spooled, SpooledFile, boundary_of, full_disk, spool_form
from heatsvc.jobs.builds import Builds, StillEndingError
from heatsvc.jobs.place import Place
from heatsvc.jobs.request import BuildRequest
from heatsvc.jobs.state import BuildState
from heatsvc.settings import Settings


async def submit(request: Request, service: Service, *, check: bool) -> tuple[BuildState, int]:
    """Take a form in and have it built; the build and how many bytes were sent.

    Whatever goes wrong, and wherever: nothing of the form stays on disk.

    Raises:
        InputError: the form, its parts or its options cannot be used.
        ClientGoneError: the client hung up before all was there.
    """
    settings = service.settings
    boundary_of(request)  # what is no form takes no place
    if request.url.query:
        raise RequestError(422, "the options stand in the form's part options, not in the query", field="query")
    with service.uploads.place():
        builds = service.builds
        spool = await finished(service.on_disk(partial(_new_upload, builds)))
        try:
            parts = _parts(settings)
            form = await spool_form(request, settings, spool, parts, service.on_disk)
            state = await finished(service.on_disk(partial(_submit, builds, spool, form, settings, check)))
        finally:
            # Once submitted the folder is the build's, under another name, and here is none any more.
            await finished(service.on_disk(partial(Place(settings.data_dir).discard, spool)))
    metrics.body_bytes.labels("/annotation", "request").inc(form.size)
    return state, form.size


def _parts(settings: Settings) -> dict[str, Part]:
    """What a form to /annotation holds."""

    def early(text: bytes) -> None:
        """Options that cannot be used are told of as soon as they are there, not after gigabytes of keypoints."""
        options = options_of(text, settings)
        if options.dataset is not None:
            mounted(settings, options.dataset)

    return {
        "keypoints": Part(many=True),
        "labels": Part(many=True),
        "split": Part(),
        "trim": Part(many=True),
        "options": Part(text=True, check=early),
    }


def _new_upload(builds: Builds) -> Path:
    try:
        return builds.new_upload()
    except OSError as error:
        raise full_disk(error) from error


def _submit(builds: Builds, spool: Path, form: Spooled, settings: Settings, check: bool) -> BuildState:
    options = options_of(form.texts.get("options", b""), settings)
    folder = None if options.dataset is None else mounted(settings, options.dataset)
    inputs = _inputs(form.files, options, folder)
    dataset = None if folder is None else digest_of(folder, settings)
    content = content_id(form.files, options, check=check, dataset=dataset)
    try:
        return builds.submit(spool, BuildRequest(inputs, options, check, time.time()), content)
    except StillEndingError:
        raise busy(
            "the same build was cancelled just now, and has not ended yet: send it again", retry_after=5
        ) from None
    except OSError as error:
        raise full_disk(error) from error


def options_of(text: bytes, settings: Settings) -> AnnotationOptions:
    """The options part; without one, or with an empty one, all have their defaults.

    Raises:
        RequestError: 400, no JSON object; 422, an option that does not exist, or a value that it cannot have.
    """
    if not text.strip():
        return AnnotationOptions.model_validate({})
    try:
        given = parse_object(text, settings.bounds)
    except RequestError as error:
        raise RequestError(error.status, f"options: {error.detail}", field="options") from None
    options = validated(AnnotationOptions, given)
    try:
        orjson.dumps(options.model_dump(mode="json"))
    except (TypeError, ValueError, RecursionError):  # nested deeper than anything that is kept may be
        raise RequestError(
            422, "options are nested too deep: a rule for splits has three levels", field="split"
        ) from None
    return options


def _inputs(files: Sequence[SpooledFile], options: AnnotationOptions, folder: Path | None) -> Inputs:
    """The files by what they are for.

    Raises:
        RequestError: 422, something is missing, or given in two ways.
    """

    def of(part: str) -> tuple[InputFile, ...]:
        return tuple(
            InputFile(file.name or file.part, file.path) for file in sorted(files, key=in_order) if file.part == part
        )

    keypoints, labels, split, trim = of("keypoints"), of("labels"), of("split"), of("trim")
    if not labels:
        raise RequestError(
            422,
            'the form has no part named "labels": give at least one table of labels (xlsx, CSV or JSON)',
            field="labels",
        )
    if not keypoints and folder is None:
        raise RequestError(
            422,
            'the form has no part named "keypoints", and the options name no dataset: give files of keypoints, '
            "an archive of them, or the name of a folder that the server has",
            field="keypoints",
        )
    if keypoints and folder is not None:
        raise RequestError(422, "give keypoints or the option dataset, not both", field="dataset")
    if split and options.split is not None:
        raise RequestError(422, "give a split file or the option split, not both", field="split")
    return Inputs(keypoints=keypoints, folder=folder, labels=labels, split=split[0] if split else None, trim=trim)
