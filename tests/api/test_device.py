"""A GPU behind the door, by a stand-in that codes on the CPU: what it is given, what is told of it, how it is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from heatsvc.encode.drawing import Drawing
from pydantic import ValidationError

from heatsvc.app import create_app
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.devices import Choice, GpuDevice
from heatsvc.encode.devices.calibration import Figure
from heatsvc.settings import Settings
from tests.api.asking import CLIP, JSON, NPZ, SAFETENSORS, Asker
from tests.api.test_batches import Gate, begin, gate, long, posting, queue, until, wide
from tests.api.test_service import sample
from tests.encode.devices.coders import StandIn

__all__ = ["gate"]

SMALL = 3 * 64 * 64 * 4
FIGURES = [Figure(1, 100, 2e-4, 9e-4), Figure(4, 400, 8e-4, 1e-4)]


def with_gpu(service: Asker, coder: StandIn, least: float = 0) -> Asker:
    """The service, as if it had found a GPU."""
    lanes = service.app.state.service.lanes
    gpu = GpuDevice("cuda:0", DEFAULT_BOUNDS, coder=coder, least=least, fell=lanes.fell)
    lanes.use(Choice("auto", "cuda:0 is faster", gpu, FIGURES))
    return service


def device(service: Asker) -> dict[str, object]:
    told: dict[str, object] = service.get("/health/ready").json()["device"]
    return told


def test_readiness_tells_why_it_is_the_cpu(serve: Callable[..., Asker]) -> None:
    told = device(serve(device="cpu", draw_threads=3))
    assert told == {
        "asked": "cpu",
        "used": "cpu",
        "why": "asked for",
        "from_bytes": None,
        "cpu_lanes": 3,
        "measured": [],
    }


def test_readiness_tells_the_choice_and_its_figures(serve: Callable[..., Asker]) -> None:
    service = with_gpu(serve(), StandIn(), least=400)
    told = device(service)
    assert (told["asked"], told["used"], told["why"], told["from_bytes"]) == ("auto", "cuda:0", "cuda:0 is faster", 400)
    assert told["measured"] == [
        {"clips": 1, "bytes": 100, "cpu_seconds": 0.0002, "gpu_seconds": 0.0009},
        {"clips": 4, "bytes": 400, "cpu_seconds": 0.0008, "gpu_seconds": 0.0001},
    ]


def test_sixty_four_requests_in_flight_can_be_one_batch(serve: Callable[..., Asker]) -> None:
    arrived, free = threading.Semaphore(0), threading.Semaphore(0)

    def wait(drawings: Sequence[Drawing]) -> None:
        arrived.release()
        assert free.acquire(timeout=60)

    coder = StandIn(wait)
    service = with_gpu(serve(draw_threads=1), coder)
    asked = [begin(service, posting(service, {**CLIP, "frame_dir": "first"}))]
    assert arrived.acquire(timeout=60)  # the GPU works
    names = [f"clip{place}" for place in range(64)]
    asked += [begin(service, posting(service, {**CLIP, "frame_dir": name})) for name in names]
    until(lambda: queue(service) == 64 * SMALL)
    free.release(2)
    assert [each.result(60).status for each in asked] == [200] * 65
    assert coder.batches[0] == ["first"]
    assert sorted(coder.batches[1]) == sorted(names)
    assert len(coder.batches) == 2
    assert sample(service, "heatsvc_batch_tasks_sum", device="cuda:0") == 65
    assert sample(service, "heatsvc_batch_tasks_count", device="cuda:0") == 2


def test_what_the_gpu_draws_is_what_the_cpu_draws(serve: Callable[..., Asker]) -> None:
    coder, documents = StandIn(), [CLIP, wide("a"), long("b", 70)]
    plain, service = serve(device="cpu"), with_gpu(serve(), coder)
    for document in documents:
        for coding in ("zstd", "deflate"):
            drawn, expected = (each.draw(document, accept_encoding=coding) for each in (service, plain))
            assert (drawn.status, drawn.headers["content-encoding"]) == (200, coding)
            assert drawn.body == expected.body
    assert sum(map(len, coder.batches)) == 2 * 72


def test_batches_coded_by_torch_are_the_same_volumes(serve: Callable[..., Asker]) -> None:
    """Not by a stand-in."""
    plain, service = serve(device="cpu"), serve()
    lanes = service.app.state.service.lanes
    gpu = GpuDevice("cpu", DEFAULT_BOUNDS, fell=lanes.fell)
    lanes.use(Choice("cuda", "asked for", gpu, FIGURES))
    document = long("a", 3)
    for coding in ("zstd", "deflate"):
        drawn, expected = (each.draw(document, accept_encoding=coding).tensors() for each in (service, plain))
        assert drawn.keys() == expected.keys()
        for name, array in drawn.items():
            np.testing.assert_allclose(array, expected[name], atol=2e-6)
    assert gpu.failure is None


@pytest.mark.parametrize(
    "headers",
    [{"accept": JSON}, {"accept": NPZ}, {"accept": SAFETENSORS}, {"accept_encoding": "gzip"}],
    ids=lambda headers: next(iter(headers.values())),
)
def test_what_the_gpu_does_not_code_the_cpu_does(serve: Callable[..., Asker], headers: dict[str, str]) -> None:
    coder = StandIn()
    plain, service = serve(device="cpu"), with_gpu(serve(), coder)
    for document in (CLIP, wide("a")):
        assert service.draw(document, **headers).body == plain.draw(document, **headers).body
    assert coder.batches == []


def test_small_requests_are_drawn_where_they_arrive_if_the_gpu_wins_only_with_more(
    serve: Callable[..., Asker],
) -> None:
    coder = StandIn()
    service = with_gpu(serve(), coder, least=10 << 20)
    assert service.draw(CLIP, accept_encoding="zstd").status == 200
    assert service.draw(wide("medium"), accept_encoding="zstd").status == 200
    assert coder.batches == []
    assert len(service.draw(long("a", 100), accept_encoding="zstd").tensors()) == 100
    assert sum(map(len, coder.batches)) == 100


def test_small_requests_are_the_gpu_s_next_batch_where_all_lanes_work(serve: Callable[..., Asker], gate: Gate) -> None:
    arrived, free = threading.Semaphore(0), threading.Semaphore(0)

    def wait(drawings: Sequence[Drawing]) -> None:
        arrived.release()
        assert free.acquire(timeout=60)

    coder = StandIn(wait)
    service = with_gpu(serve(draw_threads=1), coder, least=2 * SMALL)
    asked = [begin(service, posting(service, wide("on the GPU")))]
    assert arrived.acquire(timeout=60)
    asked.append(begin(service, posting(service, wide("on the CPU"), "gzip")))
    assert gate.arrived.acquire(timeout=60)
    for place in (1, 2):
        asked.append(begin(service, posting(service, {**CLIP, "frame_dir": str(place)})))
        until(lambda place=place: queue(service) == place * SMALL)  # type: ignore[misc]
    assert service.draw(CLIP, accept_encoding="gzip").status == 200  # the GPU does not code it: it waits for nobody
    free.release(2)
    gate.let(1)
    assert [each.result(60).status for each in asked] == [200] * 4
    assert coder.batches == [["on the GPU"], ["1", "2"]]
    assert gate.batches == [["on the CPU"]]


def test_a_lost_gpu_is_told_and_every_request_answered(serve: Callable[..., Asker]) -> None:
    def trouble(drawings: Sequence[Drawing]) -> None:
        if drawings[0].name == "deadly":
            raise RuntimeError("CUDA error: device-side assert triggered\nand more")

    coder = StandIn(trouble)
    service = with_gpu(serve(), coder)
    expected = service.draw(wide("well"), accept_encoding="zstd").array()
    for name in ("deadly", "later"):
        np.testing.assert_array_equal(service.draw(wide(name), accept_encoding="zstd").array(), expected)
    assert coder.batches == [["well"], ["deadly"]]
    ready = service.get("/health/ready")
    assert ready.status == 200
    told = ready.json()["device"]
    assert (told["asked"], told["used"], told["from_bytes"]) == ("auto", "cpu", None)
    assert told["why"] == "cuda:0 was lost: RuntimeError: CUDA error: device-side assert triggered"
    assert sample(service, "heatsvc_device_fallbacks_total", reason="lost") == 1


@pytest.mark.parametrize("looks", range(4))
def test_a_gpu_that_is_lost_while_it_is_told_of_is_told_as_one_or_the_other(
    serve: Callable[..., Asker], looks: int
) -> None:
    class Losing(GpuDevice):
        """Lost once it was looked at so often."""

        @property
        def failure(self) -> str | None:  # type: ignore[override]
            self.looks -= 1
            return "gone" if self.looks < 0 else None

        @failure.setter
        def failure(self, why: str | None) -> None:
            self.looks = 9

    lanes = serve().app.state.service.lanes
    gpu = Losing("cuda:0", DEFAULT_BOUNDS, coder=StandIn(), least=400)
    lanes.use(Choice("auto", "cuda:0 is faster", gpu, FIGURES))
    gpu.looks = looks
    told = lanes.told()
    assert (told["used"], told["why"], told["from_bytes"]) in (
        ("cuda:0", "cuda:0 is faster", 400),
        ("cpu", "cuda:0 was lost: gone", None),
    )


def test_a_gpu_without_memory_is_asked_for_less(serve: Callable[..., Asker]) -> None:
    def trouble(drawings: Sequence[Drawing]) -> None:
        if len(drawings) > 20 or any(drawing.name == "b7" for drawing in drawings):
            raise torch.OutOfMemoryError("CUDA out of memory.")

    coder = StandIn(trouble)
    service = with_gpu(serve(), coder)
    tensors = service.draw(long("b", 64), accept_encoding="zstd").tensors()
    assert set(tensors) == {f"b{place}" for place in range(64)}
    assert coder.batches[0] == [f"b{place}" for place in range(64)]
    assert sample(service, "heatsvc_device_fallbacks_total", reason="memory") == 1
    assert sample(service, "heatsvc_device_fallbacks_total", reason="lost") == 0
    assert device(service)["used"] == "cuda:0"


@pytest.mark.parametrize("said", ["CUDA error: out of memory", "CUDA error: unspecified launch failure"])
def test_what_the_gpu_leaves_all_lanes_of_the_cpu_share(serve: Callable[..., Asker], gate: Gate, said: str) -> None:
    def trouble(drawings: Sequence[Drawing]) -> None:
        raise RuntimeError(said)

    plain, service = serve(device="cpu", draw_threads=1), with_gpu(serve(draw_threads=2), StandIn(trouble))
    large = {**wide("large"), "keypoint": [[[10.0, 20.0]]] * 33}
    asked = begin(service, posting(service, large))
    for _ in range(2):  # both lanes begin, and neither has ended
        assert gate.arrived.acquire(timeout=60)
    assert sorted(gate.batches) == [["large"], ["large"] * 2]  # its pieces
    gate.let(100)
    assert asked.result(60).body == plain.draw(large, accept_encoding="zstd").body
    assert sample(service, "heatsvc_batch_tasks_sum", device="cpu") == 2 * 3  # both services count in this process
    assert sample(service, "heatsvc_batch_tasks_sum", device="cuda:0") == 0
    assert queue(service) == 0


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", "", "cuda:-1", "mps"])
def test_a_device_that_cannot_be_is_refused(device: str) -> None:
    with pytest.raises(ValidationError, match="device"):
        Settings(_env_file=None, device=device)


if not torch.cuda.is_available():

    def test_the_service_does_not_start_without_the_gpu_that_it_was_told_to_use() -> None:
        with pytest.raises(SystemExit, match=r"^heatsvc: HEATSVC_DEVICE=cuda:1: PyTorch sees no CUDA device$"):
            create_app(Settings(_env_file=None, device="cuda:1"))
