"""Whatever is sent, the response is heatmaps or a problem document; never a 500."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heatsvc.api.heatmap_schemas import OPTIONS
from heatsvc.pipeline import PRESETS, STEPS
from tests.api.client import CLIP, JSON, NPY, PIPELINE, PROBLEM, Client, Response
from tests.pose.readers.samples import every_format, npy

pytestmark = pytest.mark.slow

FILES = {name: data for name, data in every_format().items() if len(data) < 20_000}
POSE = every_format()["clip.pose"]
SHAPED = {"img_shape": [64, 64], "reduce": "max", "pipeline": [{"type": "CenterCrop", "crop_size": 16}, *PIPELINE]}
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0, -1, 1, 64]))
leaves = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8), st.sampled_from([*STEPS, *PRESETS]))
anything = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
)
parameters = sorted({name for step in STEPS.values() for name in step.model_fields if name != "type"})


@st.composite
def steps(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps of known names, in any order, with parameters of theirs and of others, of any value."""
    names = draw(st.lists(st.sampled_from([*STEPS]), max_size=4))
    made = []
    for name in [*names, "GeneratePoseTarget"]:
        known = [key for key in STEPS[name].model_fields if key != "type"]
        keys = draw(st.lists(st.sampled_from(known or parameters), max_size=3, unique=True))
        value = st.one_of(numbers, anything, st.sampled_from([[-1, 64], [8, 8], 0.5, 4, "full", True]))
        made.append({"type": name, **{key: draw(value) for key in keys}})
    return made


def fine(response: Response) -> None:
    assert response.status in (200, 400, 406, 413, 415, 422), response.wire[:500]
    if response.status != 200:
        assert response.headers["content-type"] == PROBLEM
        assert response.json()["detail"]
    assert int(response.headers["content-length"]) == len(response.wire)


def fuzzed(examples: int) -> Any:
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
    )


@fuzzed(250)
@given(document=anything)
def test_any_json(client: Client, document: Any) -> None:
    fine(client.post_json(document))


@fuzzed(400)
@given(change=st.dictionaries(st.sampled_from([*OPTIONS, *CLIP, "clips", "label", "x"]), anything, max_size=3))
def test_a_clip_with_any_option(client: Client, change: dict[str, Any]) -> None:
    fine(client.post_json({**CLIP, **change}, accept_encoding="zstd"))


@fuzzed(400)
@given(pipeline=steps(), keypoint=st.lists(st.lists(numbers, min_size=2, max_size=3), min_size=1, max_size=4))
def test_any_pipeline(client: Client, pipeline: list[dict[str, Any]], keypoint: list[list[float]]) -> None:
    document = {"keypoint": keypoint, "img_shape": [32, 32], "pipeline": pipeline, "reduce": "max", "dtype": "uint8"}
    fine(client.post_json(document, accept_encoding="zstd"))


@fuzzed(200)
@given(clips=st.lists(st.one_of(anything, st.just(CLIP), st.builds(lambda name: {**CLIP, "frame_dir": name}, leaves))))
def test_any_clips(client: Client, clips: list[Any]) -> None:
    fine(
        client.post_json(
            {"clips": clips, "pipeline": PIPELINE}, accept_encoding="zstd", accept="application/x-npz, */*;q=0.5"
        )
    )


@fuzzed(300)
@given(
    query=st.dictionaries(st.one_of(st.sampled_from(OPTIONS), st.text(max_size=5)), st.text(max_size=12), max_size=3),
    raw=st.text("=&%;+[],0123456789abc", max_size=20),
)
def test_any_query(client: Client, query: dict[str, str], raw: str) -> None:
    body = npy(np.ones((1, 3, 2)))
    fine(client.post(body, NPY, {"img_shape": "4,4", **query}))
    fine(client.post(body, NPY, f"img_shape=4,4&{raw}"))


@fuzzed(200)
@given(
    headers=st.dictionaries(
        st.sampled_from(["accept", "accept-encoding", "content-type", "x-request-id", "content-length"]),
        st.one_of(
            st.text("zstdgip*/;=q01.,-x ", max_size=20), st.binary(max_size=10).map(lambda b: b.decode("latin-1"))
        ),
    )
)
def test_any_headers(client: Client, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in {"content-type": JSON, **headers}.items()]
    fine(client.request("POST", "/heatmap", json=CLIP, headers=raw))


@st.composite
def bent(draw: st.DrawFn, data: bytes) -> bytes:
    """A file with bytes changed, cut out, doubled or added."""
    out = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(out)))
        kind = draw(st.sampled_from(["set", "cut", "add", "double", "end"]))
        some = draw(st.binary(min_size=1, max_size=4))
        if kind == "set":
            out[at : at + len(some)] = some
        elif kind == "cut":
            del out[at : at + draw(st.integers(1, 40))]
        elif kind == "add":
            out[at:at] = some
        elif kind == "double":
            out[at:at] = out[at : at + 20]
        else:
            del out[at:]
    return bytes(out)


@pytest.mark.parametrize("name", FILES)
@fuzzed(60)
@given(data=st.data())
def test_any_bent_file(client: Client, name: str, data: st.DataObject) -> None:
    fine(client.post_files({name: data.draw(bent(FILES[name]))}, SHAPED))


@fuzzed(40)
@given(data=st.data())
def test_any_bent_pose_file(client: Client, data: st.DataObject) -> None:
    header, body = POSE[:8000], POSE[8000:]
    fine(client.post_files({"clip.pose": data.draw(bent(header)) + body}, SHAPED))


@fuzzed(100)
@given(name=st.text(max_size=30), part=st.text(max_size=6), options=anything, boundary=st.text("ab-\"';= ", max_size=8))
def test_any_form(client: Client, name: str, part: str, options: Any, boundary: str) -> None:
    data = npy(np.ones((1, 3, 2)))
    fine(
        client.request("POST", "/heatmap", files=[("file", (name, data)), (part, (None, json.dumps(options).encode()))])
    )
    fine(client.request("POST", "/heatmap", files=[("file", (name, data))], data={"options": json.dumps(options)}))
    fine(client.post(b"--ab\r\n\r\n--ab--", f"multipart/form-data; boundary={boundary}"))
