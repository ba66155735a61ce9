"""`heatmap` and its relatives: the bits that the library renders, as arrays and tensors, of one clip and of many."""

from __future__ import annotations

import asyncio
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import torch
from PIL import Image

import heatsvc
from heatsvc.api.heatmap_schemas import OPTIONS
from heatsvc.client import AsyncClient, Client, HeatmapOptions, HeatsvcError, Progress
from heatsvc.pose.findings import PlausibilityWarning
from tests.client.conftest import Call
from tests.client.servers import Service
from tests.serving import ROOT

EXAMPLES = ROOT / "openapi" / "examples"
CLIP = np.load(EXAMPLES / "clip.npy")
OPTIONS_OF_CLIP: dict[str, Any] = {"img_shape": (1080, 1920), "select": "sign27", "pipeline": "posec3d-val"}
DRAWN = heatsvc.draw(CLIP, **OPTIONS_OF_CLIP)


@pytest.mark.parametrize(
    "clip",
    [
        CLIP,
        {"keypoint": CLIP, "img_shape": (1080, 1920)},
        {"keypoint": CLIP[..., :2], "keypoint_score": CLIP[..., 2], "img_shape": np.array([1080, 1920])},
        str(EXAMPLES / "clip.npy"),
        EXAMPLES / "clip.npy",
    ],
    ids=["array", "mapping", "mapping with scores", "text", "path"],
)
def test_one_clip_is_the_library_s_array(service: Service, call: Call, clip: Any):
    imgs = call(service.url, "heatmap", clip, **OPTIONS_OF_CLIP)
    assert (imgs.shape, imgs.dtype) == ((1, 27, 48, 64, 64), np.float32)
    np.testing.assert_array_equal(imgs, DRAWN)


def test_an_array_may_be_written_to(service: Service, call: Call):
    imgs = call(service.url, "heatmap", CLIP, **OPTIONS_OF_CLIP)
    imgs *= 0
    assert imgs.max() == 0


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_every_type_of_pixels(service: Service, call: Call, dtype: str):
    imgs = call(service.url, "heatmap", CLIP, dtype=dtype, **OPTIONS_OF_CLIP)
    np.testing.assert_array_equal(imgs, heatsvc.draw(CLIP, dtype=dtype, **OPTIONS_OF_CLIP))
    assert imgs.dtype == dtype


def test_tensors_share_no_memory_with_anything_else(service: Service, call: Call):
    imgs = call(service.url, "heatmap", CLIP, tensor="torch", **OPTIONS_OF_CLIP)
    assert isinstance(imgs, torch.Tensor)
    assert torch.equal(imgs, torch.from_numpy(DRAWN))
    imgs.zero_()


def test_a_tensor_of_the_cpu_is_a_clip(service: Service, call: Call):
    imgs = call(service.url, "heatmap", torch.from_numpy(CLIP), **OPTIONS_OF_CLIP)
    np.testing.assert_array_equal(imgs, DRAWN)


def test_points_that_were_not_detected(service: Service, call: Call):
    clip = CLIP.copy()
    clip[:, 0] = np.nan
    for body in (clip, {"keypoint": clip, "img_shape": (1080, 1920)}):
        imgs = call(service.url, "heatmap", body, **OPTIONS_OF_CLIP)
        assert imgs[:, 0].max() == 0
        np.testing.assert_array_equal(imgs, heatsvc.draw(clip, **OPTIONS_OF_CLIP))


@pytest.mark.parametrize("dtype", [">f4", "float64", "int16"])
def test_arrays_of_any_type_and_order(service: Service, call: Call, dtype: str):
    keypoint = np.round(1 + CLIP[..., :2]).astype(dtype)[::-1]
    expected = heatsvc.draw(np.round(1 + CLIP[..., :2])[::-1], **OPTIONS_OF_CLIP)
    for clip in (keypoint, {"keypoint": keypoint, "img_shape": (1080, 1920)}):
        np.testing.assert_array_equal(call(service.url, "heatmap", clip, **OPTIONS_OF_CLIP), expected)


