"""Files that hold no keypoints in pixels, or that nobody but their user can interpret: refused with the next step."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np

from tests.cases.formats.kind import HD, Refused, flat, motion, npy, text, zipped
from tests.cases.formats.openpose import frame

_ESTIMATE = "run a pose estimator first, and send its files"
_PROJECT = "project the joints with the camera, and save pixels as `.npy`"
_CLIP = "write a clip: `{keypoint, img_shape}`"


def _pickled(content: object) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array(content, dtype=object), allow_pickle=True)
    return buffer.getvalue()


def _amass() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, poses=np.zeros((4, 156)), trans=np.zeros((4, 3)), betas=np.zeros(16), mocap_framerate=60.0)
    return buffer.getvalue()


def _shifted(t: int) -> bytes:
    """-1..1 of the frame, as `--keypoint_scale 4` writes it."""
    unit = motion(25, seed=t) * (1 / 900, 1 / 500, 1) - (1, 1, 0)
    return text({"version": 1.3, "people": [{"person_id": [-1], "pose_keypoints_2d": flat(unit)}]})


def _world(shape: tuple[int, ...]) -> np.ndarray:
    """Meters around the hip."""
    return np.random.default_rng(0).normal((0, 0, 3), 0.6, (*shape, 3))


def _nested() -> bytes:
    return zipped({"b.zip": zipped({"c.zip": zipped({"v.npy": npy(motion(2, 17))})})})


def _opendocument() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
    return buffer.getvalue()


def _lift() -> bytes:
    instance = {"keypoints": _world((17,)).tolist(), "keypoint_scores": [1.0] * 17}
    return text({"meta_info": {}, "instance_info": [{"frame_id": 0, "instances": [instance]}]})


KINDS = (
    Refused(
        "OpenPose",
        "frames of `--keypoint_scale 3`, where nothing says that they are 0..1",
        "v.zip",
        lambda: zipped({f"v_{t:012d}_keypoints.json": frame(t, scale=1 / 1600) for t in range(3)}),
        "set `coordinates: normalized`",
        "`coordinates: normalized`",
        HD,
    ),
    Refused(
        "OpenPose",
        "frames of `--keypoint_scale 4`, -1..1 of the frame",
        "v.zip",
        lambda: zipped({f"v_{t:012d}_keypoints.json": _shifted(t) for t in range(3)}),
        r"they may be from -1 to 1, or in meters; convert them to pixels",
        "convert them to pixels, or run OpenPose without the option",
        HD,
    ),
    Refused(
        "ST-GCN",
        "`.npy` (C, T, V, M)",
        "one.npy",
        lambda: npy(np.moveaxis(motion(2, 30, 18), -1, 0).transpose(0, 2, 3, 1).astype(np.float32)),
        r"seems to be \(C, T, V, M\).*use keypoint\.transpose\(3, 1, 2, 0\) for \[M, T, V, C\]",
        "`keypoint.transpose(3, 1, 2, 0)`",
        HD,
    ),
    Refused(
        "ST-GCN",
        "`train_data.npy` (N, C, T, V, M), all clips in one array",
        "train_data.npy",
        lambda: npy(np.ones((2, 3, 30, 18, 2), np.float32)),
        r"one clip at a time; for \(N, C, T, V, M\) use keypoint\[n\]\.transpose\(3, 1, 2, 0\)",
        "a file for each clip, `keypoint[n].transpose(3, 1, 2, 0)`",
        HD,
    ),
    Refused(
        "NumPy",
        "`.npy` of Python objects",
        "results.npy",
        lambda: _pickled({"keypoints": [1, 2]}),
        "pickled Python objects, which are never read: save numbers",
        "save an array of numbers",
        HD,
    ),
    Refused(
        "NumPy, NTU",
        "`.npy` [T, 25, 3], of BODY_25 or of Kinect",
        "v1.npy",
        lambda: npy(motion(3, 25)),
        "may be openpose25 .* or ntu25 .*: set `layout`",
        "`layout`",
        HD,
    ),
    Refused(
        "MediaPipe Holistic",
        "`.npy` [T, 543, 3], of Holistic's order or Google ISLR's",
        "v1.npy",
        lambda: npy(motion(3, 543)),
        "may be mediapipe_holistic .* or islr543 .*: set `layout`",
        "`layout`",
        HD,
    ),
    Refused(
        "AMASS (SMPL-H)",
        "`.npz` of joint angles",
        "walk_poses.npz",
        _amass,
        "the .npz file has no array keypoint: it has poses, trans, betas",
        _PROJECT,
        HD,
    ),
    Refused(
        "MMPose",
        "predictions of a 3D lifter",
        "results_3d.json",
        _lift,
        r"must be a list of \[x, y\] in pixels, not \[17, 3\]; set `project: xy` to drop the depth",
        "send the 2D predictions that it was lifted from",
        HD,
    ),
    Refused(
        "PYSKL",
        "`ntu60_3danno.pkl`, 3D joints of Kinect",
        "ntu60_3danno.pkl",
        lambda: pickle.dumps([{"frame_dir": "a", "label": 0, "total_frames": 4, "keypoint": _world((1, 4, 25))}]),
        "which are depths instead of scores",
        "`ntu60_hrnet.pkl`, which has pixels",
        {**HD, "layout": "ntu25"},
    ),
    Refused(
        "AIST++",
        "pickle of body parameters",
        "gBR_sBM_cAll_d04_mBR0_ch01.pkl",
        lambda: pickle.dumps({"smpl_poses": np.zeros((4, 72)), "smpl_trans": np.zeros((4, 3))}),
        "the pickle is not an annotation file: it must be",
        "its `keypoints2d` of one camera as `.npy` [T, 17, 3]",
    ),
    Refused(
        "LabelMe",
        "JSON of shapes",
        "000001.json",
        lambda: text({"version": "5.0.1", "flags": {}, "shapes": [], "imageHeight": 9, "imageWidth": 9}),
        r"JSON of an unknown format, an object with 'version', 'flags', 'shapes'.*write a clip",
        _CLIP,
    ),
    Refused(
        "EasyMocap",
        "JSON of a frame",
        "000000.json",
        lambda: text({"filename": "0.jpg", "height": 9, "width": 9, "annots": [{"keypoints": [[1, 2, 0.5]]}]}),
        "JSON of an unknown format, an object with 'filename', 'height', 'width', 'annots'.*write a clip",
        _CLIP,
    ),
    Refused(
        "FreiHAND",
        "`training_xyz.json`, 3D points of a hand",
        "training_xyz.json",
        lambda: text(_world((3, 21)).tolist()),
        "JSON of an unknown format, a list of numbers, texts or lists.*write a clip",
        _PROJECT,
    ),
    Refused(
        "Blender", "`.bvh`", "walk.bvh", lambda: b"HIERARCHY\nROOT Hips\n{\n", "project them with the camera", _PROJECT
    ),
    Refused("Vicon", "`.c3d`", "walk.c3d", lambda: b"\x02\x50" + bytes(510), "project them with the camera", _PROJECT),
    Refused(
        "OpenSim (OpenCap)",
        "`.trc`",
        "walk.trc",
        lambda: b"PathFileType\t4\t(X/Y/Z)\twalk.trc\nDataRate\tCameraRate\n",
        "project them with the camera",
        _PROJECT,
    ),
    Refused(
        "Mixamo",
        "`.fbx`",
        "walk.fbx",
        lambda: b"Kaydara FBX Binary  \x00\x1a\x00",
        "project them with the camera",
        _PROJECT,
    ),
    Refused(
        "JHMDB",
        "`joint_positions.mat`",
        "joint_positions.mat",
        lambda: b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(90),
        r"a MATLAB file, which is not supported: save the array \[T, V, 3\]",
        "`scipy.io.loadmat`, and save [T, V, 3] as `.npy`",
    ),
    Refused(
        "cameras",
        "`.mp4`, `.avi`, `.MTS` and other videos",
        "v1.mp4",
        lambda: b"\0\0\0\x20ftypisom" + bytes(40),
        "a video, which has no keypoints: run a pose estimator first",
        _ESTIMATE,
    ),
    Refused(
        "cameras",
        "pictures",
        "v1.jpg",
        lambda: b"\xff\xd8\xff\xe0" + bytes(40),
        "a picture, which has no keypoints: run a pose estimator first",
        _ESTIMATE,
    ),
    Refused(
        "Git LFS",
        "a pointer in place of the file",
        "ntu60_hrnet.pkl",
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 1234\n",
        "a pointer of Git LFS instead of the file: run `git lfs pull`",
        "`git lfs pull`",
    ),
    Refused(
        "7-Zip",
        "`.7z`",
        "all.7z",
        lambda: b"7z\xbc\xaf\x27\x1c" + bytes(40),
        "unpack it and pack the files as a zip",
        "pack a zip",
    ),
    Refused(
        "WinRAR",
        "`.rar`",
        "a.rar",
        lambda: b"Rar!\x1a\x07\x01\0" + bytes(40),
        "unpack it and pack the files as a zip",
        "pack a zip",
    ),
    Refused(
        "ALZip",
        "`.alz`",
        "a.alz",
        lambda: b"ALZ\x01" + bytes(40),
        "unpack it and pack the files as a zip",
        "pack a zip",
    ),
    Refused("zip", "a zip in a zip in a zip", "a.zip", _nested, "unpack", "unpack the inner archives"),
    Refused(
        "Excel",
        "a workbook",
        "labels.xlsx",
        lambda: zipped({"[Content_Types].xml": b"<Types/>"}),
        "a workbook, which has no keypoints: if it has labels, send it as labels",
        "the part `labels` of `/annotation`",
    ),
    Refused(
        "LibreOffice",
        "`.ods`",
        "labels.ods",
        _opendocument,
        "save it as .xlsx or CSV, and send it as labels",
        "save `.xlsx` or CSV",
    ),
)
