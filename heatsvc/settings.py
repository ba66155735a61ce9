"""Settings: `HEATSVC_...` variables of the environment or of a file `.env`."""

from __future__ import annotations

import difflib
import multiprocessing
import os
import re
import sys
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from heatsvc.bounds import Bounds, usable_cores

_B = Bounds()
_MIB = 1 << 20
_PREFIX = "HEATSVC_"
_ENV_FILE = ".env"
# Variables of the build, of docker-compose.yml, of clients and of the tests: they are not settings.
_OTHER_VARIABLES = re.compile(
    r"HEATSVC_(PUBLISH|CPUS|MEMORY|WORKER_CPUS|WORKER_MEMORY|DATASETS|API_KEY|(GPU_)?BASE_IMAGE|REQUIRE_NATIVE|TEST_\w+)",
    re.A,
)
# Memory that no setting bounds; measured on Linux with CPython 3.11.
# A worker process that has rendered takes 79 MiB (resident), 43 MiB more once the libraries of pictures and videos are
# loaded, and its share of the parent's 45 MiB.
_PROCESS_BYTES = 160 * _MIB
_CONNECTION_BYTES = (64 + 256) << 10  # what uvicorn buffers of a request or response, and one read or write
_THREAD_BYTES = 8 * _MIB  # a render thread's stack and scratch arrays
_BUILD_WORKER_BYTES = 400 * _MIB  # a build worker with its reading processes
_PLAIN_VALUE = re.compile(r"[\w./:,@%+*\[\]-]*", re.ASCII)


def _bound(name: str, unit: str, description: str) -> Any:
    """A setting for a field of `Bounds`, with the same default."""
    return Field(getattr(_B, name), ge=1, description=description, json_schema_extra={"unit": unit})


def _field(default: Any, unit: str, description: str, **limits: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"unit": unit}, **limits)


