"""Pictures of POST /heatmap: asked for, bounded, off the event loop, and ended when the client goes away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.client import CLIP, NPY, Client, Response, StreamedRequest, clip_of
from tests.encode.test_pictures import DECODE

KINDS = {"png": "image/png", "gif": "image/gif", "webp": "image/webp", "mp4": "video/mp4"}
STEPS = [{"type": "GeneratePoseTarget", "sigma": 1.5}]


def body17(frames: int = 4) -> dict[str, Any]:
    """A clip of 17 COCO points on a diagonal, moving to the right."""
    places = np.stack([np.arange(17) * 3.0 + 5, np.arange(17) * 3.0 + 5], axis=-1)
    moved = places + np.arange(frames)[:, None, None] * np.array([1.0, 0.0])
    return clip_of(moved, (64, 64), pipeline=STEPS)


def ask(client: Client, kind: str, clip: dict[str, Any] | None = None, **picture: Any) -> Response:
    return client.post_json({**(clip or body17()), "picture": picture}, accept=KINDS[kind])


def frames_of(response: Response, kind: str) -> list[npt.NDArray[np.uint8]]:
    assert response.status == 200, response.wire[:500]
    assert response.headers["content-type"] == KINDS[kind]
    assert int(response.headers["content-length"]) == len(response.wire)
    return DECODE[kind](response.wire)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "picture",
    [
        {},
        {"mode": "joint", "legend": True},
        {"mode": "channel", "channel": "right_ankle", "colormap": "viridis"},
        {"skeleton": True, "caption": "clip a"},
    ],
    ids=["max", "joint", "channel", "skeleton"],
)
def test_every_mode_in_every_format(client: Client, kind: str, picture: dict[str, Any]) -> None:
    shown = frames_of(ask(client, kind, scale=2, **picture), kind)
    assert len(shown) == (1 if kind == "png" else 4)
    assert all(image.max() > 100 for image in shown)


@pytest.mark.parametrize("kind", KINDS)
def test_a_channel_is_bright_where_its_keypoint_is(client: Client, kind: str) -> None:
    image = frames_of(ask(client, kind, mode="channel", channel="nose", scale=8, frame=2), kind)[0]
    light = image.sum(axis=2).astype(int)
    y, x = (each.mean() for each in np.nonzero(light >= light.max() - 6))
    assert abs(x - (7 * 8 + 3.5)) < 4
    assert abs(y - (5 * 8 + 3.5)) < 4


def test_options_of_an_array_are_in_the_query(client: Client) -> None:
    array = np.array(body17()["keypoint"], np.float32)
    response = client.post_npy(
        array,
        {"accept": "image/png"},
        img_shape=[64, 64],
        pipeline=STEPS,
        picture={"mode": "joint", "frame": 1, "scale": 3},
    )
    (image,) = frames_of(response, "png")
    assert image.shape == (192, 192, 3)


def test_limbs_and_presets_are_shown_too(client: Client) -> None:
    clip = {**body17(), "pipeline": "view-limb", "layout": "coco17"}
    (image,) = frames_of(ask(client, "png", clip, mode="channel", channel="left_knee-left_ankle"), "png")
    assert image.max() > 100
    clip["pipeline"] = "posec3d-test"
    assert len(frames_of(ask(client, "mp4", clip, scale=1, frames=30), "mp4")) == 30


def test_dtype_and_reduce_are_of_no_account(client: Client) -> None:
    plain = ask(client, "png").wire
    assert client.post_json({**body17(), "dtype": "uint8", "reduce": "argmax"}, accept="image/png").wire == plain


def test_an_array_does_not_depend_on_the_option(client: Client) -> None:
    plain = client.post_json(body17(), accept=NPY).wire
    assert client.post_json({**body17(), "picture": {"mode": "joint"}}, accept=NPY).wire == plain


def test_several_clips_are_not_acceptable_as_a_picture(client: Client) -> None:
    problem = client.post_json({"clips": [CLIP, CLIP]}, accept="image/png").problem(406)
    assert "for several clips" in problem["detail"]
    assert "image/png" not in problem["detail"].split("several clips")[1]


def test_the_content_coding_is_identity_unless_it_is_refused(client: Client) -> None:
    plain = client.post_json(body17(), accept="image/png", accept_encoding="zstd, gzip")
    assert "content-encoding" not in plain.headers
    coded = client.post_json(body17(), accept="image/png", accept_encoding="gzip, identity;q=0")
    assert (coded.headers["content-encoding"], coded.body) == ("gzip", plain.wire)


@pytest.mark.parametrize(
    ("picture", "field"),
    [
        ({"mode": "mean"}, "picture.mode"),
        ({"scale": 0}, "picture.scale"),
        ({"scale": 65}, "picture.scale"),
        ({"scale": "2"}, "picture.scale"),
        ({"fps": 0}, "picture.fps"),
        ({"fps": "25"}, "picture.fps"),
        ({"fps": True}, "picture.fps"),
        ({"fps": 1e9}, "picture.fps"),
        ({"fps": None}, "picture.fps"),
        ({"colormap": "../../etc/passwd"}, "picture.colormap"),
        ({"caption": "a\u0000b"}, "picture.caption"),
        ({"caption": "x" * 201}, "picture.caption"),
        ({"caption": "\U000f0000"}, "picture.caption"),
        ({"frame": -1}, "picture.frame"),
        ({"frame": 10**30}, "picture.frame"),
        ({"frame": 4}, "picture.frame"),
        ({"columns": 10**6}, "picture.columns"),
        ({"mode": "channel", "channel": 17}, "picture.channel"),
        ({"mode": "channel", "channel": "x" * 300}, "picture.channel"),
        ({"font": "/etc/passwd"}, "picture"),
        ([], "picture"),
        ("max", "picture"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_is_a_problem_of_its_field(client: Client, picture: Any, field: str) -> None:
    problem = client.post_json({**body17(), "picture": picture}, accept="image/png").problem(422)
    assert problem["field"] == field


def test_limits_name_their_settings(serve: Callable[..., Client]) -> None:
    client = serve(max_picture_pixels=64 * 64 * 4, max_picture_frames=3, max_picture_bytes=3000)
    assert ask(client, "webp", scale=3, frames=2).problem(422)["setting"] == "HEATSVC_MAX_PICTURE_PIXELS"
    assert ask(client, "gif").problem(422)["setting"] == "HEATSVC_MAX_PICTURE_FRAMES"
    assert ask(client, "mp4", scale=2, frames=3).problem(413)["setting"] == "HEATSVC_MAX_PICTURE_BYTES"
    assert ask(client, "webp", scale=1, frames=2).status == 200


def test_a_font_of_the_settings_that_lacks_the_caption(serve: Callable[..., Client]) -> None:
    client = serve(caption_font="/no/such/font.ttf")
    problem = ask(client, "png", caption="a").problem(422)
    assert problem["field"] == "picture.caption"


def test_memory_is_taken_while_a_picture_is_made_and_given_back(serve: Callable[..., Client]) -> None:
    client = serve()
    budget = client.app.state.service.renderer.picture_memory
    frames_of(ask(client, "webp", body17(30), scale=8), "webp")
    assert budget.peak > 512 * 512 * 20
    assert budget.used == 0
    ask(client, "webp", caption="\U000f0000").problem(422)
    assert budget.used == 0


def test_a_service_without_memory_for_pictures_is_busy(serve: Callable[..., Client]) -> None:
    client = serve(admission_seconds=0.05)
    budget = client.app.state.service.renderer.picture_memory

    async def hold() -> Any:
        return await budget.reserve(budget.limit)

    held = client.wait(hold())
    assert "HEATSVC_PICTURE_MEMORY_BYTES" in ask(client, "png").problem(503)["detail"]
    assert client.post_json(body17(), accept=NPY).status == 200  # arrays do not wait for it
    held.shrink(0)
    assert ask(client, "png").status == 200


def test_a_client_that_goes_away_ends_the_rendering(serve: Callable[..., Client]) -> None:
    client = serve()
    renderer = client.app.state.service.renderer
    document = {**body17(2000), "picture": {"scale": 8}}

    async def leave() -> None:
        streamed = StreamedRequest(client, document, {"accept": "image/webp"})
        running = asyncio.create_task(streamed.run())
        while not renderer.picture_memory.used:
            await asyncio.sleep(0.001)
        streamed.disconnect()
        await asyncio.wait_for(running, 30)

    client.wait(leave())
    assert renderer.picture_memory.used == 0
    assert renderer.tile_memory.used == 0


def test_the_deadline_ends_the_rendering(serve: Callable[..., Client]) -> None:
    client = serve(request_seconds=0.3)
    problem = ask(client, "webp", body17(2000), scale=8).problem(503)
    assert "HEATSVC_REQUEST_SECONDS" in problem["detail"]
    assert client.app.state.service.renderer.picture_memory.used == 0


_values = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6), st.lists(st.integers(), max_size=2)
)
_fields = {
    "mode": st.sampled_from(["max", "joint", "channel"]),
    "channel": st.one_of(st.integers(-2, 20), st.sampled_from(["nose", "0", "-1", "tail", ""])),
    "colormap": st.sampled_from(["inferno", "gray"]),
    "skeleton": st.booleans(),
    "scale": st.integers(-1, 4),
    "fps": st.one_of(st.floats(0, 70), st.integers(1, 60)),
    "frame": st.integers(-1, 4),
    "frames": st.integers(-1, 5),
    "columns": st.integers(0, 5),
    "caption": st.text(max_size=20),
    "legend": st.booleans(),
}
_pictures = st.fixed_dictionaries({}, optional={name: st.one_of(some, _values) for name, some in _fields.items()})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(picture=_pictures, kind=st.sampled_from(sorted(KINDS)), unknown=st.booleans())
def test_any_options_give_a_picture_or_a_problem(client: Client, picture: Any, kind: str, unknown: bool) -> None:
    clip = CLIP | {"pipeline": STEPS} if unknown else body17(3)
    text = json.dumps({**clip, "picture": picture})
    response = client.post(text.encode(), headers={"accept": KINDS[kind]})
    if response.status != 200:
        assert response.status in (400, 422)
        response.problem(response.status)
    else:
        frames_of(response, kind)


def test_without_an_encoder_for_h264_the_next_accepted_format_is_sent(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heatsvc.encode.formats.mp4.Mp4.is_available", lambda self: False)
    response = client.post_json(body17(), accept="video/mp4, image/gif;q=0.5")
    assert response.headers["content-type"] == "image/gif"
    problem = client.post_json(body17(), accept="video/mp4").problem(406)
    assert "no encoder for video/mp4" in problem["detail"]
    assert problem["detail"].endswith("application/json, image/png, image/webp, image/gif")
