"""Names as files have them, and the names that layouts have for the same points."""

from __future__ import annotations

import pytest

from heatsvc.pose import LAYOUTS
from heatsvc.pose.layouts import canonical_names, layout_of_names

FINGERS = ("thumb", "forefinger", "middle_finger", "ring_finger", "pinky_finger")
BODY = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow")
ARMS_AND_LEGS = ("right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee")
FEET = tuple(f"{side}_{point}" for point in ("big_toe", "small_toe", "heel") for side in ("left", "right"))


def test_the_sides_and_cases_of_the_tools_are_one_name() -> None:
    names = ("LWrist", "LEFT_WRIST", "left wrist", "l_wrist", "wrist_left", "leftWrist")
    assert set(canonical_names(names)) == {"left_wrist"}


# What MMPose writes of its hand models, whose points have no side.
def test_a_hand_without_a_side_is_hand21() -> None:
    names = ("wrist", *(f"{finger}{joint}" for finger in FINGERS for joint in (1, 2, 3, 4)))
    assert layout_of_names(canonical_names(names)) is LAYOUTS["hand21"]


def test_a_hand_from_its_tips_to_the_wrist_has_the_same_names() -> None:
    names = (*(f"{finger}{joint}" for finger in FINGERS for joint in (4, 3, 2, 1)), "wrist")
    assert canonical_names(names) == (
        *("hand_4", "hand_3", "hand_2", "hand_1", "hand_8", "hand_7", "hand_6", "hand_5"),
        *("hand_12", "hand_11", "hand_10", "hand_9", "hand_16", "hand_15", "hand_14", "hand_13"),
        *("hand_20", "hand_19", "hand_18", "hand_17", "hand_0"),
    )


@pytest.mark.parametrize("names", [("0", "1", "2"), ("wrist", "elbow"), ("wrist",), ("nose", "thumb1")])
def test_names_that_are_not_all_of_a_hand_are_none(names: tuple[str, ...]) -> None:
    assert canonical_names(names) == names


# Halpe's and MMPose's word for the top of the head beside a neck and a point between the hips.
def test_the_head_of_halpe_is_the_top_of_the_head() -> None:
    names = (*BODY, *ARMS_AND_LEGS, "left_ankle", "right_ankle", "head", "neck", "hip", *FEET)
    assert layout_of_names(canonical_names(names)) is LAYOUTS["halpe26"]
    face = tuple(f"face-{i}" for i in range(68))
    hands = tuple(
        f"{side}_{point}"
        for side in ("left", "right")
        for point in ("hand_root", *(f"{finger}{joint}" for finger in FINGERS for joint in (1, 2, 3, 4)))
    )
    assert layout_of_names(canonical_names((*names, *face, *hands))) is LAYOUTS["halpe136"]


def test_the_head_of_human36m_is_another_point() -> None:
    names = ("root", "right_hip", "right_knee", "right_foot", "left_hip", "left_knee", "left_foot", "spine", "thorax")
    names += ("neck_base", "head", "left_shoulder", "left_elbow", "left_wrist", "right_shoulder", "right_elbow")
    assert layout_of_names(canonical_names((*names, "right_wrist"))) is LAYOUTS["h36m17"]
    assert canonical_names(("head", "neck"))[0] == "head"
