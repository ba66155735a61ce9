"""A GPU of the service, by a fake that encodes on the CPU: what it is given, and how it is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from heatsvc.app import create_app
from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.devices import DeviceSelection, GpuDevice
from heatsvc.encode.devices.calibration import Measurement
from heatsvc.encode.job import PlannedVolume
from heatsvc.kernels import KERNELS
from heatsvc.settings import Settings
from tests.api.client import CLIP, JSON, NPZ, SAFETENSORS, Client
from tests.api.test_service import sample
from tests.encode.devices.fake_encoder import FakeEncoder

MEASUREMENTS = [Measurement(1, 100, 2e-4, 9e-4), Measurement(4, 400, 8e-4, 1e-4)]


def with_gpu(client: Client, encoder: FakeEncoder, min_batch_bytes: float = 0) -> Client:
    """The service, as if it had found a GPU."""
    renderer = client.app.state.service.renderer
    gpu = GpuDevice(
        "cuda:0", DEFAULT_BOUNDS, encoder=encoder, min_batch_bytes=min_batch_bytes, on_fallback=renderer.on_fallback
    )
    renderer.use(DeviceSelection("auto", "cuda:0 is faster", gpu, MEASUREMENTS))
    return client


def clip(name: str) -> dict[str, Any]:
    return {**CLIP, "frame_dir": name}


def clips(name: str, count: int) -> dict[str, Any]:
    return {"clips": [clip(f"{name}{place}") for place in range(count)]}


def without_metadata(body: bytes) -> bytes:
    """A body without the metadata of safetensors, which names the kernels."""
    if b'"__metadata__"' not in body:
        return body
    size = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + size])
    del header["__metadata__"]
    return json.dumps(header).encode() + body[8 + size :]


def device(client: Client) -> dict[str, Any]:
    described: dict[str, Any] = client.get("/health/ready").json()["device"]
    return described


def test_readiness_says_why_it_is_the_cpu(serve: Callable[..., Client]) -> None:
    assert device(serve(device="cpu", draw_threads=3)) == {
        "asked": "cpu",
        "used": "cpu",
        "why": "requested",
        "from_bytes": None,
        "cpu_workers": 3,
        "measured": [],
    }


def test_readiness_has_the_selection_and_its_measurements(serve: Callable[..., Client]) -> None:
    described = device(with_gpu(serve(), FakeEncoder(), min_batch_bytes=400))
    names = ("asked", "used", "why", "from_bytes")
    assert [described[name] for name in names] == ["auto", "cuda:0", "cuda:0 is faster", 400]
    assert described["measured"] == [
        {"clips": 1, "bytes": 100, "cpu_seconds": 0.0002, "gpu_seconds": 0.0009},
        {"clips": 4, "bytes": 400, "cpu_seconds": 0.0008, "gpu_seconds": 0.0001},
    ]


def test_responses_say_that_a_gpu_may_have_rendered_them_until_it_is_lost(serve: Callable[..., Client]) -> None:
    client = with_gpu(serve(), FakeEncoder())
    assert f"kernels={KERNELS.name}+cuda," in client.post_json(CLIP).headers["x-heatmap-version"]
    client.app.state.service.renderer.on_fallback("memory", "one batch")
    assert f"kernels={KERNELS.name}+cuda," in client.post_json(CLIP).headers["x-heatmap-version"]
    client.app.state.service.renderer.on_fallback("lost", "gone")
    assert f"kernels={KERNELS.name}," in client.post_json(CLIP).headers["x-heatmap-version"]


def test_what_the_gpu_renders_is_what_the_cpu_renders(serve: Callable[..., Client]) -> None:
    encoder, documents = FakeEncoder(), [CLIP, clip("a"), clips("b", 70)]
    plain, client = serve(device="cpu"), with_gpu(serve(), encoder)
    for document in documents:
        for coding in ("zstd", "deflate"):
            rendered, expected = (each.post_json(document, accept_encoding=coding) for each in (client, plain))
            assert (rendered.status, rendered.headers["content-encoding"]) == (200, coding)
            assert without_metadata(rendered.body) == without_metadata(expected.body)
    assert sum(map(len, encoder.batches)) == 2 * 72


def test_volumes_encoded_by_torch_are_the_same(serve: Callable[..., Client]) -> None:
    """Not by a fake."""
    plain, client = serve(device="cpu"), serve()
    renderer = client.app.state.service.renderer
    gpu = GpuDevice("cpu", DEFAULT_BOUNDS, on_fallback=renderer.on_fallback)
    renderer.use(DeviceSelection("cuda", "requested", gpu, MEASUREMENTS))
    for coding in ("zstd", "deflate"):
        rendered, expected = (
            each.post_json(clips("a", 3), accept_encoding=coding).tensors() for each in (client, plain)
        )
        assert rendered.keys() == expected.keys()
        for name, array in rendered.items():
            np.testing.assert_allclose(array, expected[name], atol=2e-6)
    assert gpu.failure is None


@pytest.mark.parametrize(
    "headers",
    [{"accept": JSON}, {"accept": NPZ}, {"accept": SAFETENSORS}, {"accept_encoding": "gzip"}],
    ids=lambda headers: next(iter(headers.values())),
)
def test_what_the_gpu_does_not_encode_the_cpu_does(serve: Callable[..., Client], headers: dict[str, str]) -> None:
    encoder = FakeEncoder()
    plain, client = serve(device="cpu"), with_gpu(serve(), encoder)
    for document in (CLIP, clip("a")):
        rendered, expected = (each.post_json(document, **headers).body for each in (client, plain))
        assert without_metadata(rendered) == without_metadata(expected)
    assert encoder.batches == []


def test_only_what_is_large_goes_to_a_gpu_that_is_faster_with_more(serve: Callable[..., Client]) -> None:
    encoder = FakeEncoder()
    client = with_gpu(serve(), encoder, min_batch_bytes=3 << 20)
    assert client.post_json(CLIP, accept_encoding="zstd").status == 200
    assert encoder.batches == []
    assert len(client.post_json(clips("a", 100), accept_encoding="zstd").tensors()) == 100
    assert [len(batch) for batch in encoder.batches] == [100]


def test_a_lost_gpu_is_reported_and_every_request_served(serve: Callable[..., Client]) -> None:
    def fail(volumes: Sequence[PlannedVolume]) -> None:
        if volumes[0].name == "deadly":
            raise RuntimeError("CUDA error: device-side assert triggered\nand more")

    encoder = FakeEncoder(fail)
    client = with_gpu(serve(), encoder)
    expected = client.post_json(clip("well"), accept_encoding="zstd").array()
    for name in ("deadly", "later"):
        np.testing.assert_array_equal(client.post_json(clip(name), accept_encoding="zstd").array(), expected)
    assert encoder.batches == [["well"], ["deadly"]]
    described = device(client)
    assert (described["asked"], described["used"], described["from_bytes"]) == ("auto", "cpu", None)
    assert described["why"] == "cuda:0 was lost: RuntimeError: CUDA error: device-side assert triggered"
    assert sample(client, "heatsvc_device_fallbacks_total", reason="lost") == 1


def test_a_gpu_without_memory_gets_less(serve: Callable[..., Client]) -> None:
    def fail(volumes: Sequence[PlannedVolume]) -> None:
        if len(volumes) > 20:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    client = with_gpu(serve(), FakeEncoder(fail))
    tensors = client.post_json(clips("b", 64), accept_encoding="zstd").tensors()
    assert set(tensors) == {f"b{place}" for place in range(64)}
    assert sample(client, "heatsvc_device_fallbacks_total", reason="memory") == 1
    assert sample(client, "heatsvc_device_fallbacks_total", reason="lost") == 0
    assert device(client)["used"] == "cuda:0"


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", "", "cuda:-1", "mps"])
def test_a_device_that_cannot_be_is_refused(device: str) -> None:
    with pytest.raises(ValidationError, match="device"):
        Settings(_env_file=None, device=device)


if not torch.cuda.is_available():

    def test_the_service_does_not_start_without_the_configured_gpu() -> None:
        with pytest.raises(SystemExit, match=r"^heatsvc: HEATSVC_DEVICE=cuda:1: PyTorch finds no CUDA device$"):
            create_app(Settings(_env_file=None, device="cuda:1"))
