"""Formats of pictures: each decoded by Pillow or FFmpeg, its pixels compared with the frames that were written."""

from __future__ import annotations

import base64
import io
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageSequence
from playwright.sync_api import sync_playwright

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import CancelledError, CancelToken
from heatsvc.encode import cuda
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.devices.gpu import GpuDevice
from heatsvc.encode.formats import PICTURES
from heatsvc.encode.job import MAX_TILE_BYTES, RenderJob
from heatsvc.errors import LimitError
from heatsvc.render.picture import Picture
from heatsvc.render.picture_options import PictureOptions
from heatsvc.volume import Gaussian, HeatmapVolume
from tests.encode.test_codings import DECODERS
from tests.serving import has

POINTS = ("nose", "left_wrist", "right_wrist")
SKELETON = ((0, 1), (0, 2))
MODES: dict[str, dict[str, Any]] = {
    "max": {},
    "joint": {"mode": "joint"},
    "channel": {"mode": "channel", "channel": "left_wrist"},
    "skeleton": {"mode": "joint", "skeleton": True},
    "texts": {"caption": "clip a", "legend": True, "mode": "joint"},
}
# Codecs with loss, and GIF with its 256 colors, come near: mean and largest difference of a value.
NEAR = {"png": (0, 0), "webp": (0, 0), "gif": (1.5, 28), "mp4": (3, 110)}

Images = list[npt.NDArray[np.uint8]]


def volume(frames: int = 6, height: int = 40, width: int = 48) -> HeatmapVolume:
    """The nose stays at (20, 8); the wrists go down by a pixel a frame."""
    keypoint = np.array([(20, 8), (8, 14), (38, 14)], np.float32) + np.zeros((frames, 1, 1), np.float32)
    keypoint[:, 1:, 1] += np.arange(frames, dtype=np.float32)[:, None] % 20
    score = np.ones((1, frames, 3), np.float32)
    return HeatmapVolume(keypoint[None], score, height, width, Gaussian(1.5), points=POINTS, skeleton=SKELETON)


def job(
    kind: str, made: HeatmapVolume, token: CancelToken | None = None, bounds: Bounds = DEFAULT_BOUNDS, **options: Any
) -> RenderJob:
    format, coding = PICTURES[kind], CODINGS["identity"]
    planned = format.plan("a", made, "float32", coding, bounds, picture=PictureOptions(**options))
    return RenderJob(format.writer((planned,), coding, bounds), token or CancelToken())


