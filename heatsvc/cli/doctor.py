"""`heatsvc doctor`: versions for a bug report, and checks whether the service could start."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from heatsvc import __version__
from heatsvc.cli.output import Json, print_json
from heatsvc.settings import Settings

Status = Literal["ok", "note", "wrong"]

_PACKAGES = ("numpy", "pydantic", "fastapi", "starlette", "uvicorn", "orjson", "zstandard", "av", "pillow", "cyclopts")
_EXTRAS = {"hdf5": ("h5py",), "parquet": ("arro3.io",), "torch": ("torch",)}


@dataclass(frozen=True)
class Check:
    """The result of a check.

    Attributes:
        name: what was checked.
        status: ``note``: it works, but could be better.
        detail: what was found, and what would be right.
    """

    name: str
    status: Status
    detail: str


def doctor(*, json: Json = False) -> int:
    """Run all checks. The exit status is 1 if one of them is wrong."""
    checks = list(_checks())
    is_sound = all(check.status != "wrong" for check in checks)
    if json:
        versions = {"heatsvc": __version__, "python": platform.python_version(), **_versions()}
        document = {"versions": versions, "checks": [asdict(check) for check in checks], "ok": is_sound}
        print_json(document)
    else:
        _print_checks(checks)
    return 0 if is_sound else 1


def _checks() -> Iterator[Check]:
    from heatsvc.bounds import usable_cores

    yield Check("heatsvc", "ok", f"{__version__}, {Path(__file__).resolve().parents[1]}")
    yield Check("python", "ok", f"{platform.python_version()}, {sys.executable}")
    yield Check("system", "ok", f"{platform.platform()}, {usable_cores()} of {os.cpu_count()} cores usable")
    yield Check("packages", "ok", ", ".join(f"{name} {number}" for name, number in _versions().items()))
    missing = [name for name, modules in _EXTRAS.items() if not all(_is_installed(module) for module in modules)]
    there = ", ".join(name for name in _EXTRAS if name not in missing) or "none"
    hint = f"; pip install 'heatsvc[{','.join(missing)}]' adds the others" if missing else ""
    yield Check("extras", "ok", f"{there}{hint}")
    settings = None
    for check, found in _check_settings():
        settings = found
        yield check
    if settings is not None:
        yield _check_kernels(settings)
        yield _check_gpu(settings)
        yield _check_data_directory(settings)
        yield _check_port(settings)
        yield _check_font(settings)


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # its package is not installed
        return False


def _check_settings() -> Iterator[tuple[Check, Settings | None]]:
    from pydantic import ValidationError

    from heatsvc.settings import unknown_variables, variable_of

    for warning in unknown_variables():
        yield Check("settings", "note", warning), None
    try:
        settings = Settings()
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            yield Check("settings", "wrong", f"{variable_of(str(fault['loc'][0]))}: {fault['msg']}"), None
        return
    changed = settings.model_fields_set
    shown = ", ".join(sorted(map(variable_of, changed))) if changed else "none"
    yield Check("settings", "ok", f"set: {shown}"), settings


def _check_kernels(settings: Settings) -> Check:
    from heatsvc.kernels import KERNELS, KernelsError

    try:
        KERNELS.use(settings.kernels)
    except KernelsError as error:
        return Check("kernels", "wrong", str(error))
    if KERNELS.hint:
        return Check("kernels", "note", f"reference, many times slower than native: {KERNELS.hint}")
    return Check("kernels", "ok", KERNELS.name)


def _check_gpu(settings: Settings) -> Check:
    from heatsvc.encode.devices import find_gpu
    from heatsvc.errors import DeviceError

    if settings.device == "cpu":
        return Check("gpu", "ok", "not used (HEATSVC_DEVICE=cpu)")
    try:
        return Check("gpu", "ok", find_gpu(settings.device))
    except DeviceError as error:
        if settings.device == "auto":
            return Check("gpu", "ok", f"none, the CPU renders: {error}")
        return Check("gpu", "wrong", f"HEATSVC_DEVICE={settings.device}: {error}")


def _check_data_directory(settings: Settings) -> Check:
    from heatsvc.jobs.data_directory import DataDirectory

    problem = DataDirectory(settings.data_dir).check()
    return Check(
        "data directory", "wrong" if problem else "ok", f"{settings.data_dir}{f': {problem}' if problem else ''}"
    )


def _check_port(settings: Settings) -> Check:
    from heatsvc.cli.serve import listen_error

    where = f"{settings.host}:{settings.port}"
    error = listen_error(settings)
    return Check("port", "wrong", error) if error else Check("port", "ok", f"{where} is free")


def _check_font(settings: Settings) -> Check:
    from heatsvc.errors import InputError
    from heatsvc.render.captions import find_font

    try:
        find_font("A", settings.caption_font)
    except InputError as error:
        return Check("caption font", "wrong", error.detail)
    try:
        find_font("가", settings.caption_font)
    except InputError:
        return Check(
            "caption font", "note", "no Hangul: install a font that has it, or name one in HEATSVC_CAPTION_FONT"
        )
    return Check("caption font", "ok", settings.caption_font or "found, with Hangul")


def _print_checks(checks: list[Check]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "note": "yellow", "wrong": "red"}
    table = Table.grid(padding=(0, 2))
    for check in checks:
        table.add_row(
            Text(check.status, style=styles[check.status]), Text(check.name, style="bold"), Text(check.detail)
        )
    Console().print(table)
