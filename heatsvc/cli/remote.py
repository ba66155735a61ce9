"""`heatsvc draw --url`: heatmaps that a service renders."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import numpy.typing as npt
import stamina

from heatsvc.cli.errors import CommandError, UsageError, describe_error
from heatsvc.cli.heatmap_files import atomic_file
from heatsvc.cli.heatmap_options import DRAW
from heatsvc.cli.output import print_error
from heatsvc.cli.target import OutputPaths, Target, WrittenFile
from heatsvc.client import Client, HeatsvcError, ServiceError
from heatsvc.encode.formats import PICTURES
from heatsvc.encode.formats.npz import check_names
from heatsvc.errors import InputError

if TYPE_CHECKING:
    from rich.progress import Progress

    from heatsvc.cli.sources import KeypointSource

Volumes = Mapping[str, npt.NDArray[Any]]

_ARRAYS = ("npy", "npz")


def connect(url: str, api_key: str | None) -> Client:
    """Make a client of a service. It reports retries on standard error.

    Raises:
        UsageError: the URL is invalid.
    """
    stamina.instrumentation.set_on_retry_hooks([_report_retry])
    try:
        return Client(url, api_key=api_key)
    except ValueError as error:
        raise UsageError(f"--url: {error}") from None


def _report_retry(details: stamina.instrumentation.RetryDetails) -> None:
    """Report a retry. stamina would log it on standard output, which the heatmaps may go to."""
    print_error("heatsvc draw", f"{details.caused_by}; trying again in {details.wait_for:.1f} s")


class RemoteDrawing:
    """Sends files to a service, and writes its heatmaps to files.

    Args:
        client: of the service.
        options: of all clips, as in a request.
        target: where the files are written.
        sources: the files to send.
        jobs: number of requests at a time.
        bar: shows the progress.

    Attributes:
        written: the files that were written so far, in any order.
        failed: number of sources that could not be drawn.
        total: number of sources.

    Raises:
        UsageError: the format is not available with --url, or a source is standard input.
    """

    def __init__(
        self,
        client: Client,
        options: Mapping[str, Any],
        target: Target,
        sources: Sequence[KeypointSource],
        jobs: int,
        bar: Progress,
    ) -> None:
        if target.extension not in (*_ARRAYS, *PICTURES):
            known = ", ".join(f".{name}" for name in (*_ARRAYS, *PICTURES))
            raise UsageError(f"with --url the output is {known}, not .{target.extension}")
        if any(not source.paths for source in sources):
            raise UsageError("with --url standard input is not read: give a file")
        self._client, self._options, self._target = client, dict(options), target
        self._sources, self._jobs, self._bar = sources, jobs, bar
        self._paths = OutputPaths(sources)
        self._task = bar.add_task("drawing", total=len(sources))
        self.written: list[WrittenFile] = []
        self.failed = 0
        self.total = len(sources)

    def draw(self) -> None:
        """Send each source. One that the service refuses is reported, and the others are drawn.

        Raises:
            CommandError: the service cannot be reached, or needs another key.
            UsageError: the format holds one clip, and there are several.
            OSError: a file cannot be written.
        """
        drawn: dict[int, Volumes | bytes] = {}
        with ThreadPoolExecutor(min(self._jobs, len(self._sources))) as pool, _warnings_as_lines():
            futures = {pool.submit(self._request, source): index for index, source in enumerate(self._sources)}
            try:
                for future in as_completed(futures):
                    source = self._sources[futures[future]]
                    try:
                        result = future.result()
                        if self._target.path is None:
                            self._write_each(source, result)
                        else:
                            drawn[futures[future]] = result
                    except (ServiceError, InputError) as error:
                        self._report(source, error)
                    self._bar.advance(self._task)
            except HeatsvcError as error:
                raise CommandError(f"--url: {error}") from None
            finally:
                pool.shutdown(cancel_futures=True)
        if self._target.path is not None and not self.failed:
            self._write_together([drawn[index] for index in sorted(drawn)], self._target.path)

    def _report(self, source: KeypointSource, error: ServiceError | InputError) -> None:
        """Report why a source could not be drawn.

        Raises:
            CommandError: the key is missing or wrong, so that no source could be drawn.
        """
        if isinstance(error, ServiceError) and error.status == HTTPStatus.UNAUTHORIZED:
            raise CommandError("the service wants a key of its own: give --api-key, or set HEATSVC_API_KEY")
        if isinstance(error, ServiceError) and error.problem and "detail" in error.problem:
            problem = error.problem
            error = InputError(str(problem["detail"]), field=problem.get("field"), file=problem.get("file"))
        text = describe_error(error, DRAW.flags, source.title) if isinstance(error, InputError) else str(error)
        self.failed += 1
        print_error("heatsvc draw", text)

    def _request(self, source: KeypointSource) -> Volumes | bytes:
        path = source.paths[0].absolute().parent if source.together else source.paths[0]
        try:
            return self._drawn(path)
        except OSError as error:
            raise InputError(error.strerror or str(error)) from None

    def _drawn(self, path: Path) -> Volumes | bytes:
        if self._target.extension in PICTURES:
            return self._client.picture(path, format=self._target.extension, **self._options)  # type: ignore[arg-type]
        return self._client.heatmap([path], **self._options)

    def _write_each(self, source: KeypointSource, result: Volumes | bytes) -> None:
        if isinstance(result, bytes):
            self._write(self._target.path_of(source.name_of("", 0, 1)), [source.title], result, {})
            return
        for index, (name, imgs) in enumerate(result.items()):
            path = self._target.path_of(source.name_of(name, index, len(result)))
            try:
                self._write(path, [source.title], self._file({name: imgs}), {name: imgs})
            except InputError as error:
                self._report(source, error)

    def _write_together(self, results: Sequence[Volumes | bytes], path: str) -> None:
        volumes: dict[str, npt.NDArray[Any]] = {}
        content = b""
        for result in results:
            if isinstance(result, bytes):
                content = result
            else:
                volumes.update(result)
        if self._target.extension == "npy" and len(volumes) > 1:
            raise UsageError(self._target.too_many_message(len(volumes), "clips"))
        content = content or self._file(volumes)
        if self._target.is_standard_output:
            sys.stdout.buffer.write(content)
        else:
            self._write(Path(path), [source.title for source in self._sources], content, volumes)

    def _file(self, volumes: Volumes) -> bytes:
        """The content of a file of arrays.

        Raises:
            InputError: an npz cannot have members of these names.
        """
        file = BytesIO()
        if self._target.extension == "npz":
            check_names(list(volumes))
            # np.savez_compressed takes the names as arguments, and has some of its own, such as `file`.
            with ZipFile(file, "w", ZIP_DEFLATED) as archive:
                for name, imgs in volumes.items():
                    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, imgs, allow_pickle=False)
        else:
            (imgs,) = volumes.values()
            np.save(file, imgs, allow_pickle=False)
        return file.getvalue()

    def _write(self, path: Path, sources: list[str], content: bytes, volumes: Volumes) -> None:
        self._paths.reserve(path, sources[0])
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as file:
            file.write(content)
        described = [
            {"name": name, "shape": list(imgs.shape), "dtype": str(imgs.dtype)} for name, imgs in volumes.items()
        ]
        self.written.append(WrittenFile(str(path), sources, described))


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print the warnings of the client as lines on standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_, **__: print_error("heatsvc draw", f"warning: {message}")
        yield
