"""What annotation programs export: COCO's form with names of their own, and JSON clips."""

from __future__ import annotations

import json

from tests.cases.formats.coco import COCO, document, read
from tests.cases.formats.kind import HD, Kind, Point, motion, text


def _cvat() -> bytes:
    """CVAT counts images from 1, has attributes, and hidden points at 0, 0 with flag 0."""
    content = document(None, COCO)
    content["images"] = [
        {**image, "license": 0, "flickr_url": "", "coco_url": "", "date_captured": 0} for image in content["images"]
    ]
    for entry in content["annotations"]:
        entry |= {"segmentation": [], "attributes": {"occluded": False, "keyframe": True}}
        entry["keypoints"][3 * 16 : 3 * 17] = [0, 0, 0]
    return text(content)


def _clip() -> bytes:
    points = motion(1, 4, 27, seed=9)
    return text(
        {
            "keypoint": points[..., :2].tolist(),
            "keypoint_score": points[..., 2].tolist(),
            "img_shape": [1080, 1920],
            "layout": "sign27",
            "frame_dir": "hello",
        }
    )


def _clip_point(data: bytes) -> Point:
    content = json.loads(data)
    x, y = content["keypoint"][0][3][6]
    return x, y, content["keypoint_score"][0][3][6]


def _json_null() -> bytes:
    points = motion(3, 17, seed=4).tolist()
    points[1][0] = [None, None, None]
    return text({"keypoint": points})


KINDS = (
    Kind(
        tool="CVAT",
        file="export `COCO Keypoints 1.0`",
        score="1 where the flag is 1 or 2",
        filename="person_keypoints_default.json",
        make=_cvat,
        plain=read(0, 5),
        clip="person_keypoints_default",
        shape=(1, 3, 17),
        layout="coco17",
        point="left_shoulder",
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="heatsvc",
        file="JSON of a clip, as in a request",
        score="`keypoint_score`",
        filename="hello.json",
        make=_clip,
        plain=_clip_point,
        clip="hello",
        shape=(1, 4, 27),
        layout="sign27",
        point="right_wrist",
        where=(0, 3),
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="heatsvc",
        file="JSON of lists [T, V, 3], `null` where a point is not detected",
        score="third number",
        filename="v1.json",
        make=_json_null,
        plain=lambda data: tuple(json.loads(data)["keypoint"][2][4]),  # type: ignore[arg-type, return-value]
        clip="v1",
        shape=(1, 3, 17),
        layout="coco17",
        point="right_ear",
        where=(0, 2),
        options=HD,
    ),
)