def pillow(data: bytes) -> Images:
    with Image.open(io.BytesIO(data)) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def ffmpeg(data: bytes) -> Images:
    with av.open(io.BytesIO(data)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


DECODE: dict[str, Callable[[bytes], Images]] = {"png": pillow, "gif": pillow, "webp": pillow, "mp4": ffmpeg}


def expected(kind: str, made: HeatmapVolume, **options: Any) -> Images:
    picture = Picture.plan(made, PictureOptions(**options), DEFAULT_BOUNDS, sheet=kind == "png")
    frames = [picture.frame(index) for index in range(len(picture.numbers))]
    return [np.concatenate([frame, picture.strip.pixels.reshape(-1, frame.shape[1], 3)]) for frame in frames]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", PICTURES)
def test_every_mode_in_every_format(kind: str, mode: str) -> None:
    options = {**MODES[mode], "scale": 4, **({"frame": 3} if kind == "png" else {})}
    written = job(kind, volume(), **options)
    decoded, wanted = DECODE[kind](written.render()), expected(kind, volume(), **options)
    assert len(decoded) == len(wanted)
    mean, largest = NEAR[kind]
    for image, frame in zip(decoded, wanted, strict=True):
        difference = np.abs(image.astype(int) - frame)
        assert difference.mean() <= mean
        assert difference.max() <= largest


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_the_brightest_pixel_of_each_frame_is_at_the_keypoint_times_scale(kind: str) -> None:
    options = {"mode": "channel", "channel": "left_wrist", "scale": 6}
    for frame, image in enumerate(DECODE[kind](job(kind, volume(), **options).render())):
        light = image.sum(axis=2).astype(float)
        y, x = (each.mean() for each in np.nonzero(light >= light.max() - 6))
        assert abs(x - (8 * 6 + 2.5)) < 3
        assert abs(y - ((14 + frame) * 6 + 2.5)) < 3


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_left_and_right_have_their_colors(kind: str) -> None:
    image = DECODE[kind](job(kind, volume(), mode="joint", scale=8).render())[0].astype(int)
    left, right = image[14 * 8 + 4, 8 * 8 + 4], image[14 * 8 + 4, 38 * 8 + 4]
    np.testing.assert_allclose(left, (140, 210, 255), atol=25)
    np.testing.assert_allclose(right, (38, 112, 190), atol=25)


@pytest.mark.parametrize(("fps", "seconds"), [(25, 0.4), (10, 1.0), (50, 0.2)])
def test_frames_per_second(fps: int, seconds: float) -> None:
    bodies = {kind: job(kind, volume(10), fps=fps, scale=2).render() for kind in ("gif", "webp", "mp4")}
    for kind in ("gif", "webp"):
        with Image.open(io.BytesIO(bodies[kind])) as image:
            durations = []
            for frame in ImageSequence.Iterator(image):
                frame.load()
                durations.append(frame.info["duration"])
            assert (image.info.get("loop"), len(durations)) == (0, 10)
        assert sum(durations) == pytest.approx(1000 * seconds, rel=0.11)
    with av.open(io.BytesIO(bodies["mp4"])) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate) == fps
        assert float(stream.duration * stream.time_base) == pytest.approx(seconds)


def test_the_video_is_what_browsers_play() -> None:
    """H.264 in 4:2:0, the index before the frames; of an odd picture the sides are made even."""
    body = job("mp4", volume(height=15, width=21), scale=3).render()
    assert body.index(b"moov") < body.index(b"mdat")
    with av.open(io.BytesIO(body)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 64, 46)
        assert context.colorspace == av.video.reformatter.Colorspace.ITU709


def test_a_gif_repeats_and_writes_only_what_changes() -> None:
    one, many = (len(job("gif", volume(frames), scale=8).render()) for frames in (1, 20))
    assert many < 20 * one * 0.6


@pytest.mark.parametrize(
    ("frames", "columns", "shape"), [(6, None, (2, 3)), (6, 2, (3, 2)), (5, 9, (1, 5)), (7, 3, (3, 3)), (3, 1, (3, 1))]
)
def test_a_png_of_several_frames_is_a_contact_sheet(frames: int, columns: int | None, shape: tuple[int, int]) -> None:
    made = volume(frames)
    (sheet,) = pillow(job("png", made, scale=2, columns=columns, caption="a").render())
    rows, across = shape
    assert sheet.shape[1] == across * 96
    strip = sheet.shape[0] - rows * 80
    assert 0 < strip < 40
    for index, frame in enumerate(expected("png", made, scale=2)):
        row, column = divmod(index, across)
        cell = sheet[row * 80 : (row + 1) * 80, column * 96 : (column + 1) * 96]
        np.testing.assert_array_equal(cell[20:], frame[20:])
        assert (cell[:14, :12] > 100).any()  # the frame's number


def test_one_frame_has_no_number() -> None:
    (image,) = pillow(job("png", volume(), frame=2, scale=2).render())
    np.testing.assert_array_equal(image, expected("png", volume(), frame=2, scale=2)[0])


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_a_single_frame_is_a_file_too(kind: str) -> None:
    assert len(DECODE[kind](job(kind, volume(), frame=1).render())) == 1


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_a_client_that_refuses_identity_gets_a_coded_body(coding: str) -> None:
    format = PICTURES["png"]
    planned = format.plan("a", volume(), "uint8", CODINGS[coding], DEFAULT_BOUNDS, picture=PictureOptions(frame=0))
    body = RenderJob(format.writer((planned,), CODINGS[coding], DEFAULT_BOUNDS)).render()
    assert len(pillow(DECODERS[coding](body))) == 1


