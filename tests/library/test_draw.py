"""heatsvc.draw and heatsvc.read: what POST /heatmap returns, without HTTP."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import heatsvc
import heatsvc.render.cuda
from heatsvc.errors import DeviceError, InputError
from heatsvc.pose import LAYOUTS, PoseClip
from tests.api.client import SAFETENSORS, Client, clip_of
from tests.library.conftest import annotations
from tests.serving import ROOT

EXAMPLE = ROOT / "openapi" / "examples" / "clip.npy"
CLIP = {"keypoint": [[[10.0, 20.0, 0.9], [30.0, 5.0, 0.5]]] * 4, "img_shape": (48, 40)}
POTION = [{"type": "GeneratePoseTarget"}, {"type": "Heatmap2Potion", "C": 3}]
TRAIN = {"pipeline": "posec3d-train", "test_mode": False}


def points(frames: int = 30, count: int = 133) -> np.ndarray:
    """[T, V, 3] of a hand that moves; one point is not detected in one frame."""
    random = np.random.default_rng(frames)
    array = np.empty((frames, count, 3), np.float32)
    array[..., :2] = random.uniform(50, 400, (count, 2)) + random.normal(0, 3, (frames, count, 2)).cumsum(axis=0)
    array[..., 2] = random.uniform(0, 1, (frames, count))
    array[1, 5] = np.nan
    return array


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"dtype": "float16"},
        {"dtype": "uint8", "select": "sign27"},
        {"select": [0, 9, 9, 100], "reduce": "max"},
        {"reduce": "argmax", "select": "sign59"},
        {"pipeline": "view-limb", "select": "sign27"},
        {"pipeline": "posec3d-val", "select": "coco17"},
        {"pipeline": "posec3d-test", "select": "sign27", "dtype": "uint8"},
        {**TRAIN, "seed": 7, "select": "sign27"},
        {**TRAIN, "seed": 2**32 - 1, "select": "sign27"},
        {"pipeline": [{"type": "GeneratePoseTarget", "scaling": 0.2}, {"type": "Heatmap2Potion", "C": 3}]},
    ],
    ids=str,
)
def test_one_clip_is_what_the_service_returns_bit_for_bit(client: Client, options: dict[str, Any]):
    array = points()
    response = client.post_json({**clip_of(array, (480, 640)), **options}, accept_encoding="zstd").array()
    rendered = heatsvc.draw({"keypoint": array, "img_shape": (480, 640)}, **options)
    assert rendered.dtype == response.dtype
    assert rendered.max() > 0
    np.testing.assert_array_equal(rendered, response)


def test_several_clips_draw_from_seeds_of_their_own_as_in_the_service(client: Client):
    arrays = {"a": points(50), "b": points(30), "c": points(200)}
    document = {"clips": [clip_of(array, (480, 640), frame_dir=name) for name, array in arrays.items()]}
    options = {**TRAIN, "seed": 2**32 - 2, "select": "sign27"}
    response = client.post_json(document | options, accept=SAFETENSORS).tensors()
    rendered = heatsvc.draw([{"keypoint": array, "img_shape": (480, 640)} for array in arrays.values()], **options)
    assert isinstance(rendered, list)
    for one, name in zip(rendered, arrays, strict=True):
        np.testing.assert_array_equal(one, response[name])


def test_every_kind_of_clip_is_rendered_alike():
    array = np.load(EXAMPLE)
    expected = heatsvc.draw(EXAMPLE, img_shape=(1080, 1920))
    assert expected.shape == (len(array), 133, 64, 64)
    [clip] = heatsvc.read(EXAMPLE, img_shape=(1080, 1920))
    keypoint, score = array[None, ..., :2], array[None, ..., 2]
    kinds: list[Any] = [
        clip,
        str(EXAMPLE),
        array,
        {"keypoint": array, "img_shape": [1080, 1920]},
        {"keypoint": keypoint, "keypoint_score": score.tolist()},
        {"keypoint": keypoint.tolist(), "keypoint_score": score, "layout": "coco_wholebody", "frame_dir": "a"},
        {"keypoint": torch.from_numpy(keypoint), "keypoint_score": torch.from_numpy(score)},
    ]
    for form in kinds:
        np.testing.assert_array_equal(heatsvc.draw(form, img_shape=(1080, 1920)), expected)


def test_an_annotation_of_pyskl_is_a_clip():
    one = annotations()[0]
    rendered = heatsvc.draw(one, "posec3d-val")
    np.testing.assert_array_equal(rendered, heatsvc.draw({**one, "keypoint": one["keypoint"].tolist()}, "posec3d-val"))


def test_steps_may_come_from_a_python_config():
    """With tuples where JSON has lists."""
    steps = [{"type": "Resize", "scale": (32, 48), "keep_ratio": False}, {"type": "GeneratePoseTarget"}]
    assert heatsvc.draw(points(2), steps, img_shape=(480, 640)).shape == (2, 133, 48, 32)


def test_random_steps_differ_without_a_seed():
    first, second = (heatsvc.draw(points(), **TRAIN, img_shape=(480, 640)) for _ in range(2))
    assert (first != second).any()


def test_tensors_of_the_cpu_are_the_arrays():
    arrays = [points(5), points(9)]
    for dtype in ("float32", "float16", "uint8"):
        tensors = heatsvc.draw(arrays, img_shape=(480, 640), dtype=dtype, device="cpu")
        assert [tensor.dtype for tensor in tensors] == [getattr(torch, dtype)] * 2
        for tensor, array in zip(tensors, heatsvc.draw(arrays, img_shape=(480, 640), dtype=dtype), strict=True):
            np.testing.assert_array_equal(tensor.numpy(), array)


def test_a_device_that_is_not_there_is_reported_and_nothing_is_rendered_elsewhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for device, message in (
        ("cuda", "finds no CUDA device"),
        ("gpu", "unknown device 'gpu'"),
        ("meta", "rendered on meta"),
    ):
        with pytest.raises(DeviceError, match=message):
            heatsvc.draw(points(2), img_shape=(480, 640), device=device)


def test_on_a_cuda_device_all_clips_are_one_batch(monkeypatch: pytest.MonkeyPatch):
    """There is none here: the calls for it are rendered on the CPU."""
    calls: list[tuple[int, str, torch.device]] = []
    render_batch = heatsvc.render.cuda.render_batch

    def on_cpu(volumes: Any, dtype: Any, device: torch.device, *, bounds: Any) -> list[torch.Tensor]:
        calls.append((len(volumes), dtype, device))
        return render_batch(volumes, dtype, "cpu", method="torch", bounds=bounds)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(heatsvc.render.cuda, "render_batch", on_cpu)
    clips = [points(3), points(5)]
    rendered = heatsvc.draw(clips, img_shape=(480, 640), device="cuda")
    assert calls == [(2, "float32", torch.device("cuda"))]
    for one, expected in zip(rendered, heatsvc.draw(clips, img_shape=(480, 640)), strict=True):
        np.testing.assert_allclose(one.numpy(), expected, rtol=0, atol=2e-6)
    with pytest.raises(DeviceError, match="cuda:3 does not exist"):
        heatsvc.draw(clips, img_shape=(480, 640), device="cuda:3")
    with pytest.raises(DeviceError, match="only be rendered on the CPU"):
        heatsvc.draw(clips, img_shape=(480, 640), device="cuda", reduce="argmax")


@pytest.mark.parametrize(
    ("clips", "options", "field", "message"),
    [
        ({"img_shape": (4, 4)}, {}, "keypoint", "keypoint is missing"),
        ({"keypoint": np.zeros((2, 17, 2))}, {}, "img_shape", "img_shape is missing"),
        ({"keypoints": np.zeros((2, 17, 2))}, {}, "keypoints", "a clip has an unknown key 'keypoints'"),
        ([np.zeros((2, 17, 2)), np.zeros((2, 17, 5))], {}, "clips[1].keypoint", "5 numbers per point"),
        ([{"keypoint": [[[1, 2], [3, "x"]]]}], {}, "clips[0].keypoint", "number"),
        (np.zeros((2, 17, 2)), {"pipeline": "veiw"}, "pipeline", "did you mean view?"),
        (np.zeros((2, 17, 2)), {"dtype": "float64"}, "dtype", "float32, float16, uint8"),
        (np.zeros((2, 17, 2)), {"seed": -1}, "seed", "from 0 to"),
        (np.zeros((2, 17, 2)), {"select": "sign27", "missing_points": "error"}, "select", "sign27"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_rendered_is_reported_by_its_field(
    clips: Any, options: dict[str, Any], field: str, message: str
):
    shape = {} if field == "img_shape" else {"img_shape": (480, 640)}
    with pytest.raises(InputError) as caught:
        heatsvc.draw(clips, **shape, **options)
    assert message in str(caught.value)
    assert caught.value.field == field


def test_a_file_of_several_clips_is_no_one_clip(dataset_file: Path):
    with pytest.raises(InputError, match=r"has 6 clips: use draw\(read\(path\)\)"):
        heatsvc.draw(dataset_file)
    assert len(heatsvc.draw(heatsvc.read(dataset_file), "posec3d-val")) == 6


def test_arrays_that_exist_are_rendered_into():
    expected = heatsvc.draw(CLIP, dtype="uint8")
    out = np.full(expected.shape, 7, np.uint8)
    assert heatsvc.draw(CLIP, dtype="uint8", out=out) is out
    np.testing.assert_array_equal(out, expected)
    outs = [np.full(expected.shape, 7, np.uint8) for _ in range(2)]
    first, second = heatsvc.draw([CLIP, CLIP], dtype="uint8", out=outs)
    assert first is outs[0]
    assert second is outs[1]
    np.testing.assert_array_equal(second, expected)
    channels = heatsvc.draw(CLIP, reduce="argmax")
    np.testing.assert_array_equal(heatsvc.draw(CLIP, reduce="argmax", out=np.empty_like(channels)), channels)
    potion = heatsvc.draw(CLIP, POTION)
    np.testing.assert_array_equal(heatsvc.draw(CLIP, POTION, out=np.empty_like(potion)), potion)


def test_an_array_that_cannot_be_rendered_into_is_reported():
    shape = heatsvc.draw(CLIP).shape
    for wrong in (np.empty(shape), np.empty(shape[1:], np.float32), np.empty(shape[::-1], np.float32).T):
        with pytest.raises(ValueError, match="out must be a writable, C-contiguous array"):
            heatsvc.draw(CLIP, out=wrong)
    with pytest.raises(ValueError, match="1 arrays for 2 clips"):
        heatsvc.draw([CLIP, CLIP], out=[np.empty(shape, np.float32)])
    with pytest.raises(ValueError, match="on the CPU"):
        heatsvc.draw(CLIP, device="cpu", out=np.empty(shape, np.float32))


def test_what_is_no_clip_is_reported():
    with pytest.raises(TypeError, match=r"clips\[0\] must be a PoseClip"):
        heatsvc.draw([3])


def test_read_takes_paths_and_bytes(dataset_file: Path):
    [clip] = heatsvc.read(EXAMPLE, img_shape=(1080, 1920))
    assert isinstance(clip, PoseClip)
    assert (clip.frame_dir, clip.layout, clip.img_shape) == ("clip", LAYOUTS["coco_wholebody"], (1080, 1920))
    [same] = heatsvc.read(EXAMPLE.read_bytes(), img_shape=(1080, 1920))
    np.testing.assert_array_equal(same.keypoint, clip.keypoint)
    assert [clip.frame_dir for clip in heatsvc.read(dataset_file, frame_dir=["clip_4", "clip_0"])] == [
        "clip_4",
        "clip_0",
    ]
    assert [clip.label for clip in heatsvc.read(dataset_file, frame_dir="clip_5")] == [4]


def test_read_tells_the_file():
    with pytest.raises(FileNotFoundError):
        heatsvc.read("no-such-file.npy")
    with pytest.raises(InputError, match="img_shape is missing") as caught:
        heatsvc.read(EXAMPLE)
    assert caught.value.file == "clip.npy"


def test_editors_find_the_signature():
    assert list(inspect.signature(heatsvc.draw).parameters)[:2] == ["clips", "pipeline"]
    assert {"draw", "read", "torch", "__version__"} <= set(dir(heatsvc))
    with pytest.raises(AttributeError, match="no attribute 'paint'"):
        heatsvc.paint  # noqa: B018
