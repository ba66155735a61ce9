"""Forms: each read by the library that its users read it with."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
import safetensors.numpy

from heatsvc.bounds import DEFAULT_BOUNDS, Bounds
from heatsvc.encode.codings import CODINGS
from heatsvc.encode.drawing import Drawing
from heatsvc.encode.errand import Errand
from heatsvc.encode.formats import FORMS
from heatsvc.errors import LimitError
from heatsvc.render.array import render_array
from tests.encode.test_codings import DECODERS
from tests.golden import golden_volume, load_golden

CASES = ("kp_sigma0.6", "limb_coco", "potion", "clip48_val")


def drawings(dtype: str = "float32", names: tuple[str, ...] = CASES) -> list[Drawing]:
    return [Drawing.of(name, golden_volume(load_golden(name)), dtype) for name in names]


def written(media_type: str, coding: str, made: list[Drawing], errand: Errand | None = None) -> bytes:
    body = FORMS[media_type].layout(made, CODINGS[coding], DEFAULT_BOUNDS).write(errand or Errand())
    data = b"".join(body.chunks)
    assert len(data) == body.length
    return DECODERS[body.coding](data)


@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
@pytest.mark.parametrize("name", CASES)
def test_npy(coding: str, dtype: str, name: str) -> None:
    (drawing,) = drawings(dtype, (name,))
    loaded = np.load(io.BytesIO(written("application/x-npy", coding, [drawing])))
    assert loaded.dtype == dtype
    np.testing.assert_array_equal(loaded, render_array(drawing.volume, dtype))


@pytest.mark.parametrize("coding", sorted(CODINGS))
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8"])
def test_safetensors(coding: str, dtype: str) -> None:
    made = drawings(dtype)
    loaded = safetensors.numpy.load(written("application/vnd.safetensors", coding, made))
    assert set(loaded) == set(CASES)
    for drawing in made:
        np.testing.assert_array_equal(loaded[drawing.name], render_array(drawing.volume, dtype))


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_npz(coding: str) -> None:
    made = drawings()
    data = written("application/x-npz", coding, made)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    with np.load(io.BytesIO(data)) as loaded:
        assert loaded.files == list(CASES)
        for drawing in made:
            np.testing.assert_array_equal(loaded[drawing.name], render_array(drawing.volume))
    assert len(data) < sum(drawing.nbytes for drawing in made) / 20


def test_json() -> None:
    made = drawings("float16", ("kp_sigma0.6",))
    (clip,) = json.loads(written("application/json", "gzip", made))["clips"]
    assert (clip["name"], clip["dtype"], clip["shape"]) == ("kp_sigma0.6", "float16", [6, 17, 64, 64])
    np.testing.assert_array_equal(np.array(clip["imgs"], np.float16), render_array(made[0].volume, "float16"))


def test_a_check_that_raises_ends_the_work() -> None:
    def hung_up() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        written("application/x-npy", "zstd", drawings(names=("potion",)), Errand(check=hung_up))


@pytest.mark.parametrize(
    ("media_type", "coding", "bounds", "setting"),
    [
        ("application/x-npy", "zstd", Bounds(max_volume_bytes=1_000_000), "HEATSVC_MAX_VOLUME_BYTES"),
        ("application/x-npy", "zstd", Bounds(max_answer_bytes=1_000), "HEATSVC_MAX_ANSWER_BYTES"),
        ("application/x-npy", "identity", Bounds(max_answer_bytes=1_000_000), "HEATSVC_MAX_ANSWER_BYTES"),
        ("application/vnd.safetensors", "zstd", Bounds(max_answer_bytes=1_000), "HEATSVC_MAX_ANSWER_BYTES"),
        ("application/x-npz", "identity", Bounds(max_answer_bytes=1_000), "HEATSVC_MAX_ANSWER_BYTES"),
        ("application/json", "zstd", Bounds(max_json_values=1_000), "HEATSVC_MAX_JSON_VALUES"),
    ],
)
def test_what_is_too_large_is_told_before_it_is_drawn(
    media_type: str, coding: str, bounds: Bounds, setting: str
) -> None:
    with pytest.raises(LimitError) as caught:
        FORMS[media_type].layout(drawings(names=("kp_sigma0.6",)), CODINGS[coding], bounds)
    assert caught.value.setting == setting
