"""Writes the request examples of this folder from the real clips in tests/data/poses: run it from anywhere.

`examples.json` is the index: of each request its path, headers and body or form parts, and what the response holds.
"""

from __future__ import annotations

import io
import json
import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt

from heatsvc.pose import LAYOUTS, PoseClip
from heatsvc.pose.readers import ReadOptions, read
from heatsvc.pose.select import select_points

FOLDER = Path(__file__).parent
POSES = FOLDER.parents[1] / "tests" / "data" / "poses"
SERVICE = "http://127.0.0.1:8000"

README = """# Request examples

One request for each type of body, each with the curl line that sends it from the clone's root. `examples.json` has the
same for programs, with the arrays that each response holds; `tests/test_examples.py` sends them all. `make.py` writes
this folder.

The keypoints are real: finger spelling in American Sign Language from the package `spoken-to-signed` 0.4.0
(MIT license, University of Zurich), estimated with MediaPipe Holistic. `FIRE` is the letters F, I, R and E in a row, in
COCO-WholeBody order and a 1920 x 1080 frame. `ase_A.pose` is the file as it came. The others are the same points in
other estimators' formats: coordinates are rounded, and OpenPose's neck and mid hip are midpoints.
"""


def main() -> None:
    """Write the bodies, then the index and README.md."""
    fire = _read("ase_FIRE_wholebody133.npy", img_shape=(1080, 1920))
    letters = [select_points(_read(f"ase_{letter}.pose"), "sign27") for letter in "AFZ"]
    _write("clip.json", _json({**_clip(select_points(fire, "sign27"), "FIRE"), "pipeline": "view"}))
    clips = [_clip(clip, clip.frame_dir) for clip in letters[:2]]
    _write("clips.json", _json({"clips": clips, "pipeline": "posec3d-val", "dtype": "float16"}))
    _write("clip.npy", _npy(_triples(fire)[0, :48]))
    body = select_points(fire, "coco17")
    _write("clip.npz", _npz(body, "FIRE"))
    _write("ase_A.pose", (POSES / "ase_A.pose").read_bytes())
    frames = _openpose(fire, 24)
    _write("openpose.zip", _zip(frames))
    _write("openpose_frame.json", frames["FIRE_000000000000_keypoints.json"])
    _write("mmpose.json", _json(_mmpose(fire, 24)))
    _write("coco_wholebody.json", _json(_coco(fire, 16)))
    _write("annotation.pkl", _annotation(letters))
    _write("labels.csv", b"name,label\n" + b"".join(f"ase_{letter},{letter}\n".encode() for letter in "AFZ"))
    _write("split.json", _json({"train": ["ase_A", "ase_F"], "test": ["ase_Z"]}))
    index = _index()
    _write("examples.json", (json.dumps(index, indent=2) + "\n").encode())
    lines = [f"\n{example['title']}\n\n```sh\n{_curl(example)}\n```\n" for example in index]
    _write("README.md", (README + "".join(lines)).encode())


def _index() -> list[dict[str, Any]]:
    hd = {"img_shape": [1080, 1920], "select": "sign27"}
    pasted = [
        {"type": "UniformSampleFrames", "clip_len": 16},
        {"type": "PoseDecode"},
        {"type": "PoseCompact", "hw_ratio": 1.0, "allow_imgpad": True},
        {"type": "Resize", "scale": [56, 56], "keep_ratio": False},
        {"type": "GeneratePoseTarget", "sigma": 0.6, "use_score": True, "with_kp": True, "with_limb": False},
        {"type": "FormatShape", "input_format": "NCTHW_Heatmap"},
        {"type": "Collect", "keys": ["imgs", "label"], "meta_keys": []},
        {"type": "ToTensor", "keys": ["imgs"]},
    ]
    npy, tensors, npz = "application/x-npy", "application/vnd.safetensors", "application/x-npz"
    return [
        _body("One clip in JSON.", "clip.json", "application/json", npy, [("FIRE", [95, 27, 64, 64], "float32")]),
        _body(
            "Two clips in JSON, sampled to 48 frames each; one tensor per clip in safetensors.",
            "clips.json",
            "application/json",
            tensors,
            [(name, [1, 27, 48, 64, 64], "float16") for name in ("ase_A", "ase_F")],
            save="heatmaps.safetensors",
        ),
        _body(
            "A NumPy array of 133 keypoints; the options are query parameters.",
            "clip.npy",
            npy,
            npy,
            [("imgs", [48, 27, 64, 64], "float32")],
            query={"img_shape": "1080,1920", "select": "sign27", "pipeline": "view"},
        ),
        _body(
            "A NumPy archive; limbs instead of keypoints.",
            "clip.npz",
            npz,
            npy,
            [("FIRE", [1, 17, 48, 64, 64], "float32")],
            query={"pipeline": "posec3d-val-limb"},
        ),
        _form(
            "A `.pose` file of MediaPipe Holistic; of each pixel the largest value over the joints, in bytes.",
            "ase_A.pose",
            {"select": "sign27", "reduce": "max", "dtype": "uint8"},
            npy,
            [("ase_A", [21, 64, 64], "uint8")],
        ),
        _form(
            "OpenPose's frame files, zipped: one clip, named by them; of each pixel the joint that has it.",
            "openpose.zip",
            {**hd, "reduce": "argmax"},
            npy,
            [("FIRE", [24, 64, 64], "int16")],
        ),
        _form(
            "One frame of OpenPose.",
            "openpose_frame.json",
            hd,
            npy,
            [("openpose_frame", [1, 27, 64, 64], "float32")],
        ),
        _form(
            "MMPose's predictions for a video; the response is an npz archive.",
            "mmpose.json",
            {**hd, "pipeline": "posec3d-val", "dtype": "float16"},
            npz,
            [("mmpose", [1, 27, 48, 64, 64], "float16")],
            save="heatmaps.npz",
        ),
        _form(
            "COCO-WholeBody annotations, the images in a row; a pipeline pasted from a PYSKL config.",
            "coco_wholebody.json",
            {"select": "sign59", "pipeline": pasted},
            npy,
            [("coco_wholebody", [1, 59, 16, 56, 56], "float32")],
        ),
        _form(
            "An annotation pickle; two of its three clips, in this order, as at test time: ten clips and their images.",
            "annotation.pkl",
            {"layout": "sign27", "frame_dir": ["ase_Z", "ase_A"], "pipeline": "posec3d-test", "dtype": "uint8"},
            tensors,
            [(name, [20, 27, 48, 64, 64], "uint8") for name in ("ase_Z", "ase_A")],
            save="heatmaps.safetensors",
        ),
        _dataset(
            "A dataset: keypoints, labels and a split become the pickle that PYSKL and MMAction2 train from.",
            [("keypoints", "annotation.pkl"), ("labels", "labels.csv"), ("split", "split.json")],
            {"layout": "sign27"},
        ),
    ]


