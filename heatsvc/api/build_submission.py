"""Turns requests to /annotation into builds: saves and checks the form, hashes its content, and submits the build."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

import orjson
from starlette.requests import Request

from heatsvc import __version__
from heatsvc.annotation.errors import AnnotationError
from heatsvc.annotation.inputs import InputFile, Inputs
from heatsvc.annotation.options import AnnotationOptions
from heatsvc.api import metrics
from heatsvc.api.cancellation import wait_shielded
from heatsvc.api.problems import RequestError, busy, validated
from heatsvc.api.request import parse_object
from heatsvc.api.service import Service
from heatsvc.api.upload import FormPart, UploadedFile, UploadedForm, form_boundary, save_form
from heatsvc.bounds import Bounds
from heatsvc.jobs.builds import Builds, StillEndingError
from heatsvc.jobs.request import BuildRequest, dataset_folder
from heatsvc.jobs.state import BuildState
from heatsvc.pose.archives.formats import HEAD, compression_of, is_tar, is_zip
from heatsvc.pose.archives.frames import is_label_beside_frames
from heatsvc.settings import Settings

# Increase it when the same input gives a different result than before.
_CONTENT_VERSION = 2

_MAX_SUGGESTIONS = 10
_MAX_SCANNED = 10_000


async def submit_build(request: Request, service: Service, *, check: bool) -> tuple[BuildState, int]:
    """Save a request's form and submit its build; return the build and the size of the body in bytes.

    If this fails, the form is deleted from the disk.

    Raises:
        InputError: the form, its parts or its options are invalid.
        ClientDisconnect: the client disconnected before all of it arrived.
        DataDirectoryError: the data directory cannot be written, or is full.
    """
    settings = service.settings
    form_boundary(request)  # refuses other bodies before an upload slot is taken
    check_no_query(request)
    with service.uploads.slot():
        builds = service.builds
        folder = await wait_shielded(service.on_disk(builds.directory.new_upload))
        try:
            form = await save_form(request, service, folder, form_parts(settings))
            state = await wait_shielded(service.on_disk(partial(_submit, builds, folder, form, settings, check)))
        finally:
            # If the build was submitted, the folder has been moved to it, and there is nothing to delete.
            await wait_shielded(service.on_disk(partial(builds.directory.discard, folder)))
    metrics.body_bytes.labels("/annotation", "request").inc(form.size)
    return state, form.size


def check_no_query(request: Request) -> None:
    """Raise RequestError if options are sent in the query."""
    if request.url.query:
        raise RequestError(
            422, "query parameters are not supported: send options in the form's part `options`", field="query"
        )


def form_parts(settings: Settings) -> dict[str, FormPart]:
    """The parts of a dataset's form."""

    def check_options(text: bytes) -> None:
        """Reject invalid options as soon as they arrive, not after gigabytes of keypoints."""
        options = parse_options(text, settings)
        if options.dataset is not None:
            find_dataset(settings, options.dataset)

    return {
        "keypoints": FormPart(many=True),
        "labels": FormPart(many=True),
        "split": FormPart(many=True),
        "trim": FormPart(many=True),
        "options": FormPart(text=True, check=check_options),
    }


def _submit(builds: Builds, folder: Path, form: UploadedForm, settings: Settings, check: bool) -> BuildState:
    options = parse_options(form.texts.get("options", b""), settings)
    dataset = None if options.dataset is None else find_dataset(settings, options.dataset)
    inputs = sort_files(form.files, dataset)
    _check_complete(inputs, options)
    digest = None if dataset is None else _hash_dataset(dataset, settings.bounds)
    id = _content_id(form.files, options, check=check, dataset=digest)
    try:
        return builds.submit(folder, BuildRequest(inputs, options, check, time.time()), id)
    except StillEndingError:
        raise busy(
            "the same build was just cancelled and has not ended yet: send the request again", retry_after=5
        ) from None


def parse_options(text: bytes, settings: Settings) -> AnnotationOptions:
    """The form's options part; all defaults if it is absent or empty."""
    if not text.strip():
        return AnnotationOptions.model_validate({})
    try:
        given = parse_object(text, settings.bounds)
    except RequestError as error:
        raise RequestError(error.status, f"options: {error.detail}", field="options") from None
    options = validated(AnnotationOptions, given)
    try:
        orjson.dumps(options.model_dump(mode="json"))
    except (TypeError, ValueError, RecursionError):  # nested too deeply for the JSON writer
        raise RequestError(
            422, "options are nested too deeply: a split rule has at most three levels", field="split"
        ) from None
    return options


