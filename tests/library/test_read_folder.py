"""`heatsvc.read` of a folder: its keypoint files, frame files as one clip, links within it."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import heatsvc
from heatsvc.bounds import Bounds
from heatsvc.errors import LimitError
from heatsvc.pose import PoseError
from tests.pose.readers.samples import npy, openpose_frame, triples, zipped

SIZE = {"img_shape": (90, 160)}


def points(x: float) -> bytes:
    return npy(np.full((2, 17, 3), [x, 20, 0.5], np.float32))


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def firsts(clips) -> dict[str, list[float]]:
    """Name and x of the first point in each frame."""
    return {clip.frame_dir: clip.keypoint[0, :, 0, 0].tolist() for clip in clips}


def test_every_keypoint_file_in_the_order_of_their_names(tmp_path):
    folder = fill(
        tmp_path / "videos",
        {
            "b.npy": points(2),
            "a/v.npy": points(1),
            "c/v.npy": points(3),
            "d.zip": zipped({"w.npy": points(4)}),
            "README.md": b"about it",
            "labels.csv": b"name,label",
            "v.mp4": b"x",
            ".hidden.npy": b"x",
        },
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        clips = heatsvc.read(folder, **SIZE)
    assert firsts(clips) == {"a/v": [1, 1], "b": [2, 2], "c/v": [3, 3], "w": [4, 4]}
    assert list(firsts(clips)) == ["a/v", "b", "c/v", "w"]
    assert firsts(heatsvc.read(str(folder / "a"), **SIZE)) == {"v": [1, 1]}


def test_frame_files_are_one_clip_named_by_their_folder(tmp_path):
    frames = {
        f"00335/image_{number:05}_keypoints.json": openpose_frame({"pose_keypoints_2d": triples(25, number)})
        for number in (10, 9, 2)
    }
    assert firsts(heatsvc.read(fill(tmp_path, frames), **SIZE)) == {"00335": [2, 9, 10]}
    assert firsts(heatsvc.read(tmp_path / "00335", **SIZE)) == {"00335": [2, 9, 10]}


def test_links_within_the_folder_are_followed_and_a_file_is_read_once(tmp_path):
    fill(tmp_path, {"store/0001.npy": points(1), "store/0002.npy": points(2)})
    (tmp_path / "kp").mkdir()
    (tmp_path / "kp" / "v1.npy").symlink_to("../store/0001.npy")
    (tmp_path / "kp" / "v9.npy").symlink_to("../store/0001.npy")
    assert firsts(heatsvc.read(tmp_path, **SIZE)) == {"v1": [1, 1], "0002": [2, 2]}


def test_what_is_left_out_and_may_hold_keypoints_is_warned_of(tmp_path):
    folder = fill(tmp_path, {"other/v.npy": points(1), "kp/v.npy": points(2), "kp/more.7z": b"x"}) / "kp"
    (folder / "out.npy").symlink_to("../other/v.npy")
    with pytest.warns(UserWarning, match="not followed|not supported") as caught:
        clips = heatsvc.read(folder, **SIZE)
    assert firsts(clips) == {"v": [2, 2]}
    assert [str(warning.message) for warning in caught] == [
        "links that lead out of the folder are not followed (1, such as 'out.npy')",
        "'more.7z' is a 7z archive, which is not supported: unpack it and pack the files as a zip archive",
    ]
    assert {warning.filename for warning in caught} == {__file__}


def test_a_folder_without_keypoints_says_what_is_there(tmp_path):
    with pytest.raises(PoseError, match=r"no keypoint files \(\.npy, .*\); there are 'v\.mp4'"):
        heatsvc.read(fill(tmp_path, {"v.mp4": b"x"}))
    with pytest.raises(PoseError, match=r"the folder has no keypoint files \(.*\)$"):
        heatsvc.read(fill(tmp_path / "empty", {".hidden": b"x"}))


def test_a_folder_is_held_to_the_bounds(tmp_path):
    fill(tmp_path, {f"{i}.npy": points(i) for i in range(4)})
    for bounds, said in (
        (Bounds(max_archive_members=3), "4 files in a folder are too many"),
        (Bounds(max_unpacked_bytes=1000), "bytes in a folder are too many"),
        (Bounds(max_clips=3), "4 clips are too many"),
    ):
        with pytest.raises(LimitError, match=said):
            heatsvc.read(tmp_path, **SIZE, bounds=bounds)


def test_an_error_names_the_file(tmp_path):
    fill(tmp_path / "videos", {"a.npy": points(1), "b/c.json": b'{"a": 1}'})
    with pytest.raises(PoseError, match="JSON of an unknown format") as caught:
        heatsvc.read(tmp_path / "videos", **SIZE)
    assert caught.value.file == "videos/b/c.json"
