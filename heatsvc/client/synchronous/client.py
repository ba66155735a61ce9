"""Client: the operations of a heatsvc service as methods."""

# Made from heatsvc/client/asynchronous/client.py by `make client`.
from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Mapping, Sequence, Sized
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, cast, overload

import httpx2

from heatsvc.client.bodies import ClipLike, clip_body, clip_name, is_one_clip
from heatsvc.client.concurrency import map_in_order
from heatsvc.client.datasets import Dataset, dataset_body
from heatsvc.client.errors import HeatsvcError, ServiceError
from heatsvc.client.findings import describe_findings, warn
from heatsvc.client.options import AnnotationOptions, HeatmapOptions
from heatsvc.client.progress import Progress, ProgressCallback, progress_callback
from heatsvc.client.synchronous.building import build_dataset
from heatsvc.client.synchronous.connection import Connection
from heatsvc.client.uploads import PathLike
from heatsvc.client.volumes import (
    NPY,
    SAFETENSORS,
    TensorKind,
    Volume,
    as_tensor,
    check_tensor_kind,
    read_npy,
    read_safetensors,
)

if TYPE_CHECKING:
    import torch

PICTURES = {"png": "image/png", "gif": "image/gif", "webp": "image/webp", "mp4": "video/mp4"}


class Client:
    """A client of one heatsvc service.

    ``with Client("http://127.0.0.1:8000") as client: imgs = client.heatmap("clip.npy", ...)``.
    Tasks and threads may share it, but a process that was forked after its first request may not.

    Args:
        url: of the service, with the path that it is mounted at.
        api_key: one of its `HEATSVC_API_KEYS`.
        timeout: seconds that the service may be silent before a request fails. The default is more than the 60 that a
            service takes for a response.
        retries: how often a request is retried after a 503 or a failed connection.
        max_retry_wait: maximum number of seconds before a retry. If the service's `Retry-After` is longer, the request
            fails at once.
        max_volume_bytes: largest size of a decoded response.
        transport: of httpx2, instead of the network: `httpx2.ASGITransport(app)` in tests.

    Raises:
        ValueError: the URL does not begin with http:// or https://, or no header can have the key.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout: float = 90.0,
        retries: int = 3,
        max_retry_wait: float = 30.0,
        max_volume_bytes: int = 4 << 30,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._connection = Connection(
            url,
            api_key=api_key,
            timeout=timeout,
            retries=retries,
            max_retry_wait=max_retry_wait,
            max_bytes=max_volume_bytes,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    @overload  # a text is a path, and no sequence of paths
    def heatmap(  # type: ignore[overload-overlap]
        self, clips: ClipLike, *, tensor: Literal["numpy"] = ..., **options: Unpack[HeatmapOptions]
    ) -> Volume: ...

    @overload
    def heatmap(  # type: ignore[overload-overlap]
        self, clips: ClipLike, *, tensor: Literal["torch"], **options: Unpack[HeatmapOptions]
    ) -> torch.Tensor: ...

    @overload
    def heatmap(
        self,
        clips: Sequence[ClipLike],
        *,
        tensor: Literal["numpy"] = ...,
        concurrency: int = ...,
        progress: bool | ProgressCallback = ...,
        **options: Unpack[HeatmapOptions],
    ) -> dict[str, Volume]: ...

    @overload
    def heatmap(
        self,
        clips: Sequence[ClipLike],
        *,
        tensor: Literal["torch"],
        concurrency: int = ...,
        progress: bool | ProgressCallback = ...,
        **options: Unpack[HeatmapOptions],
    ) -> dict[str, torch.Tensor]: ...

    def heatmap(
        self,
        clips: ClipLike | Sequence[ClipLike],
        *,
        tensor: TensorKind = "numpy",
        concurrency: int = 4,
        progress: bool | ProgressCallback = False,
        **options: Unpack[HeatmapOptions],
    ) -> Any:
        """Render heatmaps.

        Args:
            clips: one clip, or a sequence of them: an array ``[V, 2|3]``, ``[T, V, 2|3]`` or ``[M, T, V, 2|3]`` in
                pixels; a mapping ``{keypoint, keypoint_score?, img_shape?, layout?, frame_dir?}``; or the path of a
                keypoint file, an archive or a folder. In a sequence a path may hold several clips.
            tensor: ``torch`` for tensors in place of arrays.
            concurrency: number of requests that are sent at a time for a sequence, one for each item.
            progress: for a sequence: True for a bar on standard error, or a function that is called with `Progress`.
            options: of the request, see `HeatmapOptions`.

        Returns:
            For one clip its volume: ``[T, K, H, W]`` for the pipeline ``view``, ``[clips, K, T, H, W]`` after a
            FormatShape. For a sequence a dict of volumes by `frame_dir`; by position where a clip has none.

        Raises:
            OSError: a file cannot be read.
            TypeError, ValueError: an argument is no clip, or two clips have the same name.
            ServiceError: the service refused the request; `problem` says which field, file and frame.
            ConnectionFailedError: the service cannot be reached.
            InvalidResponseError: the response is incomplete, or not one of heatsvc.
        """
        check_tensor_kind(tensor)
        if is_one_clip(clips):
            volumes, findings = self._render_one(cast("ClipLike", clips), options)
            warn(findings, stacklevel=2)
            return as_tensor(volumes, tensor)
        named: dict[str, Any] = {}
        with closing(self._render_many(cast("Sequence[ClipLike]", clips), concurrency, progress, options)) as results:
            for rendered, findings in results:
                warn(findings, stacklevel=2)
                for name, volume in rendered.items():
                    if name in named:
                        raise ValueError(f"two clips are called {name!r}: give them a frame_dir, or use iter_heatmaps")
                    named[name] = as_tensor(volume, tensor)
        return named

    def iter_heatmaps(
        self,
        clips: Iterable[ClipLike],
        *,
        tensor: TensorKind = "numpy",
        concurrency: int = 4,
        progress: bool | ProgressCallback = False,
        **options: Unpack[HeatmapOptions],
    ) -> Generator[tuple[str, Any]]:
        """Render heatmaps of any number of clips, and yield names and volumes in the order of the clips.

        Only a few volumes are in memory at a time. Arguments and errors are those of `heatmap`; `clips` may be a
        generator.
        """
        check_tensor_kind(tensor)
        with closing(self._render_many(clips, concurrency, progress, options)) as results:
            for rendered, findings in results:
                warn(findings, stacklevel=2)
                for name, volume in rendered.items():
                    yield name, as_tensor(volume, tensor)

    def picture(
        self,
        clip: ClipLike,
        *,
        format: Literal["png", "gif", "webp", "mp4"] = "png",
        **options: Unpack[HeatmapOptions],
    ) -> bytes:
        """Render a clip's heatmaps as a picture or a video, with the option `picture`; errors are those of `heatmap`.

        Raises:
            ValueError: there is no such format.
        """
        if format not in PICTURES:
            raise ValueError(f"format must be {', '.join(PICTURES)}, not {format!r:.60}")
        reply = self._connection.request("POST", "/heatmap", accept=PICTURES[format], body=clip_body(clip, options))
        warn(describe_findings(reply.headers.get("x-heatmap-warning")), stacklevel=2)
        return reply.content.tobytes()

    def clips(self, clip: ClipLike, **options: Unpack[HeatmapOptions]) -> dict[str, Any]:
        """List the clips of a file or a folder with their findings, and the layouts of their points.

        Returns:
            The document of `POST /clips`, ``{"clips": [...], "layouts": [...]}``.
        """
        reply = self._connection.request("POST", "/clips", body=clip_body(clip, options))
        return cast("dict[str, Any]", reply.json())

    def annotate(
        self,
        keypoints: PathLike | Sequence[PathLike] = (),
        labels: PathLike | Sequence[PathLike] = (),
        split: PathLike | Sequence[PathLike] | Mapping[str, Any] = (),
        *,
        output: PathLike,
        trim: PathLike | Sequence[PathLike] = (),
        extra_options: Mapping[str, Any] | None = None,
        progress: bool | ProgressCallback = False,
        **options: Unpack[AnnotationOptions],
    ) -> Dataset:
        """Build a dataset: upload its files, wait for the build, and download the result.

        A folder is sent as a tar archive that is made while it is sent. Equal files and options are built once,
        however often they are sent: after a failure call it again. A download that breaks off is resumed, also by the
        next call.

        Args:
            keypoints: files, archives or folders.
            labels: tables of labels, or folders of them.
            split: files, or a rule, ``{"signer": {"train": ">10", "test": "<=10"}}``.
            output: the file to write, ``.pkl`` for the annotation pickle, ``.zip`` for all files of the build. An
                existing file is replaced when the new one is complete.
            trim: frame counts, or trimmed videos.
            extra_options: options that are no arguments, such as ``{"labels": "names"}``.
            progress: True for bars on standard error, or a function that is called with `Progress`.
            options: of the request, see `AnnotationOptions`.

        Raises:
            OSError: a file cannot be read, or the output cannot be written.
            BuildFailedError: the options do not allow the faults of the files, or the build was cancelled.
            ServiceError: the service refused the request.
            ConnectionFailedError: the service cannot be reached.
            InvalidResponseError: the response is incomplete, or not one of heatsvc.
        """
        body = dataset_body(keypoints, labels, split, trim, {**options, **(extra_options or {})})
        with progress_callback(progress) as report:
            return build_dataset(self._connection, body, Path(output), report)

    def inspect(
        self,
        keypoints: PathLike | Sequence[PathLike] = (),
        labels: PathLike | Sequence[PathLike] = (),
        split: PathLike | Sequence[PathLike] | Mapping[str, Any] = (),
        *,
        extra_options: Mapping[str, Any] | None = None,
        **options: Unpack[AnnotationOptions],
    ) -> dict[str, Any]:
        """Report what is in the files of a dataset, without building it. Arguments and errors are those of `annotate`.

        Returns:
            The document of `POST /annotation/inspect`.
        """
        body = dataset_body(keypoints, labels, split, (), {**options, **(extra_options or {})})
        reply = self._connection.request("POST", "/annotation/inspect", body=body)
        return cast("dict[str, Any]", reply.json())

    def layouts(self) -> list[dict[str, Any]]:
        """All keypoint layouts with the names of their points, limbs and sides (`GET /layouts`)."""
        return cast("list[dict[str, Any]]", (self._connection.request("GET", "/layouts")).json())

    def pipelines(self) -> dict[str, Any]:
        """All steps with their parameters, and the presets (`GET /pipelines`)."""
        return cast("dict[str, Any]", (self._connection.request("GET", "/pipelines")).json())

    def ready(self) -> dict[str, Any]:
        """The service's version, device and kernels (`GET /health/ready`); a ServiceError where it is not ready."""
        return cast("dict[str, Any]", (self._connection.request("GET", "/health/ready")).json())

    def _render_one(self, clip: ClipLike, options: HeatmapOptions) -> tuple[Volume, list[str]]:
        try:
            reply = self._connection.request("POST", "/heatmap", accept=NPY, body=clip_body(clip, options))
        except ServiceError as error:
            if error.status == 406:
                raise HeatsvcError(
                    f"{clip!s:.200} holds several clips: give a list, [path], for all, or choose one by frame_dir",
                    status=error.status,
                    problem=error.problem,
                ) from None
            raise
        return read_npy(reply.content), describe_findings(reply.headers.get("x-heatmap-warning"))

    def _render_many(
        self,
        clips: Iterable[ClipLike],
        concurrency: int,
        progress: bool | ProgressCallback,
        options: HeatmapOptions,
    ) -> Generator[tuple[dict[str, Volume], list[str]]]:
        """Yield the volumes of each item by name, and what is doubtful in it."""
        seed = options.get("seed")

        def render(numbered: tuple[int, ClipLike]) -> tuple[dict[str, Volume], list[str]]:
            index, clip = numbered
            own = options if seed is None else {**options, "seed": (seed + index) % 2**32}
            is_file = isinstance(clip, str | os.PathLike)
            accept = SAFETENSORS if is_file else NPY
            reply = self._connection.request("POST", "/heatmap", accept=accept, body=clip_body(clip, own))
            volumes = read_safetensors(reply.content) if is_file else {clip_name(clip, index): read_npy(reply.content)}
            return volumes, describe_findings(reply.headers.get("x-heatmap-warning"), ", ".join(volumes))

        total = len(clips) if isinstance(clips, Sized) else None
        with progress_callback(progress) as report:
            with closing(map_in_order(render, enumerate(clips), concurrency)) as results:
                done = 0
                for result in results:
                    done += 1
                    report(Progress("clips", done, total, "clips"))
                    yield result
