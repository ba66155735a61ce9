"""OpenPose's `--write_json` in the combinations of its options, and datasets that are in its form."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np

from tests.cases.formats.kind import HD, Kind, Point, flat, member, motion, point_of, tarred, text, zipped

_SIZES = {"face_keypoints_2d": 70, "hand_left_keypoints_2d": 21, "hand_right_keypoints_2d": 21}
_EMPTY: tuple[str, ...] = (
    *("face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d"),
    *("pose_keypoints_3d", "face_keypoints_3d", "hand_left_keypoints_3d", "hand_right_keypoints_3d"),
)
HANDS = ("hand_left_keypoints_2d", "hand_right_keypoints_2d")
ALL = (*HANDS, "face_keypoints_2d")


def frame(t: int, body: int = 25, parts: Sequence[str] = (), people: int = 1, scale: float = 1) -> bytes:
    """A frame's file: parts that were not asked for are empty lists."""
    found = []
    for person in range(people):
        entry: dict[str, object] = {"person_id": [-1]}
        sizes = {"pose_keypoints_2d": body} | {part: _SIZES[part] for part in parts}
        for number, (part, size) in enumerate(sizes.items()):
            entry[part] = flat((motion(size, seed=100 * t + 10 * person + number) * (scale, scale, 1)).round(6))
        found.append(entry | {part: [] for part in _EMPTY if part not in entry})
    return text({"version": 1.3, "people": found})


def read(part: str, index: int, person: int = 0) -> Callable[[bytes], Point]:
    """A point of a frame's file: three numbers from three times its index on."""

    def plain(data: bytes) -> Point:
        numbers = json.loads(data)["people"][person][part]
        return point_of(numbers[3 * index : 3 * index + 3])

    return plain


def in_zip(name: str, plain: Callable[[bytes], Point]) -> Callable[[bytes], Point]:
    """The point of a file in an archive."""
    return lambda data: plain(member(data, name))


def _frames(stem: str, numbers: Sequence[int], **how: object) -> dict[str, bytes]:
    return {f"{stem}_{t:012d}_keypoints.json": frame(t, **how) for t in numbers}  # type: ignore[arg-type]


def _unit_frames() -> bytes:
    return zipped({f"v_{t:012d}_keypoints.json": frame(t, scale=1 / 1600) for t in range(3)})


def _object_frames() -> bytes:
    """AIHub: `people` is one object, and there are parts of four numbers a point, and a camera."""
    files = {}
    name = "NIA_SL_WORD0001_REAL01_F"
    for t in range(3):
        document = json.loads(frame(t, parts=ALL))
        [person] = document["people"]
        person["person_id"] = -1
        for part in ("pose", *("face", "hand_left", "hand_right")):
            numbers = np.array(person[f"{part}_keypoints_2d"]).reshape(-1, 3)
            person[f"{part}_keypoints_3d"] = flat(np.insert(numbers, 2, 1.5, axis=1))
        files[f"01/{name}/{name}_{t:012d}_keypoints.json"] = text({**document, "people": person, "camparam": {}})
    return zipped(files)


def _object_point(data: bytes) -> Point:
    name = "NIA_SL_WORD0001_REAL01_F"
    person = json.loads(member(data, f"01/{name}/{name}_000000000001_keypoints.json"))["people"]
    return point_of(person["hand_right_keypoints_2d"][3 * 8 : 3 * 8 + 3])


