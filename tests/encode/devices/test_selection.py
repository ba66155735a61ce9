"""The choice of a device: what is found, what is measured, and what is selected."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.devices import find_gpu, select_device, selection
from heatsvc.encode.devices.calibration import Measurement, calibrate, min_winning_bytes
from heatsvc.encode.devices.gpu import GpuDevice
from heatsvc.encode.job import PlannedVolume
from heatsvc.errors import DeviceError
from tests.encode.devices.fake_encoder import FakeEncoder
from tests.encode.devices.test_gpu import Fallbacks

CLIP = 48 * 17 * 64 * 64 * 4


def measurements(*pairs: tuple[float, float]) -> list[Measurement]:
    """Seconds of CPU and GPU for 1, 2, ... clips of 100 bytes."""
    return [Measurement(clips, 100 * clips, cpu, gpu) for clips, (cpu, gpu) in enumerate(pairs, start=1)]


@pytest.mark.parametrize(
    ("pairs", "min_bytes"),
    [
        ([(1, 5), (2, 5), (4, 5), (8, 5)], 400),
        ([(6, 5), (7, 5)], 100),
        ([(1, 5), (2, 5)], None),
        ([(6, 5), (4, 5), (8, 5)], 300),  # a win by chance at the small end is none
        ([(1, 5), (9, 5), (8, 9)], None),
        ([(5, 5)], None),
        ([], None),
    ],
)
def test_the_gpu_takes_batches_from_the_size_on_at_which_it_wins(
    pairs: list[tuple[float, float]], min_bytes: int | None
) -> None:
    assert min_winning_bytes(measurements(*pairs)) == min_bytes


def test_both_sides_are_measured_at_each_size() -> None:
    encoder = FakeEncoder()
    one, four = calibrate(GpuDevice("cpu", DEFAULT_BOUNDS, encoder=encoder), 2, (1, 4))
    assert [(each.clips, each.size) for each in (one, four)] == [(1, CLIP), (4, 4 * CLIP)]
    assert min(one.cpu_seconds, one.gpu_seconds, four.cpu_seconds, four.gpu_seconds) > 0
    assert four.cpu_seconds > one.cpu_seconds
    # Work that is done once for each kind of request is not measured: it comes first, in every type.
    assert encoder.batches[0] == ["load"] * 3
    assert {"zstd", "deflate"} == set(encoder.codings[:4])


def test_the_coder_of_batches_is_measured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a fake: torch's own operations on the CPU."""
    monkeypatch.setattr(selection, "find_gpu", lambda requested: "cpu")
    made = select_device("cuda", 1, DEFAULT_BOUNDS, Fallbacks(), sizes=(1,))
    assert made.gpu is not None
    assert made.gpu.failure is None
    assert [each.clips for each in made.measurements] == [1]


def test_calibration_ends_where_the_gpu_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(volumes: Sequence[PlannedVolume]) -> None:
        if len(volumes) == 4:
            raise RuntimeError("unspecified launch failure")

    fallbacks = Fallbacks()
    monkeypatch.setattr(selection, "find_gpu", lambda requested: "cpu")
    made = select_device("auto", 1, DEFAULT_BOUNDS, fallbacks, encoder=FakeEncoder(fail), sizes=(1, 4, 16))
    assert (made.gpu, len(made.measurements)) == (None, 1)
    assert "unspecified launch failure" in made.why
    assert [reason for reason, _ in fallbacks.calls] == ["lost"]


def full_at(clips: int) -> FakeEncoder:
    """A GPU that has no memory for one of so many."""

    def fail(volumes: Sequence[PlannedVolume]) -> None:
        if volumes[-1].name == str(clips - 1):
            raise torch.OutOfMemoryError("CUDA out of memory.")

    return FakeEncoder(fail)


def test_calibration_ends_where_the_gpu_leaves_something() -> None:
    """Which it does at once: it would seem fast."""
    encoder, fallbacks = full_at(2), Fallbacks()
    gpu = GpuDevice("cpu", DEFAULT_BOUNDS, encoder=encoder, on_fallback=fallbacks)
    assert [each.clips for each in calibrate(gpu, 1, (1, 2, 4))] == [1]
    assert [batch for batch in encoder.batches if len(batch) == 2 and "load" not in batch] == [["0", "1"]]
    assert [reason for reason, _ in fallbacks.calls] == ["memory"]
    assert gpu.failure is None


@pytest.mark.parametrize(
    ("full", "requested", "why"),
    [
        (1, "auto", "cuda:0 ran out of memory for a batch of 1 clip(s) while it was measured"),
        (2, "auto", "cuda:0 ran out of memory for a batch of 2 clip(s) while it was measured"),
        (2, "cuda", "requested, although it ran out of memory for a batch of 2 clip(s) while it was measured"),
    ],
)
def test_a_gpu_without_memory_is_used_only_when_requested(
    monkeypatch: pytest.MonkeyPatch, full: int, requested: str, why: str
) -> None:
    """Whether it would win with more is not known."""
    monkeypatch.setattr(selection, "calibrate", lambda *_: measurements(*[(6, 5)] * (full - 1)))
    monkeypatch.setattr(selection, "find_gpu", lambda requested: "cuda:0")
    made = select_device(requested, 1, DEFAULT_BOUNDS, Fallbacks(), encoder=FakeEncoder(), sizes=(1, 2, 4))
    assert (made.gpu is None, made.why) == (requested == "auto", why)
    assert len(made.measurements) == full - 1


