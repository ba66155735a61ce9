"""Valid small files of every format, as bytes, which tests modify."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from heatsvc.pose.readers import ReadOptions

DATA = Path(__file__).parents[2] / "data"
KETI = DATA / "keti-mini" / "Keypoints-MMPOSE"
HD = ReadOptions(img_shape=(1080, 1920))


def npy(array, **options) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def npz(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarred(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def text(value) -> bytes:
    return json.dumps(value).encode()


def triples(points: int, x: float, score: float = 1.0) -> list[float]:
    """x, y, score of `points` points in one flat list; y is x plus 1."""
    return [number for i in range(points) for number in (x + i, x + i + 1, score)]


def openpose_frame(*people: dict) -> bytes:
    return text({"version": 1.3, "people": [{"person_id": [-1], **person} for person in people]})


def mmpose_instance(points: int, x: float, score: float = 0.5) -> dict:
    return {
        "keypoints": [[x + i, x + i + 1] for i in range(points)],
        "keypoint_scores": [score] * points,
        "bbox": [[0, 0, 10, 10]],
        "bbox_score": 0.9,
    }


def kinetics_person(x: float, points: int = 18, score: float = 0.5) -> dict:
    """Points at x, x + 0.5, then 1/64 further each."""
    return {
        "pose": [number + i / 64 for i in range(points) for number in (x, x + 0.5)],
        "score": [score] * points,
    }


def kinetics_frame(number: int, *persons: dict) -> dict:
    return {"frame_index": number, "skeleton": list(persons)}


def ntu_body(body_id: int, x: float, state: int = 2) -> str:
    """Joints whose place in the color image is x, x + 1, then one further each."""
    joints = [f"0.1 0.2 3.0 100.5 90.5 {x + i} {x + i + 1} 0.1 -0.1 0.9 0.2 {state}\r\n" for i in range(25)]
    return f"{body_id} 0 1 1 0 0 0 0.01 -0.2 2\r\n25\r\n" + "".join(joints)


def ntu_skeleton(frames: Sequence[Sequence[str]]) -> bytes:
    """The bodies of each frame."""
    text = "".join(f"{len(bodies)}\r\n{''.join(bodies)}" for bodies in frames)
    return f"{len(frames)}\r\n{text}".encode()


def landmarks(points: int, x: float, visibility: float | None = 0.5) -> list[dict]:
    """MediaPipe's, at x, x / 2, then 1/4096 further each."""
    more = {} if visibility is None else {"visibility": visibility}
    return [{"x": x + i / 4096, "y": x / 2 + i / 4096, "z": -0.125, **more} for i in range(points)]


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], separator: str = ",") -> bytes:
    lines = (separator.join(map(str, row)) for row in (columns, *rows))
    return "".join(f"{line}\n" for line in lines).encode()


def yolo_person(points: int, x: float, **more) -> dict:
    """Ultralytics' to_json(): keypoints at x, x + 1, then one further each."""
    places = [x + i for i in range(points)]
    keypoints = {"x": places, "y": [place + 1 for place in places], "visible": [0.5] * points}
    box = {"x1": 10.0, "y1": 20.0, "x2": 60.0, "y2": 62.0}
    return {"name": "person", "class": 0, "confidence": 0.9, "box": box, "keypoints": keypoints, **more}


def yolo_line(points: int, x: float, *more: float, width: int = 3) -> bytes:
    """A line of Ultralytics' save_txt: keypoints at x, x / 2, then 1/1024 further each; `more` after them."""
    rows = ((x + i / 1024, x / 2 + i / 1024, 0.5)[:width] for i in range(points))
    extent = (points - 1) / 1024
    box = (x + extent / 2, x / 2 + extent / 2, extent + 1 / 64, extent + 1 / 64)
    numbers = (0, *box, *(number for row in rows for number in row), *more)
    return " ".join(map(str, numbers)).encode() + b"\n"


def annotation(frame_dir: str = "clip_a", frames: int = 3, label: object = 4, dtype=np.float16, **more) -> dict:
    rng = np.random.default_rng(frames)
    return {
        "frame_dir": frame_dir,
        "label": label,
        "img_shape": (1080, 1920),
        "original_shape": (1080, 1920),
        "total_frames": frames,
        "num_person_raw": 1,
        "keypoint": rng.integers(0, 1000, (1, frames, 17, 2)).astype(dtype),
        "keypoint_score": rng.random((1, frames, 17)).astype(dtype),
        **more,
    }


def pickled(content, protocol: int = 4) -> bytes:
    return pickle.dumps(content, protocol)


def every_format() -> dict[str, bytes]:
    """One valid file of each, small enough to be bent a thousand ways."""
    coco = {
        "images": [{"id": 7, "height": 480, "width": 640}],
        "annotations": [{"image_id": 7, "keypoints": triples(17, 5.0, 2)}],
    }
    return {
        "clip.npy": npy(np.ones((2, 5, 3), np.float32)),
        "clip.npz": npz(keypoint=np.ones((2, 5, 2)), img_shape=np.array([480, 640]), frame_dir=np.array("a")),
        "clip.pose": (DATA / "poses" / "ase_A.pose").read_bytes(),
        "frame.json": openpose_frame({"pose_keypoints_2d": triples(25, 1.0)}),
        "frames.zip": zipped({"a_0.json": openpose_frame({"pose_keypoints_2d": triples(25, 1.0)})}),
        "clip.npy.gz": gzip.compress(npy(np.ones((2, 5, 3), np.float32))),
        "clip.tar.bz2": bz2.compress(tarred({"clip.npy": npy(np.ones((2, 5, 3), np.float32))})),
        "clip.tar.xz": lzma.compress(tarred({"clip.npy": npy(np.ones((2, 5, 3), np.float32))})),
        "mmpose.json": text([{"frame_id": 0, "instances": [mmpose_instance(17, 3.0)]}]),
        "coco.json": text(coco),
        "results.json": text([{"image_id": f"{t}.jpg", "keypoints": triples(17, 5.0, 0.5)} for t in (3, 4, 6)]),
        "kinetics.json": text({"data": [kinetics_frame(1, kinetics_person(0.25))], "label": "a", "label_index": 3}),
        "S001.skeleton": ntu_skeleton([[ntu_body(72057594037931101, 5.0)], []]),
        "mediapipe.json": text({"frames": [{"pose_landmarks": landmarks(33, 0.25)}]}),
        "table.csv": table([f"{axis}{i}" for i in range(33) for axis in "xyzv"], [[0.25, 0.5, -0.1, 0.75] * 33] * 2),
        "deeplabcut.csv": (DATA / "trackers" / "two.csv").read_bytes(),
        "long.csv": table(
            ["frame", "landmark_index", "x", "y"], [[t, i, 0.25, 0.5] for t in (0, 1) for i in range(33)]
        ),
        "yolo.json": text([yolo_person(17, 30.0)]),
        "yolo.txt": yolo_line(17, 0.25),
        "request.json": text({"keypoint": [[[1.5, 2], [3, None]]], "img_shape": [480, 640], "label": 3}),
        **{f"v{p}.pkl": pickled({"split": {}, "annotations": [annotation(label=np.int64(1))]}, p) for p in range(6)},
    }