def test_steps_and_random_numbers(service: Service, call: Call):
    steps: list[dict[str, Any]] = [
        {"type": "UniformSampleFrames", "clip_len": np.int64(8)},
        {"type": "PoseDecode"},
        {"type": "GeneratePoseTarget", "sigma": 0.6},
    ]
    clip = CLIP * np.float32([0.05, 0.05, 1])
    options: dict[str, Any] = {"img_shape": [54, 96], "select": [0, 5, 6], "test_mode": False, "seed": 7}
    imgs = call(service.url, "heatmap", clip, pipeline=steps, **options)
    assert imgs.shape == (8, 3, 54, 96)
    steps[0]["clip_len"] = 8
    np.testing.assert_array_equal(imgs, heatsvc.draw(clip, steps, **options))


def test_many_clips_are_named(service: Service, call: Call):
    """By position, by `frame_dir`, and as the service calls those of files."""
    clips = [
        CLIP,
        {"keypoint": CLIP[:10], "img_shape": (1080, 1920), "frame_dir": "ten"},
        EXAMPLES / "clip.npy",
        str(EXAMPLES / "annotation.pkl"),
    ]
    imgs = call(service.url, "heatmap", clips, img_shape=(1080, 1920), select="sign27")
    shapes = {name: each.shape[0] for name, each in imgs.items()}
    assert shapes == {"0": 48, "ten": 10, "clip": 48, "ase_A": 21, "ase_F": 24, "ase_Z": 24}
    np.testing.assert_array_equal(imgs["clip"], imgs["0"])


def test_a_folder_is_read_as_the_library_reads_it(service: Service, call: Call, tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / "clips" / name).mkdir(parents=True)
        np.save(tmp_path / "clips" / name / "v1.npy", CLIP[:5])
    np.save(tmp_path / "clips" / ".hidden.npy", CLIP)
    imgs = call(service.url, "heatmap", [tmp_path / "clips"], img_shape=(1080, 1920))
    assert list(imgs) == [clip.frame_dir for clip in heatsvc.read(tmp_path / "clips", img_shape=(1080, 1920))]
    assert {name: each.shape for name, each in imgs.items()} == {
        "a/v1": (5, 133, 64, 64),
        "b/v1": (5, 133, 64, 64),
    }


def test_a_folder_of_frame_files_is_one_clip(service: Service, call: Call, tmp_path: Path):
    """Which is named by it, as their names are numbers."""
    folder = tmp_path / "00335"
    folder.mkdir()
    with zipfile.ZipFile(EXAMPLES / "openpose.zip") as archive:
        for number, name in enumerate(sorted(name for name in archive.namelist() if name.endswith(".json"))):
            (folder / f"image_{number:05}_keypoints.json").write_bytes(archive.read(name))
    assert call(service.url, "heatmap", folder, img_shape=(1080, 1920)).shape == (24, 137, 64, 64)
    assert list(call(service.url, "heatmap", [folder], img_shape=(1080, 1920))) == ["00335"]


def test_a_sequence_samples_as_one_request_does(service: Service, call: Call):
    options = {**OPTIONS_OF_CLIP, "pipeline": "posec3d-train", "test_mode": False, "seed": 2**32 - 1}
    imgs = call(service.url, "heatmap", [CLIP, CLIP], **options)
    first, second = (heatsvc.draw(CLIP, **{**options, "seed": seed}) for seed in (2**32 - 1, 0))
    np.testing.assert_array_equal(imgs["0"], first)
    np.testing.assert_array_equal(imgs["1"], second)


def test_two_clips_of_one_name(service: Service, call: Call):
    clip = {"keypoint": CLIP, "img_shape": (1080, 1920), "frame_dir": "same"}
    with pytest.raises(ValueError, match="two clips are called 'same': give them a frame_dir, or use iter_heatmaps"):
        call(service.url, "heatmap", [clip, clip])
    named = call(service.url, "iter_heatmaps", [clip, clip])
    assert [name for name, _ in named] == ["same", "same"]


def test_an_iterator_keeps_the_order_and_takes_a_generator(service: Service, call: Call):
    clips = (CLIP[: 1 + index % 3] for index in range(10))
    lengths = [
        (name, len(imgs))
        for name, imgs in call(service.url, "iter_heatmaps", clips, img_shape=(1080, 1920), concurrency=3)
    ]
    assert lengths == [(str(index), 1 + index % 3) for index in range(10)]