@pytest.mark.parametrize(
    ("pairs", "requested", "min_bytes"),
    [
        ([(1, 5), (8, 5)], "auto", 200),
        ([(1, 5), (2, 5)], "auto", None),
        ([(1, 5), (2, 5)], "cuda", 0),
    ],
)
def test_what_is_chosen(
    monkeypatch: pytest.MonkeyPatch, pairs: list[tuple[float, float]], requested: str, min_bytes: int | None
) -> None:
    monkeypatch.setattr(selection, "calibrate", lambda *_: measurements(*pairs))
    monkeypatch.setattr(selection, "find_gpu", lambda requested: "cuda:0")
    made = select_device(requested, 2, DEFAULT_BOUNDS, Fallbacks(), encoder=FakeEncoder(), sizes=(1, 2))
    assert list(made.measurements) == measurements(*pairs)
    assert (made.gpu.min_batch_bytes if made.gpu else None) == min_bytes
    assert made.why


def test_no_gpu_is_looked_for_when_the_cpu_is_requested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "find_gpu", lambda requested: pytest.fail("looked"))
    made = select_device("cpu", 2, DEFAULT_BOUNDS, Fallbacks())
    assert (made.asked, made.gpu, made.why) == ("cpu", None, "requested")


def test_auto_takes_the_cpu_where_there_is_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "_DRIVER", ())
    made = select_device("auto", 2, DEFAULT_BOUNDS, Fallbacks())
    assert (made.gpu, made.why) == (None, "there is no GPU driver")


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_auto_takes_no_gpu_that_is_hidden(monkeypatch: pytest.MonkeyPatch, hidden: str, tmp_path: Path) -> None:
    monkeypatch.setattr(selection, "_DRIVER", (tmp_path,))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert "CUDA_VISIBLE_DEVICES" in select_device("auto", 2, DEFAULT_BOUNDS, Fallbacks()).why


def test_a_gpu_that_cannot_be_worked_with_keeps_auto_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "find_gpu", lambda requested: "cuda:0")

    def broken(*_: object) -> list[Measurement]:
        raise ImportError("no such library")

    monkeypatch.setattr(selection, "calibrate", broken)
    made = select_device("auto", 2, DEFAULT_BOUNDS, Fallbacks(), encoder=FakeEncoder())
    assert (made.gpu, made.why) == (None, "cuda:0 failed while it was measured: ImportError: no such library")


@pytest.mark.parametrize("error", ["ImportError", "OSError", "RuntimeError", "AttributeError"])
def test_a_pytorch_that_cannot_be_loaded_keeps_auto_from_nothing(tmp_path: Path, error: str) -> None:
    (tmp_path / "torch.py").write_text(f"raise {error}('built for another one')\n")
    code = (
        "import sys; from pathlib import Path; from heatsvc.encode.devices import selection, select_device;"
        "from heatsvc.bounds import DEFAULT_BOUNDS; selection._DRIVER = (Path('/'),); sys.path.insert(0, sys.argv[1]);"
        "print(select_device('auto', 1, DEFAULT_BOUNDS, print).why)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "PyTorch cannot be loaded: built for another one\n"


def test_auto_loads_no_pytorch_on_a_machine_without_a_gpu() -> None:
    code = (
        "import sys; from heatsvc.bounds import DEFAULT_BOUNDS;"
        "from heatsvc.encode.devices import selection, select_device;"
        "selection._DRIVER = (); print(select_device('auto', 1, DEFAULT_BOUNDS, print).why, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "there is no GPU driver False\n"


if not torch.cuda.is_available():

    @pytest.mark.parametrize("requested", ["cuda", "cuda:1"])
    def test_a_requested_gpu_must_exist(requested: str) -> None:
        with pytest.raises(DeviceError, match="PyTorch finds no CUDA device"):
            find_gpu(requested)
        with pytest.raises(DeviceError):
            select_device(requested, 1, DEFAULT_BOUNDS, Fallbacks())

    def test_auto_with_a_driver_and_no_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(selection, "_DRIVER", (tmp_path,))
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        assert select_device("auto", 1, DEFAULT_BOUNDS, Fallbacks()).why == "PyTorch finds no CUDA device"


if torch.cuda.is_available():

    def test_a_gpu_that_is_there_is_found_and_measured() -> None:
        made = select_device("cuda", 2, DEFAULT_BOUNDS, Fallbacks(), sizes=(1, 4))
        assert made.gpu is not None
        assert made.gpu.name == "cuda:0"
        assert [each.clips for each in made.measurements] == [1, 4]

    def test_a_number_that_no_gpu_has() -> None:
        with pytest.raises(DeviceError, match="does not exist"):
            find_gpu("cuda:99")
