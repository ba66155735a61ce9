"""NumPy's files."""

from __future__ import annotations

import io

import numpy as np

from tests.cases.formats.kind import HD, Kind, Point, load, motion, npy, point_of

_UNIT = {**HD, "coordinates": "normalized"}


def _holistic_rows() -> bytes:
    """[T, 1662]: 33 of x, y, z, visibility; 468, 21 and 21 of x, y, z; as the tutorials concatenate them."""
    rows = []
    for t in range(4):
        random = np.random.default_rng(t)
        pose = random.uniform(0.2, 0.8, (33, 4))
        others = [random.uniform(0.2, 0.8, (count, 3)) for count in (468, 21, 21)]
        rows.append(np.concatenate([pose.ravel(), *(other.ravel() for other in others)]))
    return npy(np.array(rows))


def _holistic_right_thumb(data: bytes) -> Point:
    row = load(data)[2]
    x, y, _ = row[-21 * 3 :].reshape(21, 3)[4]
    return float(x), float(y), 1.0


def _islr_rows() -> bytes:
    """[T, 543, 3]: face, left hand, pose, right hand, as rows of Google's parquet files are reshaped."""
    points = np.random.default_rng(1).uniform(0.2, 0.8, (3, 543, 3)).astype(np.float32)
    points[..., 2] = np.random.default_rng(2).normal(0, 0.1, (3, 543))
    return npy(points)


def _savez(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def _array(data: bytes, name: str) -> np.ndarray:
    with np.load(io.BytesIO(data)) as archive:
        array: np.ndarray = archive[name]
        return array


def _own_npz() -> bytes:
    points = motion(2, 5, 17, seed=3)
    return _savez(
        keypoint=points[..., :2].astype(np.float16),
        keypoint_score=points[..., 2].astype(np.float16),
        img_shape=np.array([1080, 1920]),
        layout=np.array("coco17"),
        frame_dir=np.array("S001C001P001R001A001"),
        label=np.array(7),
    )


def _own_npz_point(data: bytes) -> Point:
    x, y = _array(data, "keypoint")[1, 3, 9]
    return float(x), float(y), float(_array(data, "keypoint_score")[1, 3, 9])


KINDS = (
    Kind(
        tool="KETI (MMPose)",
        file="`.npy` [T, 133, 3], one per video",
        score="third number",
        filename="KETI_SL_0000000419.avi.npy",
        make=lambda: npy(motion(6, 133).astype(np.float32)),
        plain=lambda data: point_of(load(data)[4, 91]),
        clip="KETI_SL_0000000419.avi",
        shape=(1, 6, 133),
        layout="coco_wholebody",
        point="left_hand_0",
        where=(0, 4),
        options=HD,
    ),
    Kind(
        tool="NumPy",
        file="`.npy` [M, T, V, 3]",
        score="third number",
        filename="v1.npy",
        make=lambda: npy(motion(2, 4, 17)),
        plain=lambda data: point_of(load(data)[1, 3, 10]),
        clip="v1",
        shape=(2, 4, 17),
        layout="coco17",
        point="right_wrist",
        where=(1, 3),
        options=HD,
    ),
    Kind(
        tool="NumPy",
        file="`.npy` [T, V, 2], without scores",
        score="1",
        filename="v1.npy",
        make=lambda: npy(motion(4, 27)[..., :2]),
        plain=lambda data: point_of(load(data)[2, 0]),
        clip="v1",
        shape=(1, 4, 27),
        layout="sign27",
        point="nose",
        where=(0, 2),
        options=HD,
    ),
    Kind(
        tool="NumPy",
        file="`.npy` of numbers of any size in Fortran order",
        score="third number",
        filename="v1.npy",
        make=lambda: npy(np.asfortranarray(motion(3, 25).astype(">f4"))),
        plain=lambda data: point_of(load(data)[1, 8]),
        clip="v1",
        shape=(1, 3, 25),
        layout="openpose25",
        point="mid_hip",
        where=(0, 1),
        options={**HD, "layout": "openpose25"},
    ),
    Kind(
        tool="MediaPipe Holistic (tutorials)",
        file="`.npy` [T, 1662], flat rows",
        score="the pose's visibility; hands and face 1, or 0 where they are zeros",
        filename="0.npy",
        make=_holistic_rows,
        plain=_holistic_right_thumb,
        clip="0",
        shape=(1, 4, 543),
        layout="mediapipe_holistic",
        point="right_hand_4",
        where=(0, 2),
        options=_UNIT,
        scale=(1920, 1080),
    ),
    Kind(
        tool="Google ISLR (MediaPipe Holistic)",
        file="`.npy` [T, 543, 3] of the parquet's rows",
        score="1",
        filename="1000035562.npy",
        make=_islr_rows,
        plain=lambda data: point_of(load(data)[1, 468 + 8, :2]),
        clip="1000035562",
        shape=(1, 3, 543),
        layout="islr543",
        point="left_hand_8",
        where=(0, 1),
        options={**_UNIT, "project": "xy", "layout": "islr543"},
        scale=(1920, 1080),
    ),
    Kind(
        tool="MediaPipe Hands",
        file="`.npy` [T, 21, 2] in pixels",
        score="1",
        filename="wave.npy",
        make=lambda: npy(motion(5, 21)[..., :2].astype(np.int32)),
        plain=lambda data: point_of(load(data)[0, 8]),
        clip="wave",
        shape=(1, 5, 21),
        layout="hand21",
        point="hand_8",
        options=HD,
    ),
    Kind(
        tool="heatsvc",
        file="`.npz` of `keypoint` and what describes it",
        score="`keypoint_score`",
        filename="clip.npz",
        make=_own_npz,
        plain=_own_npz_point,
        clip="S001C001P001R001A001",
        shape=(2, 5, 17),
        layout="coco17",
        point="left_wrist",
        where=(1, 3),
        img_shape=(1080, 1920),
    ),
    Kind(
        tool="NumPy",
        file="`.npz` of one array without a name (`numpy.savez(file, array)`)",
        score="third number",
        filename="v1.npz",
        make=lambda: _savez(arr_0=motion(3, 133)),
        plain=lambda data: point_of(_array(data, "arr_0")[2, 112]),
        clip="v1",
        shape=(1, 3, 133),
        layout="coco_wholebody",
        point="right_hand_0",
        where=(0, 2),
        options=HD,
    ),
)