class Settings(BaseSettings):
    """All settings, with units. `heatsvc settings` prints their values."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, env_file=_ENV_FILE, extra="ignore", frozen=True)

    host: str = _field("127.0.0.1", "address", "Address that `heatsvc serve` listens on.")
    port: int = _field(8000, "port", "Port that `heatsvc serve` listens on.", ge=0, le=65535)
    workers: int = _field(
        1, "processes", "Worker processes of `heatsvc serve`; more than one per core is not faster.", ge=1, le=256
    )
    root_path: str = _field(
        "",
        "path",
        "Path prefix that a reverse proxy strips from requests, such as `/heatmaps`; links in responses begin with it.",
        pattern=r"^(/[^/\s]+)*$",
    )
    forwarded_allow_ips: str = _field(
        "",
        "addresses, separated by commas",
        "Reverse proxies or networks whose X-Forwarded-For and -Proto headers are trusted; `*`: all; empty: none.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = _field(
        "info", "level", "Lowest log level that is written."
    )
    access_log: bool = _field(True, "boolean", "Whether to log a line for each request, at level info.")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = _field(
        (),
        "keys, separated by commas",
        "API keys; each request must send one of them as a bearer token. Empty: no key is needed.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = _field(
        (), "origins, separated by commas", "Web origins whose pages may call the service; empty: no CORS headers."
    )
    device: str = _field(
        "auto",
        "device",
        "Device that renders: `cpu`, `cuda` or `cuda:N`; `auto`: a GPU, for batches large enough to be faster on it.",
        pattern=r"^(auto|cpu|cuda(:\d{1,3})?)$",
    )
    kernels: Literal["auto", "native", "reference"] = _field(
        "auto", "kernels", "`native`: compiled kernels; `reference`: NumPy, slower; `auto`: native if installed."
    )
    draw_threads: int = _field(
        0,
        "threads",
        "Render threads of each worker process; 0: the number of cores divided by `workers`, at least one.",
        ge=0,
        le=1024,
    )

    max_in_flight: int = _field(
        512, "requests", "Maximum number of requests in flight in each worker process; further ones get 503.", ge=1
    )
    compute_slots: int = _field(
        16, "requests", "Maximum number of requests that are parsed and planned at a time, or wait for a thread.", ge=1
    )
    body_memory_bytes: int = _field(
        128 * _MIB, "bytes", "Memory for the bodies of requests that are being received, in each worker process.", ge=1
    )
    working_memory_bytes: int = _field(
        512 * _MIB, "bytes", "Memory for parsing and planning requests, in each worker process.", ge=1
    )
    tile_memory_bytes: int = _field(
        128 * _MIB, "bytes", "Memory for encoded tiles until they are sent, in each worker process.", ge=1
    )
    picture_memory_bytes: int = _field(
        128 * _MIB, "bytes", "Memory for pictures until they are sent, in each worker process.", ge=1
    )
    admission_seconds: float = _field(
        4.0, "seconds", "Total time that a request waits for compute slots and memory; then it gets 503.", gt=0
    )
    request_seconds: float = _field(
        60.0, "seconds", "Time from the start of a request to the start of its response.", gt=0
    )
    idle_seconds: float = _field(
        15.0, "seconds", "Time after which the connection of a client that neither sends nor reads is closed.", gt=0
    )
    max_body_bytes: int = _field(64 * _MIB, "bytes", "Largest body of a request.", ge=1)
    max_uploads: int = _field(
        8, "requests", "Maximum number of uploads to /annotation in each worker process; further ones get 503.", ge=1
    )
    max_upload_bytes: int = _field(
        16 << 30, "bytes", "Largest body of an upload to /annotation, which is written to disk.", ge=1
    )
    max_upload_files: int = _field(100_000, "files", "Maximum number of files in an upload to /annotation.", ge=1)
    max_watchers: int = _field(
        256,
        "requests",
        "Maximum number of requests in each worker process that wait for builds, follow events or download files.",
        ge=1,
    )
    annotation_sync_bytes: int = _field(
        1 << 30, "bytes", "Largest upload whose response waits for the build; larger ones get 202 at once.", ge=0
    )
    annotation_wait_seconds: float = _field(
        600.0, "seconds", "Time that a response waits for a build; then it is 202.", ge=0
    )
    datasets_dir: Path | None = _field(
        None, "folder", "Folder with the datasets that the option `dataset` can name; unset: the option is rejected."
    )
    max_clips: int = _bound("max_clips", "clips", "Maximum number of clips in a request.")
    max_persons: int = _bound("max_persons", "persons", "Maximum number of persons (M) in a clip.")
    max_frames: int = _bound("max_frames", "frames", "Maximum number of frames (T) in a clip.")
    max_keypoints: int = _bound("max_keypoints", "keypoints", "Maximum number of keypoints (V) of a person.")
    max_map_side: int = _bound("max_map_side", "pixels", "Largest height or width of a map.")
    max_map_work: int = _bound(
        "max_map_work",
        "pixels",
        "Maximum number of pixels computed for one map: the sum of the windows of all its persons and channels.",
    )
    max_volume_bytes: int = _bound("max_volume_bytes", "bytes", "Largest decoded size of a response.")
    max_potion_bytes: int = _bound(
        "max_potion_bytes", "bytes", "Memory for the color sums of a clip's PoTion pictures while they are rendered."
    )
    max_picture_pixels: int = _bound("max_picture_pixels", "pixels", "Largest frame of a picture or video.")
    max_picture_frames: int = _bound("max_picture_frames", "frames", "Maximum number of frames of a picture or video.")
    max_picture_bytes: int = _bound("max_picture_bytes", "bytes", "Largest size of a picture's or video's file.")
    caption_font: str = _field(
        "",
        "path",
        "Font file for captions in pictures; empty: Pillow's font for Latin letters, a font of the system for others.",
    )
    max_json_values: int = _bound("max_json_values", "values", "Maximum number of values in a JSON response.")
    max_input_values: int = _bound("max_input_values", "values", "Maximum number of values in a JSON body or file.")
    max_unpacked_bytes: int = _bound("max_unpacked_bytes", "bytes", "Largest unpacked size of an uploaded archive.")
    max_archive_members: int = _bound("max_archive_members", "files", "Maximum number of files in an uploaded archive.")
    max_archive_ratio: int = _bound(
        "max_archive_ratio", "times", "Largest ratio of unpacked to packed size of a file in an archive."
    )
    max_pickle_objects: int = _bound(
        "max_pickle_objects", "objects", "Maximum number of objects in an annotation pickle."
    )
    max_dataset_files: int = _bound(
        "max_dataset_files", "files", "Maximum number of keypoint files in a dataset, including those in archives."
    )
    max_dataset_bytes: int = _bound(
        "max_dataset_bytes", "bytes", "Largest unpacked size of a dataset's keypoint files."
    )

    data_dir: Path = _field(
        Path("heatsvc-data"),
        "folder",
        "The data directory, with builds and uploads; created if it does not exist.",
    )
    build_workers: int = _field(
        1, "processes", "Build workers that `heatsvc serve` starts; 0 if `heatsvc worker` runs elsewhere.", ge=0, le=64
    )
    build_concurrency: int = _field(1, "builds", "Builds that each build worker runs at a time.", ge=1, le=64)
    build_jobs: int = _field(
        0, "processes", "Processes that read keypoints in each build; 0: one per core.", ge=0, le=1024
    )
    build_attempts: int = _field(
        3, "attempts", "Number of consecutive crashes without progress after which a build has failed.", ge=1
    )
    builds_keep_seconds: float = _field(7 * 86400.0, "seconds", "Time that a finished build is kept.", gt=0)
    builds_keep_bytes: int = _field(
        50 << 30, "bytes", "Total size of the finished builds that are kept; the oldest are deleted first.", ge=0
    )
    uploads_keep_seconds: float = _field(
        3600.0, "seconds", "Time without new data after which an upload is deleted as abandoned.", gt=0
    )

    @field_validator("api_keys", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Split a list at its commas."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @cached_property
    def bounds(self) -> Bounds:
        """The bounds as the packages below `api` take them."""
        return Bounds(**{bound.name: getattr(self, bound.name) for bound in fields(Bounds)})

    @property
    def jobs(self) -> int:
        """Processes that read keypoints in a build: `build_jobs`, or one per core that this process may use."""
        return self.build_jobs or usable_cores()

    @property
    def memory_bytes(self) -> int:
        """Memory that `heatsvc serve` takes at most on the CPU, in bytes: a sum that docs/guides/memory.md explains.

        A worker process takes the sum of

        - 160 MiB without requests;
        - 320 KiB of buffers for each request in flight, including uploads and watchers;
        - the budgets for bodies, for parsing and planning, for tiles, and for pictures;
        - the memory of the largest tile while it is rendered. Only one such tile is rendered at a time, since it takes
          the whole budget for tiles. It takes the largest of: that budget; a map of `max_map_side` (its float32 pixels,
          twice); a PoTion picture (its color sums, and up to three times as much for the picture);
        - 8 MiB for each render thread.

        A build worker takes 400 MiB. The sum holds if no request needs more than a whole budget: one that needs more
        gets the whole budget and then exceeds it.
        """
        connections = self.max_in_flight + self.max_uploads + self.max_watchers
        largest_tile = max(self.tile_memory_bytes, 2 * 4 * self.max_map_side**2, 4 * self.max_potion_bytes)
        process = (
            _PROCESS_BYTES
            + connections * _CONNECTION_BYTES
            + self.body_memory_bytes
            + self.working_memory_bytes
            + self.tile_memory_bytes
            + self.picture_memory_bytes
            + largest_tile
            + self.threads * _THREAD_BYTES
        )
        return self.workers * process + self.build_workers * _BUILD_WORKER_BYTES

    def worker_environment(self) -> dict[str, str]:
        """Variables that pass settings other than the defaults to a build worker; API keys are left out."""
        environment = {}
        for name, info in type(self).model_fields.items():
            value = getattr(self, name)
            if value != info.default and name not in ("api_keys", "cors_origins"):
                text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                environment[variable_of(name)] = text
        return environment

    @property
    def threads(self) -> int:
        """Render threads: `draw_threads`, or this process's share of the cores."""
        return self.draw_threads or max(1, usable_cores() // self.workers)


def variable_of(name: str) -> str:
    """The environment variable of a setting: `HEATSVC_PORT` of `port`."""
    return f"{_PREFIX}{name.upper()}"


def load_settings() -> Settings:
    """Read the settings, and warn of variables that look like settings but are not.

    Raises:
        SystemExit: a value is invalid. Each invalid value is reported in a line on standard error.
    """
    if multiprocessing.parent_process() is None:  # worker processes need not repeat the warnings
        for warning in unknown_variables():
            print(f"heatsvc: {warning}", file=sys.stderr)
    try:
        return Settings()
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            name = str(fault["loc"][0])
            value = "" if name == "api_keys" else f" {fault['input']!r:.60}"
            print(f"heatsvc: {variable_of(name)} cannot be{value}: {fault['msg']}", file=sys.stderr)
        raise SystemExit(2) from None


def unknown_variables() -> list[str]:
    """A warning for each `HEATSVC_...` variable of the environment or `.env` that is not a setting."""
    warnings = []
    for variable in sorted({*os.environ, *dotenv_values(_ENV_FILE)}):
        name = variable.removeprefix(_PREFIX).lower()
        is_known = name in Settings.model_fields or _OTHER_VARIABLES.fullmatch(variable)
        if variable.startswith(_PREFIX) and not is_known:
            nearest = difflib.get_close_matches(name, Settings.model_fields, 1)
            hint = f": did you mean {variable_of(nearest[0])}?" if nearest else ""
            warnings.append(f"{variable} is not a setting{hint}")
    return warnings


def format_settings(settings: Settings) -> str:
    """The settings as a `.env` file with comments. Secrets are not printed: their lines are comments."""
    lines = []
    for row in describe_settings():
        value = getattr(settings, row["field"])
        default = "" if value == row["default"] else f" (default {_format_value(row['default'])})"
        lines.append(f"# {row['unit']}: {row['description']}{default}")
        if value is None or (row["secret"] and not value):
            lines.append(f"# {row['name']}=")
        elif row["secret"]:
            lines.append(f"# {row['name']}=... is set; its value is not printed")
        else:
            lines.append(f"{row['name']}={_format_value(value)}")
    return "\n".join(lines) + "\n"


def _format_value(value: object) -> str:
    """A value as written in a `.env` file."""
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    if isinstance(value, bool):
        text = text.lower()
    return text if _PLAIN_VALUE.fullmatch(text) else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def describe_settings() -> list[dict[str, Any]]:
    """Name, default, unit and description of each setting, for the docs and `heatsvc settings`."""
    rows = []
    for name, info in Settings.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        rows.append(
            {
                "name": variable_of(name),
                "field": name,
                "default": info.default,
                "unit": extra.get("unit", ""),
                "description": info.description,
                "secret": "SecretStr" in str(info.annotation),
            }
        )
    return rows