@pytest.mark.parametrize("kind", ["Client", "AsyncClient"])
def test_an_iterator_asks_for_few_clips_in_advance(service: Service, kind: str):
    taken = 0

    def clips() -> Any:
        nonlocal taken
        for _ in range(100):
            taken += 1
            yield CLIP[:1]

    async def first() -> None:
        async with AsyncClient(service.url) as client:
            async for _ in client.iter_heatmaps(clips(), img_shape=(1080, 1920), concurrency=3):
                return

    if kind == "Client":
        with Client(service.url) as client:
            next(client.iter_heatmaps(clips(), img_shape=(1080, 1920), concurrency=3))
    else:
        asyncio.run(first())
    assert taken == 3


def test_progress(service: Service, call: Call):
    seen: list[Progress] = []
    call(service.url, "heatmap", [CLIP[:1]] * 3, img_shape=(1080, 1920), progress=seen.append)
    assert seen == [Progress("clips", done, 3, "clips") for done in (1, 2, 3)]


def test_a_progress_bar_on_standard_error(service: Service, call: Call, capsys: pytest.CaptureFixture[str]):
    call(service.url, "heatmap", [CLIP[:1]] * 3, img_shape=(1080, 1920), progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3 of 3 clips" in err


def test_a_file_of_several_clips_is_no_clip(service: Service, call: Call):
    path = EXAMPLES / "annotation.pkl"
    with pytest.raises(HeatsvcError, match=r"annotation.pkl holds several clips: give a list, \[path\], for all"):
        call(service.url, "heatmap", path)
    assert call(service.url, "heatmap", path, frame_dir="ase_F").shape == (24, 27, 64, 64)


def test_what_is_no_clip(service: Service, call: Call):
    for what, kind in (([3], "int"), (3, "int"), ([[[1.0, 2.0]]], "list"), (iter([CLIP]), "list_iterator")):
        with pytest.raises(TypeError, match=f"a mapping with the key 'keypoint', or a path, not {kind}"):
            call(service.url, "heatmap", what)
    with pytest.raises(FileNotFoundError, match=r"nothing\.npy"):
        call(service.url, "heatmap", "nothing.npy")
    with pytest.raises(ValueError, match="tensor must be 'numpy' or 'torch', not 'jax'"):
        call(service.url, "heatmap", CLIP, tensor="jax")


def test_doubtful_clips_are_warnings_at_the_caller_s_line(service: Service):
    clip = CLIP * [1, 1, 3]
    with Client(service.url) as client, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client.heatmap(clip, **OPTIONS_OF_CLIP)
        client.heatmap([clip], **OPTIONS_OF_CLIP)
    assert [(each.category, Path(each.filename)) for each in caught] == [(PlausibilityWarning, Path(__file__))] * 2
    assert str(caught[0].message) == (
        "score_range: scores outside 0..1; they are kept in float32 and float16, and clipped in uint8. "
        "Divide them by the largest score that the pose estimator gives."
    )
    assert str(caught[1].message).startswith("0: score_range: ")


def test_doubtful_clips_are_warnings_of_both_clients(service: Service, call: Call):
    with pytest.warns(PlausibilityWarning, match="score_range: scores outside"):
        call(service.url, "heatmap", CLIP * [1, 1, 3], **OPTIONS_OF_CLIP)
    with pytest.warns(PlausibilityWarning, match="0: score_range"):
        call(service.url, "iter_heatmaps", [CLIP * [1, 1, 3]], **OPTIONS_OF_CLIP)


def test_pictures(service: Service, call: Call):
    picture = call(service.url, "picture", CLIP, format="webp", picture={"mode": "joint"}, **OPTIONS_OF_CLIP)
    assert Image.open(io.BytesIO(picture)).n_frames == 48
    with pytest.raises(ValueError, match="format must be png, gif, webp, mp4, not 'bmp'"):
        call(service.url, "picture", CLIP, format="bmp")


def test_what_is_in_a_file(service: Service, call: Call):
    found = call(service.url, "clips", EXAMPLES / "annotation.pkl")
    assert [clip["frame_dir"] for clip in found["clips"]] == ["ase_A", "ase_F", "ase_Z"]


def test_what_the_service_knows(service: Service, call: Call):
    assert "sign27" in [layout["name"] for layout in call(service.url, "layouts")]
    assert "posec3d-val" in [preset["name"] for preset in call(service.url, "pipelines")["presets"]]
    assert call(service.url, "ready")["status"] == "ready"


def test_the_options_are_the_service_s():
    assert tuple(get_type_hints(HeatmapOptions)) == OPTIONS
