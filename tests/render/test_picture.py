"""Picture: which pixel has which color, for every mode, and what cannot be shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from heatsvc.bounds import DEFAULT_BOUNDS
from heatsvc.cancel import CancelledError, CancelToken
from heatsvc.errors import InputError, LimitError
from heatsvc.render.array import render_array
from heatsvc.render.picture import Picture
from heatsvc.render.picture_colors import body_part, color_table
from heatsvc.render.picture_options import PictureOptions
from heatsvc.volume import Gaussian, HeatmapVolume, Potion

POINTS = ("nose", "left_wrist", "right_wrist", "left_hand_4", "right_hand_4")
# x and y of each point; on the second frame all are 10 pixels further down.
PLACES = [(30, 5), (10, 20), (50, 20), (8, 30), (52, 30)]
SKELETON = ((0, 1), (0, 2), (1, 3), (2, 4))


def volume(**changes: Any) -> HeatmapVolume:
    xy = np.array(PLACES, np.float32)
    keypoint = np.stack([xy, xy + np.array([0, 10])])[None].astype(np.float32)
    score = np.ones((1, 2, len(POINTS)), np.float32)
    made = HeatmapVolume(keypoint, score, 48, 64, Gaussian(1.0), points=POINTS, skeleton=SKELETON)
    return replace(made, **changes)


def plan(made: HeatmapVolume | None = None, *, sheet: bool = False, font: str = "", **options: Any) -> Picture:
    given = made or volume()
    return Picture.plan(given, PictureOptions(**options), DEFAULT_BOUNDS, sheet=sheet, font=font)


def luminance(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    return image @ np.array([0.2126, 0.7152, 0.0722])


def brightest(image: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """x and y of the middle of the brightest pixels."""
    light = luminance(image)
    y, x = np.nonzero(light == light.max())
    return round(float(x.mean())), round(float(y.mean()))


@pytest.mark.parametrize("scale", [1, 2, 8])
def test_max_is_the_largest_value_of_each_pixel_in_the_color_map(scale: int) -> None:
    picture = plan(scale=scale)
    for frame in range(2):
        image = picture.frame(frame)
        assert (image.shape, image.dtype) == ((48 * scale, 64 * scale, 3), np.uint8)
        values = render_array(volume(reduce="max"), "uint8")[frame]
        np.testing.assert_array_equal(image[::scale, ::scale], color_table("inferno")[values])
        np.testing.assert_array_equal(image, image[::scale, ::scale].repeat(scale, 0).repeat(scale, 1))


@pytest.mark.parametrize("colormap", ["inferno", "magma", "plasma", "viridis", "cividis"])
def test_color_maps_are_perceptual(colormap: str) -> None:
    """Each value is lighter than the one before: relative luminance only grows, but for rounding to whole numbers."""
    table = color_table(colormap)  # type: ignore[arg-type]
    assert (np.diff(luminance(table)) > -1).all()
    assert luminance(table)[-1] > luminance(table)[0] + 100


@pytest.mark.parametrize("index", range(len(POINTS)))
@pytest.mark.parametrize("frame", [0, 1])
def test_a_channel_has_its_peak_where_its_keypoint_is(index: int, frame: int) -> None:
    for channel in (POINTS[index], index, str(index)):
        image = plan(mode="channel", channel=channel, scale=5).frame(frame)
        x, y = PLACES[index]
        assert brightest(image) == (5 * x + 2, 5 * (y + 10 * frame) + 2)


def test_a_limb_is_a_channel() -> None:
    limbs = np.array([[0, 1], [1, 3]], np.int32)
    made = volume(limbs=limbs)
    picture = plan(made, mode="channel", channel="left_wrist-left_hand_4", scale=1)
    expected = render_array(made, "uint8")[:, len(POINTS) + 1]
    for frame in range(2):
        np.testing.assert_array_equal(picture.frame(frame), color_table("inferno")[expected[frame]])
    only = plan(replace(made, with_kp=False), mode="channel", channel=1, scale=1)
    np.testing.assert_array_equal(only.frame(0), color_table("inferno")[expected[0]])
    assert only.volume.channel_names == ["nose-left_wrist", "left_wrist-left_hand_4"]


def test_joints_have_the_colors_of_their_parts_left_lighter_than_right() -> None:
    image = plan(mode="joint", scale=3).frame(0)
    colors = {point: tuple(image[3 * y + 1, 3 * x + 1].tolist()) for point, (x, y) in zip(POINTS, PLACES, strict=True)}
    assert colors == {point: body_part(point).color for point in POINTS}
    assert len(set(colors.values())) == len(POINTS)
    for left, right in (("left_wrist", "right_wrist"), ("left_hand_4", "right_hand_4")):
        assert luminance(np.array(colors[left])) > luminance(np.array(colors[right])) + 40
    assert not image[0, 0].any()


def test_in_a_joint_picture_brightness_is_the_value() -> None:
    made = volume(keypoint_score=np.full((1, 2, len(POINTS)), 0.5, np.float32))
    x, y = PLACES[1]
    pixel = plan(made, mode="joint", scale=1).frame(0)[y, x]
    np.testing.assert_allclose(pixel, np.array(body_part("left_wrist").color) * 128 / 255, atol=1)


def test_limbs_have_the_color_of_the_part_that_they_lead_to() -> None:
    made = volume(limbs=np.array([[1, 3]], np.int32), with_kp=False)
    image = plan(made, mode="joint", scale=1).frame(0)
    np.testing.assert_array_equal(image[25, 9], body_part("left_hand_4").color)


def test_mirrored_frames_are_the_pictures_mirrored_with_left_and_right_exchanged() -> None:
    made = volume(double=True, mirror=np.array([0, 2, 1, 4, 3], np.int32))
    everything = render_array(made, "uint8")
    assert len(plan(made, scale=1).numbers) == 4
    for frame in range(4):
        image = plan(made, scale=1).frame(frame)
        np.testing.assert_array_equal(image, color_table("inferno")[everything[frame].max(axis=0)])
        image = plan(made, mode="channel", channel="left_wrist", scale=1).frame(frame)
        np.testing.assert_array_equal(image, color_table("inferno")[everything[frame, 1]])
    x, y = PLACES[2]
    np.testing.assert_array_equal(plan(made, mode="joint", scale=1).frame(2)[y, 63 - x], body_part("left_wrist").color)
    skeleton = plan(made, skeleton=True, scale=4).frame(2)
    middle = (np.array(PLACES[2]) + PLACES[4]) / 2
    x, y = (int(4 * each) for each in (63 - middle[0], middle[1]))
    assert body_part("left_hand_4").color in {
        tuple(pixel) for pixel in skeleton[y : y + 4, x - 4 : x + 8].reshape(-1, 3)
    }


def test_clips_follow_one_another() -> None:
    made = volume(clips=2)
    images = [plan(made, scale=1).frame(index) for index in range(2)]
    expected = [plan(scale=1).frame(index) for index in range(2)]
    np.testing.assert_array_equal(images, expected)


@pytest.mark.parametrize("mode", ["max", "joint"])
def test_the_skeleton_is_drawn_between_detected_points(mode: str) -> None:
    scale = 4
    plain, drawn = (plan(mode=mode, skeleton=skeleton, scale=scale).frame(0) for skeleton in (False, True))
    changed = (plain != drawn).any(axis=2)
    for a, b in SKELETON:
        middle = (np.array(PLACES[a]) + PLACES[b]) / 2 * scale + (scale - 1) / 2
        x, y = middle.round().astype(int)
        assert changed[y - 2 : y + 3, x - 2 : x + 3].any()
    assert changed.mean() < 0.05
    ends = ("left_hand_4", "right_hand_4")
    colors = {tuple(color) for color in drawn[changed].tolist()}
    assert {body_part(point).color for point in ends} <= colors


def test_points_that_are_not_detected_have_no_lines() -> None:
    keypoint, score = volume().keypoint.copy(), volume().keypoint_score.copy()
    keypoint[:, 0, 0] = np.nan
    score[:, 0, 3:] = 0
    made = volume(keypoint=keypoint, keypoint_score=score)
    np.testing.assert_array_equal(plan(made, skeleton=True).frame(0), plan(made).frame(0))


def test_points_far_outside_are_drawn_towards() -> None:
    keypoint = volume().keypoint.copy()
    keypoint[:, 0, 0] = (30, -1e30)
    image = plan(volume(keypoint=keypoint), skeleton=True, scale=2).frame(0)
    assert image.shape == (96, 128, 3)


def test_a_volume_without_a_layout_has_one_color_and_limbs_of_its_own() -> None:
    made = volume(points=(), skeleton=(), limbs=np.array([[0, 1]], np.int32))
    picture = plan(made, mode="joint", skeleton=True, scale=2)
    assert picture.volume.channel_names == ["0", "1", "2", "3", "4", "0-1"]
    hues = {tuple(pixel) for pixel in picture.frame(0)[::2, ::2].reshape(-1, 3).tolist()}
    assert (86, 165, 233) in hues


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({}, tuple(range(10))),
        ({"frame": 7}, (7,)),
        ({"frames": 2}, (2, 7)),
        ({"frames": 3}, (1, 5, 8)),
        ({"frames": 99}, tuple(range(10))),
    ],
)
def test_which_frames_are_shown(options: dict[str, Any], numbers: tuple[int, ...]) -> None:
    made = volume(keypoint=np.zeros((1, 10, 5, 2), np.float32), keypoint_score=np.ones((1, 10, 5), np.float32))
    assert plan(made, **options).numbers == numbers


@pytest.mark.parametrize(
    ("sides", "count", "sheet", "scale"),
    [((64, 64), 5, False, 8), ((56, 56), 5, False, 9), ((64, 64), 48, True, 3), ((600, 20), 2, False, 1)],
)
def test_the_scale_is_chosen_for_a_screen(sides: tuple[int, int], count: int, sheet: bool, scale: int) -> None:
    made = HeatmapVolume(np.zeros((1, count, 1, 2), np.float32), np.ones((1, count, 1), np.float32), *sides)
    assert plan(made, sheet=sheet).scale == scale


@pytest.mark.parametrize(
    ("options", "field", "message"),
    [
        ({"mode": "channel"}, "channel", "`channel` is required: it must be a name"),
        ({"mode": "channel", "channel": "tail"}, "channel", "'tail'"),
        ({"mode": "channel", "channel": 5}, "channel", "an index from 0 to 4"),
        ({"mode": "channel", "channel": "99999999999999"}, "channel", "an index from 0 to 4"),
        ({"channel": 1}, "channel", "can only be set with the mode"),
        ({"frame": 2}, "frame", "frames 0 to 1"),
        ({"frame": 1, "frames": 1}, "frame", "not both"),
    ],
)
def test_what_there_is_not_is_refused(options: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        plan(**options)
    assert caught.value.field == f"picture.{field}"


def test_a_skeleton_of_unknown_points_is_refused() -> None:
    with pytest.raises(InputError, match="set `layout`"):
        plan(volume(points=(), skeleton=()), skeleton=True)


def test_a_potion_picture_is_refused() -> None:
    with pytest.raises(InputError, match="no frames to show"):
        plan(volume(potion=Potion(3)))


@pytest.mark.parametrize(
    ("bound", "options"),
    [
        ({"max_picture_pixels": 48 * 64 * 4 - 1}, {"scale": 2}),
        ({"max_picture_pixels": 48 * 64 * 2 - 1}, {"scale": 1, "sheet": True}),
        ({"max_picture_pixels": 48 * 64}, {"scale": 1, "caption": "a"}),
        ({"max_picture_frames": 1}, {}),
    ],
)
def test_a_large_picture_is_refused_before_it_is_made(bound: dict[str, int], options: dict[str, Any]) -> None:
    sheet = options.pop("sheet", False)
    bounds = replace(DEFAULT_BOUNDS, **bound)
    with pytest.raises(LimitError) as caught:
        Picture.plan(volume(), PictureOptions(**options), bounds, sheet=sheet)
    (name,) = bound
    assert caught.value.setting == f"HEATSVC_{name.upper()}"


def test_a_cancelled_token_ends_a_skeleton() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(CancelledError):
        plan(skeleton=True).frame(0, token)


@pytest.mark.parametrize("mode", ["max", "joint", "channel"])
def test_a_palette_has_all_colors_or_nearly_so(mode: str) -> None:
    more = {"channel": "nose"} if mode == "channel" else {}
    picture = plan(mode=mode, skeleton=True, legend=True, caption="a", scale=2, **more)
    palette = picture.palette.astype(int)
    assert len(palette) <= 256
    colors = np.unique(np.concatenate([picture.frame(0).reshape(-1, 3), picture.strip.pixels.reshape(-1, 3)]), axis=0)
    distances = np.abs(colors[:, None].astype(int) - palette).max(axis=2).min(axis=1)
    assert distances.max() <= 16