def _body(
    title: str,
    file: str,
    media_type: str,
    accept: str,
    arrays: list[tuple[str, list[int], str]],
    query: dict[str, str] | None = None,
    save: str = "heatmaps.npy",
) -> dict[str, Any]:
    path = "/heatmap" + (f"?{urlencode(query, safe=',')}" if query else "")
    headers = {"Content-Type": media_type}
    return _example(title, path, headers, {"body": file}, accept, arrays, save)


def _form(
    title: str,
    file: str,
    options: dict[str, Any],
    accept: str,
    arrays: list[tuple[str, list[int], str]],
    save: str = "heatmaps.npy",
) -> dict[str, Any]:
    # Only what is not the default for so many clips has to be given.
    headers = {"Accept": accept} if accept == "application/x-npz" else {}
    parts = [{"name": "file", "file": file}, {"name": "options", "text": json.dumps(options)}]
    return _example(title, "/heatmap", headers, {"form": parts}, accept, arrays, save)


def _dataset(title: str, files: list[tuple[str, str]], options: dict[str, Any]) -> dict[str, Any]:
    parts = [{"name": name, "file": file} for name, file in files]
    parts.append({"name": "options", "text": json.dumps(options)})
    return _example(title, "/annotation", {}, {"form": parts}, "application/x-pickle", [], "dataset.pkl")


def _example(
    title: str,
    path: str,
    headers: dict[str, str],
    sent: dict[str, Any],
    accept: str,
    arrays: list[tuple[str, list[int], str]],
    save: str,
) -> dict[str, Any]:
    found = [{"name": name, "shape": shape, "dtype": dtype} for name, shape, dtype in arrays]
    response = {"status": 200, "content_type": accept, "arrays": found}
    return {
        "title": title,
        "method": "POST",
        "path": path,
        "headers": headers,
        **sent,
        "response": response,
        "save": save,
    }


def _curl(example: dict[str, Any]) -> str:
    words = ["curl --compressed --fail-with-body"]
    words += [f"-H '{name}: {value}'" for name, value in example["headers"].items()]
    if "body" in example:
        option = "-d" if example["body"].endswith(".json") else "--data-binary"
        words.append(f"{option} @openapi/examples/{example['body']}")
    for part in example.get("form", ()):
        value = f"@openapi/examples/{part['file']}" if "file" in part else part["text"]
        words.append(f"-F '{part['name']}={value}'" if "text" in part else f"-F {part['name']}={value}")
    url = SERVICE + example["path"]
    words += [f"'{url}'" if "?" in url else url, f"-o {example['save']}"]
    return " \\\n  ".join(words)


def _read(name: str, img_shape: tuple[int, int] | None = None) -> PoseClip:
    return read((POSES / name).read_bytes(), filename=name, options=ReadOptions(img_shape=img_shape))[0]


def _triples(clip: PoseClip) -> npt.NDArray[np.float32]:
    """[M, T, V, 3], coordinates to a tenth of a pixel, scores to a hundredth."""
    return np.concatenate([clip.keypoint.round(1), clip.keypoint_score[..., None].round(2)], axis=-1)


