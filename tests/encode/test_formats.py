"""Formats: each read by the library that its users read it with."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import zstandard

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.cancel import CancelledError, CancelToken
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.formats import FORMATS
from heatsvc.encode.job import PlannedVolume, RenderJob
from heatsvc.errors import InputError, LimitError
from heatsvc.render.array import render_array
from heatsvc.volume import HeatmapVolume
from tests.encode.test_codings import DECODERS
from tests.golden import golden_volume, load_golden

CASES = ("kp_sigma0.6", "limb_coco", "potion", "clip48_val")


def planned(media_type: str, coding: str, names: Sequence[str] = CASES, dtype: str = "float32") -> list[PlannedVolume]:
    tile_coding = FORMATS[media_type].tile_coding(CODINGS[coding])
    return [PlannedVolume.plan(name, golden_volume(load_golden(name)), dtype, tile_coding) for name in names]


def written(media_type: str, coding: str, volumes: Sequence[PlannedVolume]) -> bytes:
    """A body, decoded."""
    job = RenderJob(FORMATS[media_type].writer(volumes, CODINGS[coding], DEFAULT_BOUNDS))
    body = job.render()
    assert len(body) <= job.max_encoded_bytes
    assert job.writer.length in (None, len(body))
    if coding == "zstd" and media_type == "application/json":  # a large one has no content size
        return zstandard.ZstdDecompressor().stream_reader(body).read()
    return DECODERS[coding](body)


@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("name", CASES)
def test_npy(coding: str, dtype: str, name: str) -> None:
    volumes = planned("application/x-npy", coding, (name,), dtype)
    loaded = np.load(io.BytesIO(written("application/x-npy", coding, volumes)))
    assert loaded.dtype == dtype
    np.testing.assert_array_equal(loaded, render_array(volumes[0].volume, dtype))


@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_safetensors(coding: str, dtype: str) -> None:
    volumes = planned("application/vnd.safetensors", coding, dtype=dtype)
    loaded = safetensors.numpy.load(written("application/vnd.safetensors", coding, volumes))
    assert set(loaded) == set(CASES)
    for each in volumes:
        np.testing.assert_array_equal(loaded[each.name], render_array(each.volume, dtype))


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_safetensors_have_metadata(coding: str) -> None:
    given = {"version": "0.1.0", "pipeline": '[{"type":"손"}]'}
    volumes = planned("application/vnd.safetensors", coding, CASES[:1])
    writer = FORMATS["application/vnd.safetensors"].writer(volumes, CODINGS[coding], DEFAULT_BOUNDS, given)
    job = RenderJob(writer)
    body = job.render()
    assert len(body) <= job.max_encoded_bytes
    data = DECODERS[coding](body)
    size = int.from_bytes(data[:8], "little")
    assert size % 8 == 0
    assert json.loads(data[8 : 8 + size])["__metadata__"] == given
    np.testing.assert_array_equal(safetensors.numpy.load(data)[CASES[0]], render_array(volumes[0].volume))


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_npz(coding: str) -> None:
    volumes = planned("application/x-npz", coding)
    data = written("application/x-npz", coding, volumes)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    with np.load(io.BytesIO(data)) as loaded:
        assert loaded.files == list(CASES)
        for each in volumes:
            np.testing.assert_array_equal(loaded[each.name], render_array(each.volume))
    assert len(data) < sum(each.nbytes for each in volumes) / 20


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_json(coding: str) -> None:
    volumes = planned("application/json", coding, ("kp_sigma0.6", "potion"), "float16")
    clips = json.loads(written("application/json", coding, volumes))["clips"]
    for clip, each in zip(clips, volumes, strict=True):
        assert (clip["name"], clip["dtype"], clip["shape"]) == (each.name, "float16", list(each.shape))
        np.testing.assert_array_equal(np.array(clip["imgs"], np.float16), render_array(each.volume, "float16"))


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 1), (2, 3, 4)])
def test_json_nests_lists_of_any_shape(shape: tuple[int, int, int]) -> None:
    frames, points, clips = shape[0] * shape[2], shape[1], shape[2]
    keypoint = np.random.default_rng(1).uniform(0, 4, (1, frames, points, 2)).astype(np.float32)
    volume = HeatmapVolume(keypoint, np.ones((1, frames, points), np.float32), 4, 5, clips=clips)
    tile_coding = FORMATS["application/json"].tile_coding(CODINGS["identity"])
    each = PlannedVolume.plan("a", volume, "float32", tile_coding)
    (clip,) = json.loads(written("application/json", "identity", [each]))["clips"]
    np.testing.assert_array_equal(np.array(clip["imgs"], np.float32), render_array(volume))


def test_a_cancelled_token_ends_the_work() -> None:
    token = CancelToken()
    token.cancel()
    volumes = planned("application/x-npy", "zstd", ("potion",))
    job = RenderJob(FORMATS["application/x-npy"].writer(volumes, CODINGS["zstd"], DEFAULT_BOUNDS), token)
    with pytest.raises(CancelledError):
        job.render()


@pytest.mark.parametrize(
    ("media_type", "bounds", "setting"),
    [
        ("application/x-npy", Bounds(max_volume_bytes=1_000_000), "HEATSVC_MAX_VOLUME_BYTES"),
        ("application/vnd.safetensors", Bounds(max_volume_bytes=1_000_000), "HEATSVC_MAX_VOLUME_BYTES"),
        ("application/x-npz", Bounds(max_volume_bytes=1_000_000), "HEATSVC_MAX_VOLUME_BYTES"),
        ("application/json", Bounds(max_json_values=1_000), "HEATSVC_MAX_JSON_VALUES"),
    ],
)
def test_what_is_too_large_is_refused_before_it_is_rendered(media_type: str, bounds: Bounds, setting: str) -> None:
    volumes = planned(media_type, "zstd", ("kp_sigma0.6",))
    with pytest.raises(LimitError) as caught:
        FORMATS[media_type].writer(volumes, CODINGS["zstd"], bounds)
    assert caught.value.setting == setting


def test_an_npz_of_4_gib_is_refused() -> None:
    volumes = planned("application/x-npz", "zstd", ("kp_sigma0.6",))
    halves = [replace(volumes[0], name=name, tile_bounds=[1 << 31]) for name in "ab"]
    with pytest.raises(InputError, match="less than 4 GiB"):
        FORMATS["application/x-npz"].writer(halves, CODINGS["identity"], DEFAULT_BOUNDS)
