"""The files of builds as responses: whole, in ranges (RFC 9110, section 14), and all together in a zip archive."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import zipfile
from pathlib import Path

import orjson
from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from heatsvc.annotation.artifacts import Artifact, sync_folder
from heatsvc.api.limits import ConcurrencyLimit
from heatsvc.api.problems import RequestError
from heatsvc.api.service import Service
from heatsvc.jobs.folder import BuildFolder
from heatsvc.jobs.state import BuildState, StoredResult

BUNDLE = "bundle.zip"
"""The name of the archive that contains all files of a build."""

ZIP = "application/zip"

_COPY_BYTES = 1 << 20
# The earliest date that zip can store; it is the same in all archives, so that equal files make equal archives.
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)

_RANGES = re.compile(
    r"bytes=[ \t]*(\d{1,18}-\d{0,18}|-\d{1,18})([ \t]*,[ \t]*(\d{1,18}-\d{0,18}|-\d{1,18})){0,99}[ \t]*"
)
# The report's page contains names from uploads: it may load and run nothing.
_PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"


def build_not_found(id: str) -> RequestError:
    """404: no build has this id, or it has been deleted."""
    return RequestError(404, f"there is no build {id!r:.60}: GET /annotation lists all builds")


def build_file_response(service: Service, state: BuildState, name: str, headers: dict[str, str]) -> FileResponse:
    """The response with a file of a build. Call it in a thread: it reads the disk, and may write the bundle.

    Args:
        name: one of the build's artifacts, or BUNDLE.
        headers: added to the file's own.

    Raises:
        RequestError: 404, the build has no such file, or has not written it yet.
        DataDirectoryError: the bundle cannot be written, or the disk is full.
    """
    try:
        path, artifact = _find(service.builds.folder(state.id), state, name)
        stat = path.stat()
    except FileNotFoundError:
        raise build_not_found(state.id) from None
    is_page = artifact.media_type.startswith("text/html")
    headers = {
        "ETag": f'"{artifact.sha256}"',
        "Content-Disposition": f'{"inline" if is_page else "attachment"}; filename="{artifact.name}"',
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
        "Content-Type": artifact.media_type,
        **headers,
    }
    if is_page:
        headers["Content-Security-Policy"] = _PAGE_POLICY
    return _BuildFileResponse(path, stat, artifact.media_type, headers, service.watchers)


def _find(folder: BuildFolder, state: BuildState, name: str) -> tuple[Path, Artifact]:
    result = state.result
    if result is None:
        raise RequestError(404, f"the build is {state.state}: its files are available once it is done")
    if name == BUNDLE and state.state == "done":
        return _bundle(folder, result)
    for artifact in result.artifacts:
        if artifact.name == name:
            return folder.artifacts / artifact.name, artifact
    names = [*(artifact.name for artifact in result.artifacts), *([BUNDLE] if state.state == "done" else ())]
    raise RequestError(404, f"the build has no file {name!r:.60}: it has {', '.join(names) or 'none'}")


def _bundle(folder: BuildFolder, result: StoredResult) -> tuple[Path, Artifact]:
    """The archive of a finished build, written when it is first requested. Its comment is the report's provenance."""
    path, artifacts = folder.path / BUNDLE, result.artifacts
    if not path.exists():
        # Stored without compression: the large files are compressed already.
        handle, partial = tempfile.mkstemp(prefix=f".{BUNDLE}.", dir=folder.path)
        try:
            with os.fdopen(handle, "wb") as file:
                with zipfile.ZipFile(file, "w") as archive:
                    for artifact in artifacts:
                        _add(archive, folder.artifacts / artifact.name, artifact)
                    archive.comment = orjson.dumps((result.report or {}).get("provenance", {}))
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        finally:
            Path(partial).unlink(missing_ok=True)
        sync_folder(folder.path)
    # The members determine the archive's bytes, so their digests identify it.
    digest = hashlib.sha256("".join(f"{artifact.name} {artifact.sha256}\n" for artifact in artifacts).encode())
    return path, Artifact(BUNDLE, ZIP, path.stat().st_size, digest.hexdigest())


def _add(archive: zipfile.ZipFile, path: Path, artifact: Artifact) -> None:
    info = zipfile.ZipInfo(artifact.name, _ZIP_DATE)
    info.external_attr = 0o644 << 16
    info.file_size = artifact.size  # zipfile uses zip64 if the size needs it
    with path.open("rb") as source, archive.open(info, "w") as member:
        shutil.copyfileobj(source, member, _COPY_BYTES)


class _BuildFileResponse(FileResponse):
    """Starlette's `FileResponse`, plus If-None-Match and RFC 9110's handling of invalid ranges.

    It occupies one of the slots for long requests while it is sent.
    """

    chunk_size = 256 << 10

    def __init__(
        self, path: Path, stat: os.stat_result, media_type: str, headers: dict[str, str], slots: ConcurrencyLimit
    ) -> None:
        super().__init__(path, headers=headers, media_type=media_type, stat_result=stat)
        self._slots = slots
        self._size = stat.st_size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._slots.slot():
            if scope["method"] in ("GET", "HEAD"):
                headers = Headers(scope=scope)
                if _matches(headers.get("if-none-match"), self.headers["etag"]):
                    kept = {name: self.headers[name] for name in ("etag", "cache-control", "last-modified")}
                    await Response(status_code=304, headers=kept)(scope, receive, send)
                    return
                scope = self._with_valid_range(scope, headers)
            await super().__call__(scope, receive, send)

    def _with_valid_range(self, scope: Scope, headers: Headers) -> Scope:
        """The request without its Range header if that is invalid, and so ignored (RFC 9110, section 14.2)."""
        ranges = headers.get("range", "")
        unchanged = headers.get("if-range") in (None, self.headers["etag"], self.headers["last-modified"])
        bounds = [text.strip().split("-") for text in ranges.partition("=")[2].split(",")]
        if _RANGES.fullmatch(ranges) and not any(first and last and int(first) > int(last) for first, last in bounds):
            satisfiable = [
                bound for bound in bounds if (int(bound[0]) < self._size if bound[0] else int(bound[1]) and self._size)
            ]
            if unchanged and not satisfiable:
                raise RequestError(
                    416,
                    f"Range: {ranges:.100} is beyond the file's {self._size:,} bytes",
                    field="Range",
                    headers={"Content-Range": f"bytes */{self._size}"},
                )
            ranges = "bytes=" + ",".join("-".join(bound) for bound in satisfiable)
        else:
            ranges = ""
        others = [(name, value) for name, value in scope["headers"] if name != b"range"]
        return {**scope, "headers": [*others, (b"range", ranges.encode())] if ranges else others}


def _matches(condition: str | None, etag: str) -> bool:
    """Whether an If-None-Match header matches the ETag, by weak comparison (RFC 9110, section 13.1.2)."""
    if condition is None:
        return False
    return any(tag.strip() in ("*", etag, f"W/{etag}") for tag in condition.split(","))