def _lists(array: npt.NDArray[np.float32]) -> Any:
    """Lists of the shortest numbers that give the same float32."""
    return json.loads(json.dumps(array.tolist()), parse_float=lambda text: float(str(np.float32(text))))


def _clip(clip: PoseClip, name: str) -> dict[str, Any]:
    assert clip.layout is not None  # noqa: S101
    layout = {"layout": clip.layout.name, "img_shape": list(clip.img_shape)}
    return {"frame_dir": name, **layout, "keypoint": _lists(_triples(clip)[0])}


def _npy(array: npt.NDArray[np.float32]) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def _npz(clip: PoseClip, name: str) -> bytes:
    out = io.BytesIO()
    assert clip.layout is not None  # noqa: S101
    np.savez_compressed(
        out,
        keypoint=clip.keypoint.round(1),
        keypoint_score=clip.keypoint_score.round(2),
        img_shape=np.array(clip.img_shape),
        layout=np.array(clip.layout.name),
        frame_dir=np.array(name),
    )
    return out.getvalue()


def _openpose(clip: PoseClip, frames: int) -> dict[str, bytes]:
    """Frame files by name, as `--write_json` writes them."""
    files = {}
    for t, points in enumerate(_as_openpose(clip)[:frames]):
        flat = [_lists(part.reshape(-1)) for part in np.split(points, (25, 95, 116))]
        names = ("pose_keypoints_2d", "face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d")
        person = {"person_id": [-1], **dict(zip(names, flat, strict=True))}
        files[f"FIRE_{t:012d}_keypoints.json"] = _json({"version": 1.3, "people": [person]})
    return files


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _as_openpose(clip: PoseClip) -> npt.NDArray[np.float32]:
    """[T, 137, 3]: points of the same name; neck and mid hip between their sides; what is missing has score 0."""
    assert clip.layout is not None  # noqa: S101
    triples, index = _triples(clip)[0], clip.layout.index
    points = np.zeros((len(triples), 137, 3), np.float32)
    between = {"neck": "shoulder", "mid_hip": "hip"}
    for i, name in enumerate(LAYOUTS["openpose137"].points):
        if name in index:
            points[:, i] = triples[:, index[name]]
        elif name in between:
            sides = [triples[:, index[f"{side}_{between[name]}"]] for side in ("left", "right")]
            points[:, i] = np.mean(sides, axis=0).round(2)
    return points


def _mmpose(clip: PoseClip, frames: int) -> dict[str, Any]:
    triples = _triples(clip)[0, :frames]
    infos = [
        {"frame_id": t, "instances": [{"keypoints": _lists(frame[:, :2]), "keypoint_scores": _lists(frame[:, 2])}]}
        for t, frame in enumerate(triples, start=1)
    ]
    return {"meta_info": {"dataset_name": "coco_wholebody", "num_keypoints": 133}, "instance_info": infos}


def _coco(clip: PoseClip, frames: int) -> dict[str, Any]:
    parts = {"keypoints": 17, "foot_kpts": 23, "face_kpts": 91, "lefthand_kpts": 112, "righthand_kpts": 133}
    height, width = clip.img_shape
    images, annotations = [], []
    for t, frame in enumerate(_triples(clip)[0, :frames], start=1):
        images.append({"id": t, "file_name": f"FIRE_{t:04d}.jpg", "height": height, "width": width})
        cut = np.split(frame, list(parts.values())[:-1])
        points = {name: _lists(part.reshape(-1)) for name, part in zip(parts, cut, strict=True)}
        annotations.append({"id": t, "image_id": t, "category_id": 1, **points})
    return {"images": images, "annotations": annotations}


def _annotation(clips: list[PoseClip]) -> bytes:
    annotations = [
        {
            "frame_dir": clip.frame_dir,
            "label": label,
            "img_shape": clip.img_shape,
            "original_shape": clip.img_shape,
            "total_frames": clip.frames,
            "num_person_raw": clip.persons,
            "keypoint": clip.keypoint.astype(np.float16),
            "keypoint_score": clip.keypoint_score.astype(np.float16),
        }
        for label, clip in enumerate(clips)
    ]
    names = [clip.frame_dir for clip in clips]
    content = {"split": {"train": names[:2], "test": names[2:]}, "annotations": annotations}
    text = pickle.dumps(content, protocol=4)
    # PYSKL reads it under NumPy 1, which has no numpy._core: the module's older name is known to both. Optimizing
    # writes the frames anew, whose lengths have changed.
    old, new = b"numpy._core.multiarray", b"numpy.core.multiarray"
    return pickletools.optimize(text.replace(b"\x8c%c%b" % (len(old), old), b"\x8c%c%b" % (len(new), new)))


def _json(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def _write(name: str, data: bytes) -> None:
    (FOLDER / name).write_bytes(data)


if __name__ == "__main__":
    main()