def sort_files(files: Sequence[UploadedFile], folder: Path | None) -> Inputs:
    """Sort the files by their part of the form."""

    def of(part: str) -> tuple[InputFile, ...]:
        return tuple(
            InputFile(file.name or file.part, file.path) for file in sorted(files, key=_order) if file.part == part
        )

    return Inputs(keypoints=of("keypoints"), folder=folder, labels=of("labels"), split=of("split"), trim=of("trim"))


def _check_complete(inputs: Inputs, options: AnnotationOptions) -> None:
    """Raise RequestError if an input is missing, or given twice."""
    if not inputs.labels and inputs.folder is None and not any(map(_may_hold_labels, inputs.keypoints)):
        raise RequestError(
            422,
            'the form has no part named "labels": send at least one table of labels (xlsx, CSV or JSON)',
            field="labels",
        )
    if not inputs.keypoints and inputs.folder is None:
        raise RequestError(
            422,
            'the form has no part named "keypoints", and the option dataset is not set: send keypoint files or an '
            "archive of them, or set dataset to a folder on the server",
            field="keypoints",
        )
    if inputs.keypoints and inputs.folder is not None:
        raise RequestError(422, "send keypoints or the option dataset, not both", field="dataset")
    if inputs.split and options.split is not None:
        raise RequestError(422, "send a split file or the option split, not both", field="split")


def _may_hold_labels(file: InputFile) -> bool:
    """Whether a keypoint file may be an archive with labels in it, or is one of AIHub's label files."""
    if is_label_beside_frames(file.name):
        return True
    with file.path.open("rb") as opened:
        head = opened.read(HEAD)
    return is_zip(head) or is_tar(head) or compression_of(head) is not None


def _content_id(
    files: Iterable[UploadedFile], options: AnnotationOptions, *, check: bool, dataset: bytes | None
) -> str:
    """A build's id, 32 hexadecimal digits: equal for equal files, names and options, in any order."""
    digest = hashlib.sha256(f"heatsvc {__version__} {_CONTENT_VERSION} {check}\n".encode())
    for file in sorted(files, key=_order):
        name = file.name.encode("utf-8", "surrogatepass")
        digest.update(b"%s %d " % (file.part.encode(), len(name)))
        digest.update(name + file.sha256)
    # The order of keys is part of the id: the pickle has its splits in the order of the rule.
    digest.update(b"\n" + orjson.dumps(options.model_dump(mode="json")) + b"\n")
    digest.update(dataset or b"")
    return digest.hexdigest()[:32]


def _order(file: UploadedFile) -> tuple[str, str, bytes]:
    return file.part, file.name, file.sha256


def find_dataset(settings: Settings, name: str) -> Path:
    """The folder of a mounted dataset."""
    root = settings.datasets_dir
    try:
        return dataset_folder(root, name)
    except AnnotationError as error:
        names = _suggest_names(root, name) if root is not None else ()
        suggestion = f". Existing folders: {', '.join(names)}" if names else ""
        raise RequestError(422, error.detail + suggestion, field="dataset") from None


def _suggest_names(root: Path, name: str) -> list[str]:
    """Names of the folders in the deepest folder of `name` that exists."""
    folder = root
    try:
        for part in PurePosixPath(name).parts:
            if part in ("/", "..") or "\0" in part or (folder / part).is_symlink() or not (folder / part).is_dir():
                break
            folder /= part
        with os.scandir(folder) as entries:
            folders = [Path(entry.path) for entry in islice(entries, _MAX_SCANNED) if entry.is_dir()]
    except OSError:
        return []
    names = [str(path.relative_to(root)) for path in folders if not path.name.startswith(".")]
    return sorted(names)[:_MAX_SUGGESTIONS]


def _hash_dataset(folder: Path, bounds: Bounds) -> bytes:
    """A digest of the names, sizes and modification times of all files in a folder."""
    digest = hashlib.sha256()
    files = 0
    folders = [folder]
    try:
        while folders:
            with os.scandir(folders.pop()) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                    continue
                files += 1
                bounds.check("max_dataset_files", files, "files or more in the dataset", field="dataset")
                stat = entry.stat(follow_symlinks=False)
                name = os.fsencode(os.path.relpath(entry.path, folder))
                digest.update(b"%d %d %d " % (len(name), stat.st_size, stat.st_mtime_ns))
                digest.update(name)
    except OSError as error:
        raise RequestError(
            422, f"the dataset cannot be read: {error.strerror}; it may be changing", field="dataset"
        ) from None
    return digest.digest()
