"""Settings: `HEATSVC_...` in the environment or in a `.env` file."""

from __future__ import annotations

from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from heatsvc.bounds import Bounds, usable_cores

_B = Bounds()
_MIB = 1 << 20


def _bound(name: str, unit: str, description: str) -> Any:
    """A setting that is a bound, with the bound's own default."""
    return Field(getattr(_B, name), ge=1, description=description, json_schema_extra={"unit": unit})


def _field(default: Any, unit: str, description: str, **limits: Any) -> Any:
    return Field(default, description=description, json_schema_extra={"unit": unit}, **limits)


class Settings(BaseSettings):
    """What can be set, with units. `heatsvc settings` prints the ones in force."""

    model_config = SettingsConfigDict(env_prefix="HEATSVC_", env_file=".env", extra="ignore", frozen=True)

    host: str = _field("127.0.0.1", "address", "Where `heatsvc serve` listens.")
    port: int = _field(8000, "port", "Where `heatsvc serve` listens.", ge=0, le=65535)
    workers: int = _field(
        1, "processes", "Processes that answer requests, at one address; one a core is most.", ge=1, le=256
    )
    log_level: Literal["debug", "info", "warning", "error"] = _field("info", "level", "The least that is logged.")
    access_log: bool = _field(True, "yes or no", "A line for each request.")
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = _field(
        (), "keys, by comma", "Bearer keys, any of which opens the service; none: open to all."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = _field(
        (), "origins, by comma", "Web origins whose pages may call the service; none: no CORS."
    )
    device: str = _field(
        "auto",
        "device",
        "What draws large batches: `cpu`, `cuda` or `cuda:N`; `auto`: a GPU, from the size on at which it is faster.",
        pattern=r"^(auto|cpu|cuda(:\d{1,3})?)$",
    )
    draw_threads: int = _field(
        0,
        "threads",
        "Threads that draw, in each process; 0: the cores divided among the processes, at least one.",
        ge=0,
        le=1024,
    )

    max_in_flight: int = _field(64, "requests", "Requests at a time, in each process; further ones get 503.", ge=1)
    max_queue_bytes: int = _field(
        16 << 30, "bytes", "Heatmaps, decoded, that wait to be drawn; where some do, more than these get 503.", ge=1
    )
    request_seconds: float = _field(60.0, "seconds", "From a request's start to its answer's.", gt=0)
    idle_seconds: float = _field(15.0, "seconds", "That a client may neither send nor take anything.", gt=0)
    max_body_bytes: int = _field(64 * _MIB, "bytes", "A request's body.", ge=1)
    max_uploads: int = _field(
        8, "requests", "Uploads to /annotation at a time, in each process; further ones get 503.", ge=1
    )
    max_upload_bytes: int = _field(16 << 30, "bytes", "A form sent to /annotation, which goes to disk.", ge=1)
    max_upload_files: int = _field(100_000, "files", "Files in a form sent to /annotation.", ge=1)
    max_watchers: int = _field(
        256,
        "requests",
        "Requests at a time, in each process, that wait for builds, watch them or fetch their files.",
        ge=1,
    )
    annotation_sync_bytes: int = _field(
        1 << 30, "bytes", "The largest form whose build is waited for; larger ones are answered with 202.", ge=0
    )
    annotation_wait_seconds: float = _field(600.0, "seconds", "That an answer waits for a build; then it is 202.", ge=0)
    datasets_dir: Path | None = _field(
        None, "folder", "Where the folders lie that the option `dataset` names; none: no such option."
    )
    max_clips: int = _bound("max_clips", "clips", "Clips a request.")
    max_persons: int = _bound("max_persons", "persons", "Persons (M) a clip.")
    max_frames: int = _bound("max_frames", "frames", "Frames (T) a clip.")
    max_keypoints: int = _bound("max_keypoints", "keypoints", "Keypoints (V) a person.")
    max_map_side: int = _bound("max_map_side", "pixels", "A map's height or width.")
    max_map_work: int = _bound(
        "max_map_work", "pixels", "Work for one map: the windows of all persons and of all channels that share it."
    )
    max_volume_bytes: int = _bound("max_volume_bytes", "bytes", "An answer when it is decoded.")
    max_answer_bytes: int = _bound("max_answer_bytes", "bytes", "An answer as it is sent, an upper bound of it.")
    max_json_values: int = _bound("max_json_values", "values", "Values of an answer in JSON.")
    max_input_values: int = _bound("max_input_values", "values", "Values in a JSON body or file.")
    max_unpacked_bytes: int = _bound("max_unpacked_bytes", "bytes", "An uploaded archive when unpacked.")
    max_archive_members: int = _bound("max_archive_members", "files", "Files in an uploaded archive.")
    max_archive_ratio: int = _bound("max_archive_ratio", "times", "Unpacked to packed size of a file in an archive.")
    max_pickle_objects: int = _bound("max_pickle_objects", "objects", "Objects in an annotation pickle.")
    max_dataset_files: int = _bound("max_dataset_files", "files", "Keypoint files of a dataset, those in archives too.")
    max_dataset_bytes: int = _bound("max_dataset_bytes", "bytes", "Keypoint files of a dataset, unpacked.")

    data_dir: Path = _field(
        Path("heatsvc-data"),
        "folder",
        "The data directory, with builds and uploads; created where it does not exist.",
    )
    build_workers: int = _field(
        1, "processes", "Processes that `heatsvc serve` has build; 0: `heatsvc worker` runs elsewhere.", ge=0, le=64
    )
    build_concurrency: int = _field(1, "builds", "Builds at a time, in each worker.", ge=1, le=64)
    build_jobs: int = _field(
        0, "processes", "Processes that read keypoints, in each build; 0: one a core.", ge=0, le=1024
    )
    build_attempts: int = _field(
        3, "attempts", "Times that a build may crash in a row without progress; then it has failed.", ge=1
    )
    builds_keep_seconds: float = _field(7 * 86400.0, "seconds", "That a finished build is kept.", gt=0)
    builds_keep_bytes: int = _field(50 << 30, "bytes", "Of finished builds that are kept; the oldest go first.", ge=0)
    uploads_keep_seconds: float = _field(
        3600.0, "seconds", "That an upload may rest before it counts as given up.", gt=0
    )

    @field_validator("api_keys", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Several by comma."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @cached_property
    def bounds(self) -> Bounds:
        """The bounds that the rooms below `api` are given."""
        return Bounds(**{bound.name: getattr(self, bound.name) for bound in fields(Bounds)})

    @property
    def jobs(self) -> int:
        """Processes that read keypoints in a build: as set, or one a core this process may use."""
        return self.build_jobs or usable_cores()

    def worker_environment(self) -> dict[str, str]:
        """What a worker needs to have the same settings: those that were changed, but not the keys of clients."""
        environment = {}
        for name, info in type(self).model_fields.items():
            value = getattr(self, name)
            if value != info.default and name not in ("api_keys", "cors_origins"):
                text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
                environment[f"HEATSVC_{name.upper()}"] = text
        return environment

    @property
    def threads(self) -> int:
        """Threads that draw: as set, or this process's share of the cores."""
        return self.draw_threads or max(1, usable_cores() // self.workers)


def describe_settings() -> list[dict[str, Any]]:
    """Name, default, unit and description of each setting, for the docs and `heatsvc settings`."""
    rows = []
    for name, info in Settings.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        rows.append(
            {
                "name": f"HEATSVC_{name.upper()}",
                "field": name,
                "default": info.default,
                "unit": extra.get("unit", ""),
                "description": info.description,
            }
        )
    return rows
