"""GeneratePoseTarget: channels, limbs, mirror images and map size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heatsvc.bounds import Bounds
from heatsvc.errors import LimitError
from heatsvc.pipeline import PipelineError
from heatsvc.pose import Layout, get_layout
from heatsvc.volume import Gaussian, HeatmapVolume
from tests.pipeline.clips import NAN, clip_of, numbered_clip, run

COCO_LEFT, COCO_RIGHT = [1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]
COCO_MIRROR = [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]
COCO_LIMB_MIRROR = [1, 0, 3, 2, 7, 8, 9, 4, 5, 6, 13, 14, 15, 10, 11, 12, 16]


def target(points: int = 17, bounds: Bounds | None = None, **parameters: object) -> HeatmapVolume:
    """The volume of one frame of 64 x 64 pixels."""
    step = {"type": "GeneratePoseTarget", **parameters}
    return run([step], numbered_clip(1, points), bounds=bounds or Bounds())


def test_the_defaults_are_pyskls() -> None:
    volume = target()
    assert volume.gaussian == Gaussian(sigma=0.6, eps=1e-3)
    assert (volume.with_kp, volume.double) == (True, False)
    assert len(volume.limbs) == 0
    assert volume.shape == (1, 17, 64, 64)
    assert volume.reduce == "none"


def test_arrays_are_contiguous_and_of_the_documented_types() -> None:
    clip = numbered_clip(3)
    steps = [{"type": "Flip", "flip_ratio": 1}, {"type": "CenterCrop", "crop_size": 20}]
    volume = run([*steps, {"type": "GeneratePoseTarget", "double": True, "with_limb": True}], clip)
    for array, dtype in (
        (volume.keypoint, np.float64),  # behind a crop
        (volume.keypoint_score, np.float32),
        (volume.limbs, np.int32),
        (volume.mirror, np.int32),
    ):
        assert array.dtype == dtype
        assert array.flags.c_contiguous


def test_scaling_is_of_the_map_and_of_the_points() -> None:
    volume = run([{"type": "GeneratePoseTarget", "scaling": 0.5}], clip_of([[10, 21]], img_shape=(81, 101)))
    assert (volume.height, volume.width) == (41, 51)
    assert volume.keypoint[0, 0, 0].tolist() == [5, 10.5]


def test_without_scores_every_detected_point_has_score_1() -> None:
    clip = clip_of([[[1, 1], [2, 2], [NAN, NAN]]], score=[[0.5, 0, 0.7]])
    assert run([{"type": "GeneratePoseTarget", "use_score": False}], clip).keypoint_score[0, 0].tolist() == [1, 1, 0]
    assert run([], clip).keypoint_score[0, 0].tolist() == [0.5, 0, 0]


def test_limbs_are_the_layouts() -> None:
    volume = target(27, with_kp=False, with_limb=True)
    assert [tuple(limb) for limb in volume.limbs.tolist()] == list(get_layout("sign27").limbs)
    assert volume.shape == (1, 26, 64, 64)


def test_limbs_of_an_unknown_layout_are_never_guessed() -> None:
    with pytest.raises(
        PipelineError, match=r"of 20 points of an unknown layout are unknown: set layout, or skeletons"
    ) as error:
        target(20, with_kp=False, with_limb=True)
    assert error.value.field == "pipeline[0].skeletons"


def test_skeletons_replaces_the_layouts_limbs() -> None:
    volume = target(3, with_kp=False, with_limb=True, skeletons=[[0, 2], [1, 1]])
    assert volume.limbs.tolist() == [[0, 2], [1, 1]]


def test_both_give_keypoint_channels_then_limb_channels() -> None:
    volume = target(with_limb=True, double=True)
    assert volume.shape == (2, 34, 64, 64)
    assert volume.mirror.tolist() == COCO_MIRROR + [17 + i for i in COCO_LIMB_MIRROR]


def test_the_mirrored_copy_swaps_the_layouts_left_and_right() -> None:
    assert target(double=True).mirror.tolist() == COCO_MIRROR
    assert target(27, double=True).mirror.tolist() == list(get_layout("sign27").mirror)
    with pytest.raises(PipelineError, match=r"20 points of an unknown layout are unknown: set layout, or left_kp"):
        target(20, double=True)


def test_left_kp_and_right_kp_replace_the_layouts() -> None:
    assert target(4, double=True, left_kp=[0], right_kp=[3]).mirror.tolist() == [3, 1, 2, 0]


def test_limbs_are_swapped_by_their_ends() -> None:
    assert target(with_kp=False, with_limb=True, double=True).mirror.tolist() == COCO_LIMB_MIRROR
    one_sided = target(with_kp=False, with_limb=True, double=True, skeletons=[[5, 7], [0, 1], [8, 6]])
    assert one_sided.mirror.tolist() == [2, 1, 0]


def test_left_limb_and_right_limb_replace_them() -> None:
    volume = target(
        3, with_kp=False, with_limb=True, double=True, skeletons=[[0, 1], [1, 2]], left_limb=[0], right_limb=[1]
    )
    assert volume.mirror.tolist() == [1, 0]


def test_one_step_processes_clips_of_several_layouts() -> None:
    step = {"type": "GeneratePoseTarget", "with_limb": True, "with_kp": False}
    a = Layout("a", "", ("nose", "left_eye"), ((0, 1),))
    b = Layout("b", "", ("nose", "left_eye"), ((1, 0),))
    for layout, limbs in ((a, [[0, 1]]), (b, [[1, 0]]), (a, [[0, 1]])):
        assert run([step], clip_of([[[1, 1], [2, 2]]], layout=layout)).limbs.tolist() == limbs


@pytest.mark.parametrize(
    ("parameters", "field", "message"),
    [
        ({"sigma": float("nan")}, "sigma", "must be a finite number, not nan"),
        ({"sigma": 0}, "sigma", "must be at least 0.001, not 0"),
        ({"sigma": -0.6}, "sigma", "must be at least 0.001, not -0.6"),
        ({"sigma": 1e6}, "sigma", "must be at most 1000, not 1000000.0"),
        ({"sigma": "0.6"}, "sigma", "must be a number, not '0.6'"),
        ({"sigma": True}, "sigma", "must be a number, not true"),
        ({"eps": 0}, "eps", "must be greater than 0, not 0"),
        ({"with_kp": 1}, "with_kp", "must be true or false, not 1"),
        ({"with_kp": False}, "with_kp", "with_kp and with_limb are both false: one must be true"),
        ({"with_limb": True, "skeletons": []}, "skeletons", "needs at least one limb"),
        ({"with_limb": True, "skeletons": [[0, 17]]}, "skeletons", "has keypoint 17, but there are 17 keypoints"),
        ({"skeletons": [[0, 1], [2]]}, "skeletons[1]", "must be a list of two"),
        ({"skeletons": [[0, 1, 2]]}, "skeletons[0]", "must be a list of at most 2"),
        ({"skeletons": [[0, 1], [0, "2"]]}, "skeletons[1][1]", "must be a whole number, not '2'"),
        ({"double": True, "left_kp": [17], "right_kp": [0]}, "left_kp", "has keypoint 17, but there are 17"),
        ({"left_kp": [1]}, "right_kp", "left_kp is given without right_kp"),
        ({"right_limb": [1]}, "left_limb", "right_limb is given without left_limb"),
        (
            {"double": True, "with_limb": True, "left_limb": [0], "right_limb": [17]},
            "right_limb",
            "has limb 17, but there are 17 limbs",
        ),
        ({"scaling": 0}, "scaling", "must be greater than 0, not 0"),
        ({"scaling": 1e-3}, "scaling", "the map would be 0 x 0 pixels"),
    ],
)
def test_an_invalid_parameter_is_refused(parameters: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(PipelineError, match=message) as error:
        target(**parameters)
    assert error.value.field == f"pipeline[0].{field}"


def test_a_layout_without_limbs_is_refused_with_limb() -> None:
    step = {"type": "GeneratePoseTarget", "with_limb": True}
    with pytest.raises(PipelineError, match="layout points has no limbs: set skeletons"):
        run([step], clip_of([[[1, 1]]], layout=Layout("points", "", ("nose",))))


def test_a_map_side_above_the_bound_is_refused() -> None:
    with pytest.raises(LimitError, match=r"65 pixels .* max_map_side") as error:
        target(scaling=65 / 64, bounds=Bounds(max_map_side=64))
    assert error.value.field == "pipeline[0]"


def test_a_volume_above_the_bound_is_refused() -> None:
    size = 17 * 64 * 64 * 4
    target(bounds=Bounds(max_volume_bytes=size))
    with pytest.raises(LimitError, match=r"557,056 bytes .* max_volume_bytes") as error:
        target(double=True, bounds=Bounds(max_volume_bytes=2 * size - 1))
    assert error.value.got == 2 * size
