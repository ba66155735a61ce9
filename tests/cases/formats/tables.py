"""Tables of DeepLabCut, SLEAP and Google ISLR, and old `.pose` files."""

from __future__ import annotations

import csv
import io
import struct
from typing import Any

import numpy as np

from tests.cases.formats.kind import HD, Point, Refused, flat, motion, point_of
from tests.cases.formats.trackers import WIDE, kind, unit


def _deeplabcut(individuals: tuple[str, ...] = ()) -> bytes:
    """The rows scorer, individuals where there are several, bodyparts and coords; then a row a frame."""
    parts, coords = ("snout", "left ear", "tailbase"), ("x", "y", "likelihood")
    columns = [(who, part, coord) for who in individuals or ("",) for part in parts for coord in coords]
    rows = [["scorer", *["DLC_resnet50_openfieldMay1shuffle1_100000"] * len(columns)]]
    if individuals:
        rows.append(["individuals", *(who for who, *_ in columns)])
    rows += [["bodyparts", *(part for _, part, _ in columns)], ["coords", *(coord for *_, coord in columns)]]
    for t in range(4):
        rows.append([str(t), *map(str, flat(motion(len(columns) // 3, seed=t)))])
    return "".join(",".join(row) + "\n" for row in rows).encode()


def _deeplabcut_point(who: str | None) -> Any:
    def plain(data: bytes) -> Point:
        rows = list(csv.reader(io.StringIO(data.decode())))
        parts = next(row for row in rows if row[0] == "bodyparts")
        owners = next((row for row in rows if row[0] == "individuals"), None)
        at = [i for i, part in enumerate(parts) if part == "left ear" and (owners is None or owners[i] == who)]
        row = next(row for row in rows if row[0] == "2")
        return point_of([float(row[i]) for i in at])

    return plain


def _sleap() -> bytes:
    import h5py

    points = motion(4, 3, 2, seed=6)  # frames, nodes, tracks
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["tracks"] = points[..., :2].transpose(2, 3, 1, 0)
        file["point_scores"] = points[..., 2].transpose(2, 1, 0)
        file["node_names"] = np.array([b"head", b"thorax", b"abdomen"])
        file["edge_inds"] = np.array([[0, 1], [1, 2]])
        file["track_names"] = np.array([b"female", b"male"])
        file["track_occupancy"] = np.ones((4, 2), np.uint8)
    return buffer.getvalue()


def _sleap_point(data: bytes) -> Point:
    import h5py

    with h5py.File(io.BytesIO(data)) as file:
        x, y = file["tracks"][1, :, 2, 3]
        return float(x), float(y), float(file["point_scores"][1, 2, 3])


def _parquet() -> bytes:
    import arro3.core
    import arro3.io

    rows: list[tuple[int, str, int, float, float]] = []
    for t in range(2):
        number = 0
        points = unit(543, seed=t)
        for part, count in (("face", 468), ("left_hand", 21), ("pose", 33), ("right_hand", 21)):
            for i in range(count):
                rows.append((20 + t, part, i, float(points[number, 0]), float(points[number, 1])))
                number += 1
    dtypes = {"frame": "int16", "type": "utf8", "landmark_index": "int16", "x": "float64", "y": "float64"}
    columns = {
        name: arro3.core.Array([row[i] for row in rows], type=getattr(arro3.core.DataType, dtype)())
        for i, (name, dtype) in enumerate(dtypes.items())
    }
    buffer = io.BytesIO()
    arro3.io.write_parquet(arro3.core.Table.from_pydict(columns), buffer)
    return buffer.getvalue()


def _parquet_point(data: bytes) -> Point:
    import arro3.io

    table = arro3.io.read_parquet(io.BytesIO(data)).read_all()
    columns = [table[name].to_pylist() for name in ("frame", "type", "landmark_index", "x", "y")]
    [(*_, x, y)] = [row for row in zip(*columns, strict=True) if row[:3] == (21, "right_hand", 4)]
    return x, y, 1.0


def _pose_0() -> bytes:
    """Version 0.0: of each frame the number of persons, of each its id, then x, y, z and confidence of each point."""
    names = ("Nose", "Neck", "RShoulder", "RElbow", "RWrist")
    data = struct.pack("<fHHHH", 0.0, 1920, 1080, 0, 1)
    for word in ("pose_keypoints_2d", "XYC"):
        data += struct.pack("<H", len(word)) + word.encode()
    data += struct.pack("<HHH", len(names), 0, 0)
    data += b"".join(struct.pack("<H", len(name)) + name.encode() for name in names)
    data += struct.pack("<HH", 25, 3)
    for t in range(3):
        data += struct.pack("<HH", 1, 0) + motion(5, seed=t).astype("<f4").tobytes()
    return data


def _pose_0_point(data: bytes) -> Point:
    return point_of(struct.unpack("<fff", data[-3 * 4 :]))


KINDS = (
    kind(
        *("DeepLabCut", "CSV of one animal", "likelihood", "openfieldDLC.csv", _deeplabcut, _deeplabcut_point(None)),
        "openfieldDLC",
        shape=(1, 4, 3), layout=None, point="left_ear", where=(0, 2),
    ),
    kind(
        *("DeepLabCut", "CSV of several animals", "likelihood", "pairDLC_el.csv"),
        *(lambda: _deeplabcut(("mus1", "mus2")), _deeplabcut_point("mus2"), "pairDLC_el"),
        shape=(2, 4, 3), layout=None, point="left_ear", where=(1, 2),
    ),
    kind(
        *("SLEAP", "`.analysis.h5` (the extra `hdf5`)", "`point_scores`", "flies.analysis.h5", _sleap, _sleap_point),
        "flies.analysis",
        shape=(2, 4, 3), layout=None, point="abdomen", where=(1, 3),
    ),
    kind(
        *("Google ISLR (MediaPipe Holistic)", "`.parquet` (the extra `parquet`)", "1", "1000035562.parquet"),
        *(_parquet, _parquet_point, "1000035562"),
        shape=(1, 2, 543), layout="islr543", point="right_hand_4", where=(0, 1), scale=WIDE,
    ),
    kind(
        *("pose-format", "`.pose` 0.0", "confidence", "old.pose", _pose_0, _pose_0_point, "old"),
        shape=(1, 3, 5), layout=None, point="right_wrist", where=(0, 2), options={}, img_shape=(1080, 1920),
    ),
)  # fmt: skip


def _hdf5(*names: str) -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name in names:
            file.create_group(name)
    return buffer.getvalue()


REFUSED = (
    Refused(
        "SLEAP",
        "`.slp`, a project",
        "flies.slp",
        lambda: _hdf5("frames", "instances", "metadata"),
        r"a SLEAP project \(\.slp\) is not supported: export its predictions",
        "export its predictions as an analysis file",
        HD,
    ),
    Refused(
        "HDF5",
        "other `.h5` files",
        "features.h5",
        lambda: _hdf5("features"),
        "neither a table of DeepLabCut nor tracks of SLEAP: save the array",
        "save [T, V, 3] as `.npy`",
        HD,
    ),
)