@pytest.mark.parametrize("kind", ["gif", "webp", "mp4"])
def test_a_few_frames_are_in_memory_of_432_at_512_pixels(kind: str) -> None:
    """NumPy and Python report theirs to tracemalloc; what the libraries keep is in `buffer_bytes`."""
    made = volume(432, 64, 64)
    small = job(kind, made, scale=8, frames=432)
    assert small.writer.buffer_bytes < DEFAULT_BOUNDS.max_picture_bytes * 2 + 64 * 512 * 512
    tracemalloc.start()
    try:
        for item in small.items[:100]:
            small.add(item, item.run())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 512 * 512 * 3  # eight frames, of 432
    assert [len(item.tiles) for item in small.items] == [1] * 432


@pytest.mark.parametrize("kind", PICTURES)
def test_a_file_that_becomes_too_large_is_refused(kind: str) -> None:
    bounds = replace(DEFAULT_BOUNDS, max_picture_bytes=1500)
    with pytest.raises(LimitError) as caught:
        job(kind, volume(40), bounds=bounds, scale=4).render()
    assert caught.value.setting == "HEATSVC_MAX_PICTURE_BYTES"


@pytest.mark.parametrize("kind", PICTURES)
def test_a_cancelled_token_ends_the_work(kind: str) -> None:
    token = CancelToken()
    made = job(kind, volume(), token)
    made.add(made.items[0], made.items[0].run())
    token.cancel()
    with pytest.raises(CancelledError):
        made.items[-1].run()


@pytest.mark.parametrize("kind", PICTURES)
def test_maps_of_much_work_are_refused(kind: str) -> None:
    with pytest.raises(LimitError) as caught:
        job(kind, volume(2), bounds=replace(DEFAULT_BOUNDS, max_map_work=10))
    assert caught.value.setting == "HEATSVC_MAX_MAP_WORK"


@pytest.mark.parametrize("kind", PICTURES)
def test_a_gpu_leaves_pictures_to_the_cpu(kind: str) -> None:
    format, coding = PICTURES[kind], CODINGS["zstd"]
    planned = format.plan("a", volume(40), "float32", coding, DEFAULT_BOUNDS, picture=PictureOptions())
    made = RenderJob(format.writer((planned,), coding, DEFAULT_BOUNDS), whole_volumes=True)
    gpu = GpuDevice("cuda:0", DEFAULT_BOUNDS, encoder=cuda)
    assert all(item.max_encoded_bytes <= MAX_TILE_BYTES for item in made.items)
    assert not any(gpu.takes(item) for item in made.items)


@pytest.mark.parametrize("kind", PICTURES)
def test_the_smallest_picture(kind: str) -> None:
    made = HeatmapVolume(np.zeros((1, 1, 1, 2), np.float32), np.ones((1, 1, 1), np.float32), 1, 1)
    assert len(DECODE[kind](job(kind, made, scale=1).render())) == 1


if has("chromium"):

    @pytest.mark.slow
    def test_a_browser_plays_the_video_to_its_end() -> None:
        body = base64.b64encode(job("mp4", volume(10), scale=4).render()).decode()
        script = """async (body) => {
            const bytes = Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
            const video = document.createElement("video");
            const ended = new Promise((resolve) => {
                video.onended = () => resolve([video.videoWidth, video.videoHeight, video.duration]);
                video.onerror = () => resolve(video.error.message);
            });
            video.muted = true;
            video.src = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
            await video.play();
            return await ended;
        }"""
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
            assert browser.new_page().evaluate(script, body) == [192, 160, 0.4]
            browser.close()
