"""RenderJob: how the work of a response is cut, and that the cuts are not seen in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.encode.codings import CODINGS, EncodedChunk
from heatsvc.encode.formats import FORMATS
from heatsvc.encode.job import MAX_TILE_BYTES, MAX_WHOLE_BYTES, PlannedVolume, RenderJob
from heatsvc.volume import Gaussian, HeatmapVolume, Potion
from tests.encode.test_codings import DECODERS

MANY = "application/vnd.safetensors"


def volume(frames: int = 48, points: int = 17, side: int = 64, persons: int = 1, **options: object) -> HeatmapVolume:
    random = np.random.default_rng(frames + points)
    keypoint = random.uniform(0, side, (persons, frames, points, 2)).astype(np.float32)
    scores = random.uniform(0.1, 1, (persons, frames, points)).astype(np.float32)
    return HeatmapVolume(keypoint, scores, side, side, **options)  # type: ignore[arg-type]


LIMBS = np.array([[0, 1], [1, 2], [2, 3]], np.int32)
VOLUMES = {
    "keypoints": volume(),
    "limbs": volume(limbs=LIMBS),
    "persons": volume(persons=4),
    "large": volume(frames=432, points=133),
    "wide": volume(frames=100, gaussian=Gaussian(6.0)),
    "argmax": volume(reduce="argmax"),
    "max": volume(reduce="max"),
    "clips": volume(clips=4),
    "large maps": volume(frames=2, points=2, side=700),
    "potion": volume(frames=10, points=3, side=16, potion=Potion(3)),
}


def job(coding: str, *volumes: HeatmapVolume, dtype: str = "float32", whole_volumes: bool = False) -> RenderJob:
    format, chosen = FORMATS[MANY], CODINGS[coding]
    planned = [PlannedVolume.plan(str(i), each, dtype, chosen) for i, each in enumerate(volumes)]  # type: ignore[arg-type]
    return RenderJob(format.writer(planned, chosen, DEFAULT_BOUNDS), whole_volumes=whole_volumes)


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("name", sorted(VOLUMES))
def test_items_are_bounded(name: str, coding: str, dtype: str) -> None:
    made = job(coding, VOLUMES[name], dtype=dtype)
    for item in made.items:
        assert item.max_encoded_bytes <= MAX_TILE_BYTES or [tile.last - tile.first for _, tile in item.tiles] == [1]
        chunks = item.run()
        assert sum(len(chunk.data) for chunk in chunks) <= item.max_encoded_bytes
        assert [chunk.size for chunk in chunks] == [planned.tile_bytes(tile) for planned, tile in item.tiles]
    assert (
        sum(item.decoded_bytes for item in made.items)
        == made.decoded_bytes
        == sum(each.nbytes for each in made.writer.volumes)
    )


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_several_small_volumes_are_one_item(coding: str) -> None:
    made = job(coding, *[volume(frames=2, points=3, side=16)] * 20)
    assert len(made.items) == 1
    assert made.is_whole


def test_a_response_is_whole_if_its_bound_is_a_mebibyte() -> None:
    clip = volume()
    made = job("zstd", *[clip] * 6)
    assert made.is_whole
    assert made.max_encoded_bytes <= MAX_WHOLE_BYTES < job("zstd", *[clip] * 7).max_encoded_bytes
    assert not job("identity", clip).is_whole


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_how_the_work_is_cut_is_not_seen_in_the_volumes(coding: str) -> None:
    volumes = [VOLUMES[name] for name in ("keypoints", "limbs", "wide", "argmax", "potion", "clips")]
    by_tile, by_volume = job(coding, *volumes), job(coding, *volumes, whole_volumes=True)
    assert DECODERS[coding](by_tile.render()) == DECODERS[coding](by_volume.render())


def test_the_chunk_of_a_whole_volume_takes_the_place_of_its_tiles() -> None:
    """A GPU encodes whole volumes."""
    made = job("zstd", VOLUMES["keypoints"], VOLUMES["wide"], whole_volumes=True)
    (item,) = made.items
    assert item.volumes == list(made.writer.volumes)
    chunks = item.run()
    joined, place = [], 0
    for planned in made.writer.volumes:
        parts = chunks[place : place + len(planned.tiles)]
        place += len(planned.tiles)
        data = b"".join(part.data for part in parts)
        joined.append(EncodedChunk(data, planned.nbytes))
    assert len(joined) == 2 < len(chunks)
    body = b"".join([made.start(), *made.add(item, joined), made.finish()])
    assert body == job("zstd", VOLUMES["keypoints"], VOLUMES["wide"]).render()


def test_a_part_of_a_volume_is_no_whole_volume() -> None:
    made = job("identity", VOLUMES["keypoints"])
    assert len(made.items) > 1
    assert all(item.volumes is None for item in made.items)


def test_volumes_without_pixels_take_few_bytes() -> None:
    empty = volume()
    empty = replace(empty, keypoint=np.full_like(empty.keypoint, np.nan))
    assert len(job("zstd", empty).render()) < 1000
