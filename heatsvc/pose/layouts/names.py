"""canonical_names: converts the point names of tools to the names of layouts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from heatsvc.pose.layouts.layout import face68

_FINGERS = {
    "thumb": 1,
    "index": 5,
    "index_finger": 5,
    "forefinger": 5,
    "middle": 9,
    "middle_finger": 9,
    "ring": 13,
    "ring_finger": 13,
    "pinky": 17,
    "pinky_finger": 17,
    "little_finger": 17,
}
# Joints of a finger from the palm to its tip: MediaPipe's, those that pose-format writes for OpenPose, and MMPose's.
_JOINTS = {"mcp": 0, "pip": 1, "dip": 2, "tip": 3, "1": 0, "2": 1, "3": 2, "4": 3}
_THUMB = {"cmc": 0, "mcp": 1, "ip": 2, "tip": 3, "1": 0, "2": 1, "3": 2, "4": 3}
_SHORT_FINGERS = {"t": 1, "i": 5, "m": 9, "r": 13, "p": 17}
_SHORT_JOINTS = {"cmc": 0, "mcp": 1, "pip": 2, "dip": 3}
_SHORT_THUMB = {"stt": 0, "bcmc": 1, "mcp": 2, "ip": 3}
_WRISTS = ("wrist", "base", "root", "hand_root")
# A point of a hand that has no side, as MMPose's models of one hand call them.
_ONE_HAND = re.compile(rf"wrist|(?:{'|'.join(_FINGERS)})_?[1-4]")

_OTHER_NAMES = {
    "top_head": "head_top",
    "top_of_head": "head_top",
    "bottom_head": "head_bottom",
    "hip": "mid_hip",
    "middle_hip": "mid_hip",
    "root": "pelvis",
    "root_pelvis": "pelvis",
    "hips": "pelvis",
}
# CrowdPose, LSP, AI Challenger: six points of the arms, six of the legs, head and neck.
_LIMBS_HEAD_NECK = 14
_FACE = face68()


def canonical_names(names: Sequence[str], component: str = "") -> tuple[str, ...]:
    """Convert names of points to those of layouts: ``left_wrist`` for ``LWrist``, ``LEFT_WRIST`` and ``left wrist``.

    Unknown names are kept, in lower case with underscores.

    Args:
        names: the names in a file.
        component: name of a component of a `.pose` file, which has the side of a hand.
    """
    plain = _with_sides([_plain(name) for name in names])
    part = _plain(component)
    if "hand" in part and part.startswith(("left", "hand_left")) != part.startswith(("right", "hand_right")):
        side = "left" if "left" in part else "right"
        return tuple(f"{side}_{_hand_point(name, plain)}" for name in plain)
    if part.startswith("face"):
        mesh = "mesh" in part or "landmarks" in part
        return tuple(_face_point(name, mesh=mesh) for name in plain)
    if len(plain) > 1 and all(_ONE_HAND.fullmatch(name) for name in plain):
        return tuple(_hand_point(name, plain) for name in plain)
    found = [_OTHER_NAMES.get(name, name) for name in (_body_point(name) for name in plain)]
    if "left_foot" in found and "left_knee" in found and "left_ankle" not in found:
        # Human3.6M calls ankles feet.
        found = [f"{name.removesuffix('_foot')}_ankle" if name.endswith("_foot") else name for name in found]
    present = set(found)
    if {"head", "nose", "neck", "mid_hip"} <= present or (
        {"head", "neck"} <= present and len(found) == _LIMBS_HEAD_NECK
    ):
        # The head of Halpe and CrowdPose is the top of the head.
        found[found.index("head")] = "head_top"
    return tuple(found)


def _plain(name: str) -> str:
    """``right_shoulder`` for ``RShoulder``, ``R_Shoulder``, ``right shoulder`` and ``shoulder_right``."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=^[LR])(?=[A-Z][a-z])", "_", name)
    text = re.sub(r"[\W_]+", "_", text.lower()).strip("_")
    for short, side in (("l", "left"), ("r", "right")):
        if text.startswith(f"{short}_"):
            text = f"{side}{text[1:]}"
        if text.endswith(f"_{side}"):
            text = f"{side}_{text.removesuffix(f'_{side}')}"
    return text


def _with_sides(names: Sequence[str]) -> list[str]:
    """``left_hip`` for ``lhip`` and ``hip_l``, if the right one exists too."""
    there = set(names)
    found = []
    for name in names:
        first, end = name[:1], name[-2:]
        if end in ("_l", "_r") and f"{name[:-1]}{'r' if end == '_l' else 'l'}" in there:
            name = f"{'left' if end == '_l' else 'right'}_{name[:-2]}"
        elif first in ("l", "r") and len(name) > 2 and f"{'r' if first == 'l' else 'l'}{name[1:]}" in there:
            name = f"{'left' if first == 'l' else 'right'}_{name[1:]}"
        found.append(name)
    return found


def _body_point(name: str) -> str:
    """A point of a whole body, including MMPose's names of faces and hands."""
    if match := re.fullmatch(r"face_(\d{1,2})", name):
        return _FACE[int(match[1])] if int(match[1]) < len(_FACE) else name
    side, _, rest = name.partition("_")
    if side not in ("left", "right"):
        return name
    if rest == "hand_root":
        return f"{side}_hand_0"
    finger, joint = rest.rstrip("1234"), rest[-1:]
    if joint in "1234" and finger in _FINGERS:
        return f"{side}_hand_{_FINGERS[finger] + _JOINTS[joint]}"
    return name


def _hand_point(name: str, hand: Sequence[str]) -> str:
    """``hand_8`` for ``INDEX_FINGER_TIP``.

    Args:
        name: name of the point.
        hand: all names of the hand, since some tools use the same joint names for the thumb as for other fingers.
    """
    name = re.sub(r"^(left_|right_)?(hand_)?", "", name) or name
    if name in _WRISTS:
        return "hand_0"
    if re.fullmatch("[0-9]{1,3}", name):
        return f"hand_{int(name)}"
    numbered = re.fullmatch(r"(.+?)_?([1-4])", name)
    finger, joint = numbered.groups() if numbered else name.rpartition("_")[::2]
    if finger == "t" or (finger in _SHORT_FINGERS and joint in _SHORT_JOINTS):
        joints = _SHORT_THUMB if finger == "t" else _SHORT_JOINTS
        return f"hand_{_SHORT_FINGERS[finger] + joints[joint]}" if joint in joints else f"hand_{name}"
    has_own_joints = finger == "thumb" and not any(other.endswith(("thumb_pip", "thumb_dip")) for other in hand)
    joints = _THUMB if has_own_joints else _JOINTS
    if finger in _FINGERS and joint in joints:
        return f"hand_{_FINGERS[finger] + joints[joint]}"
    return f"hand_{name}"


def _face_point(name: str, *, mesh: bool) -> str:
    if match := re.fullmatch(r"(?:face_|fb_|face_mesh_)?(\d{1,3})", name):
        number = int(match[1])
        if mesh:
            return f"face_mesh_{number}"
        if number < len(_FACE):
            return _FACE[number]
        return {68: "right_pupil", 69: "left_pupil"}.get(number, f"face_{number}")
    return name