KINDS = (
    Kind(
        tool="OpenPose",
        file="JSON of one frame, BODY_25",
        score="third number",
        filename="walk_000000000012_keypoints.json",
        make=lambda: frame(12, people=2),
        plain=read("pose_keypoints_2d", 4, person=1),
        clip="walk_000000000012_keypoints",
        shape=(2, 1, 25),
        layout="openpose25",
        point="right_wrist",
        where=(1, 0),
        options=HD,
    ),
    Kind(
        tool="OpenPose",
        file="archive of a clip's frames, BODY_25 with face and hands",
        score="third number",
        filename="walk.zip",
        make=lambda: zipped(_frames("walk", range(4), parts=ALL)),
        plain=in_zip("walk_000000000002_keypoints.json", read("hand_left_keypoints_2d", 4)),
        clip="walk",
        shape=(1, 4, 137),
        layout="openpose137",
        point="left_hand_4",
        where=(0, 2),
        options=HD,
    ),
    Kind(
        tool="OpenPose",
        file="frames of `--model_pose COCO`, 18 points",
        score="third number",
        filename="walk.zip",
        make=lambda: zipped(_frames("walk", range(3), body=18)),
        plain=in_zip("walk_000000000001_keypoints.json", read("pose_keypoints_2d", 16)),
        clip="walk",
        shape=(1, 3, 18),
        layout="openpose18",
        point="right_ear",
        where=(0, 1),
        options=HD,
    ),
    Kind(
        tool="OpenPose",
        file="frames of `--model_pose MPI`, 15 points",
        score="third number",
        filename="walk.zip",
        make=lambda: zipped(_frames("walk", range(3), body=15)),
        plain=in_zip("walk_000000000002_keypoints.json", read("pose_keypoints_2d", 14)),
        clip="walk",
        shape=(1, 3, 15),
        layout="openpose15",
        point="chest",
        where=(0, 2),
        options=HD,
    ),
    Kind(
        tool="OpenPose",
        file="frames with `--hand`, without face",
        score="third number",
        filename="walk.zip",
        make=lambda: zipped(_frames("walk", range(3), parts=HANDS)),
        plain=in_zip("walk_000000000000_keypoints.json", read("hand_right_keypoints_2d", 20)),
        clip="walk",
        shape=(1, 3, 67),
        layout="openpose67",
        point="right_hand_20",
        options=HD,
    ),
    Kind(
        tool="OpenPose",
        file="frames of `--model_pose COCO` with `--hand` and `--face`",
        score="third number",
        filename="walk.zip",
        make=lambda: zipped(_frames("walk", range(2), body=18, parts=ALL)),
        plain=in_zip("walk_000000000001_keypoints.json", read("face_keypoints_2d", 30)),
        clip="walk",
        shape=(1, 2, 130),
        layout=None,
        point="face_30",
        where=(0, 1),
        options=HD,
    ),
    Kind(
        tool="OpenPose",
        file="frames of `--keypoint_scale 3`, 0..1 of the frame",
        score="third number",
        filename="v.zip",
        make=_unit_frames,
        plain=in_zip("v_000000000002_keypoints.json", read("pose_keypoints_2d", 1)),
        clip="v",
        shape=(1, 3, 25),
        layout="openpose25",
        point="neck",
        where=(0, 2),
        options={**HD, "coordinates": "normalized"},
        scale=(1920, 1080),
    ),
    Kind(
        tool="OpenPose",
        file="output folder of two videos, in one archive",
        score="third number",
        filename="out.zip",
        make=lambda: zipped(_frames("a", range(3)) | _frames("b", range(5, 7))),
        plain=in_zip("b_000000000006_keypoints.json", read("pose_keypoints_2d", 0)),
        clip="b",
        shape=(1, 2, 25),
        layout="openpose25",
        point="nose",
        where=(0, 1),
        options=HD,
        clips=2,
    ),
    Kind(
        tool="How2Sign",
        file="`.tar.gz` of a folder for each clip",
        score="third number",
        filename="test_2D_keypoints.tar.gz",
        make=lambda: tarred(
            {
                f"openpose_output/json/{clip}/{name}": data
                for clip in ("G0_1-1-rgb_front", "G0_2-1-rgb_front")
                for name, data in _frames(clip, range(2), parts=ALL).items()
            },
            "w:gz",
        ),
        plain=lambda data: read("pose_keypoints_2d", 7)(
            _from_tar(data, "openpose_output/json/G0_2-1-rgb_front/G0_2-1-rgb_front_000000000001_keypoints.json")
        ),
        clip="G0_2-1-rgb_front",
        shape=(1, 2, 137),
        layout="openpose137",
        point="left_wrist",
        where=(0, 1),
        options=HD,
        clips=2,
    ),
    Kind(
        tool="AIHub (NIASL)",
        file="frames whose `people` is one object",
        score="third number",
        filename="01_real_word_keypoint.zip",
        make=_object_frames,
        plain=_object_point,
        clip="NIA_SL_WORD0001_REAL01_F",
        shape=(1, 3, 137),
        layout="openpose137",
        point="right_hand_8",
        where=(0, 1),
        options=HD,
    ),
    Kind(
        tool="WLASL",
        file="`image_00001_keypoints.json`, a folder for each video",
        score="third number",
        filename="pose_per_individual_videos.zip",
        make=lambda: zipped(
            {
                f"pose_per_individual_videos/{video}/image_{t:05d}_keypoints.json": frame(t + int(video), parts=HANDS)
                for video in ("00335", "00336")
                for t in range(1, 4)
            }
        ),
        plain=in_zip("pose_per_individual_videos/00336/image_00003_keypoints.json", read("pose_keypoints_2d", 3)),
        clip="00336",
        shape=(1, 3, 67),
        layout="openpose67",
        point="right_elbow",
        where=(0, 2),
        options=HD,
        clips=2,
    ),
)


def _from_tar(data: bytes, name: str) -> bytes:
    import io
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = archive.extractfile(name)
        assert found is not None
        return found.read()
